"""Losses, baselines, cache and files of fields."""

import math

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from workbench.sdk import Progress, UserError
from workbench.toolkit import field_models
from workbench.toolkit.data_cache import cached, finished
from workbench.toolkit.ensembles import EnsembleLinear, glorot_normal, he_normal
from workbench.toolkit.field_files import load_field_pairs, load_flows, load_pipe
from workbench.toolkit.field_losses import (
    absolute_h1,
    radial_spectrum,
    relative_h1,
    relative_h1_differences,
    relative_l2,
)
from workbench.toolkit.field_models import DilResNet, FNO2d, SpectralConv2d, UNet, parameter_count


def wave(m, n=64):
    x = torch.arange(n, dtype=torch.float64) / n
    return torch.cos(2 * math.pi * m * x)[None, :, None].expand(1, n, n)


def test_relative_errors_are_zero_only_for_equal_fields_and_do_not_know_the_scale():
    a, b = torch.randn(3, 1, 16, 16), torch.randn(3, 1, 16, 16)
    for error in (relative_l2, relative_h1, relative_h1_differences):
        assert torch.equal(error(a, a), torch.zeros(3))
        assert (error(a, b) > 0).all()
        assert torch.allclose(error(7 * a, 7 * b), error(a, b), atol=1e-5)
    assert torch.allclose(relative_l2(a, b), ((a - b).flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1)))


@pytest.mark.parametrize("m", [1, 7, 19])
def test_h1_weighs_a_wave_by_its_number_and_cuts_from_twenty_on(m):
    base, scaled = wave(3), wave(3) + 0.1 * wave(m)
    expected = math.sqrt(1 + m**2) / math.sqrt(1 + 9) * 0.1
    assert float(relative_h1(scaled, base)) == pytest.approx(expected, rel=1e-6)
    cut = float(relative_h1(base + 0.1 * wave(25), base))
    assert cut == pytest.approx(0.1 / math.sqrt(10), rel=1e-6)
    uncut = float(relative_h1(base + 0.1 * wave(25), base, cut=None))
    assert uncut == pytest.approx(0.1 * math.sqrt(1 + 625) / math.sqrt(10), rel=1e-6)


def test_the_real_transform_gives_the_norm_of_the_full_one():
    p, y = torch.randn(2, 1, 18, 18, dtype=torch.float64), torch.randn(2, 1, 18, 18, dtype=torch.float64)
    k = torch.fft.fftfreq(18, 1 / 18, dtype=torch.float64)
    weight = (1 + k[:, None] ** 2 + k[None] ** 2).sqrt()
    error, scale = (torch.fft.fft2(field, norm="ortho").abs() * weight for field in (p - y, y))
    assert torch.allclose(
        relative_h1(p, y, cut=None), error.flatten(1).norm(dim=1) / scale.flatten(1).norm(dim=1), rtol=1e-5
    )


def test_absolute_h1_is_not_relative():
    a, b = torch.randn(2, 1, 12, 12), torch.randn(2, 1, 12, 12)
    assert torch.allclose(absolute_h1(3 * a, 3 * b), 3 * absolute_h1(a, b), rtol=1e-4)


def test_spectra_sum_to_the_power_inside_the_largest_ring_and_place_a_wave():
    power = radial_spectrum(wave(5))[0]
    assert int(power.argmax()) == 5
    assert float(power.sum()) == pytest.approx(float(wave(5).square().sum()), rel=1e-9)


@pytest.mark.parametrize(("n", "modes"), [(54, 10), (48, 24), (17, 20)])
def test_transforming_only_the_kept_modes_is_the_fast_transform(n, modes, monkeypatch):
    torch.manual_seed(0)
    layer, x = SpectralConv2d(3, 4, modes), torch.randn(2, 3, n, n + 3)
    direct = layer(x)
    monkeypatch.setattr(field_models, "LARGEST_DIRECT", 0)
    assert torch.allclose(direct, layer(x), atol=2e-5)


def test_spectral_layer_gives_the_same_function_on_every_grid():
    torch.manual_seed(0)
    layer = SpectralConv2d(1, 1, 4)
    coarse, fine = (
        torch.sin(2 * math.pi * torch.arange(n) / n)[None, None, :, None].expand(1, 1, n, n) for n in (16, 64)
    )
    assert torch.allclose(layer(fine)[..., ::4, ::4], layer(coarse), atol=1e-5)


@pytest.mark.parametrize(
    "make", [lambda: FNO2d(width=8, modes=5), lambda: UNet(width=4), lambda: DilResNet(channels=6)]
)
@pytest.mark.parametrize("n", [33, 48])
def test_baselines_keep_the_grid_and_learn(make, n):
    torch.manual_seed(0)
    network, x = make(), torch.randn(4, 1, n, n)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    target = x.cumsum(-1) / n
    losses = []
    for _ in range(8):
        loss = (network(x) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert network(x).shape == x.shape
    assert losses[-1] < losses[0]


def test_sizes_of_the_published_baselines():
    assert parameter_count(UNet(width=64)) == 31_036_481
    assert parameter_count(FNO2d(width=32, modes=12)) == 4 * (
        2 * 2 * 12 * 12 * 32 * 32 + 32 * 32 + 32
    ) + 3 * 32 + 32 + (32 * 128 + 128 + 128 + 1)


def test_ensemble_layers_are_their_members_and_initialisers_have_their_deviations():
    seeds = [torch.Generator().manual_seed(seed) for seed in (3, 4)]
    layer = EnsembleLinear(2, 400, 300, generators=seeds)
    x = torch.randn(2, 5, 400)
    for member in range(2):
        assert torch.allclose(layer(x)[member], x[member] @ layer.weight[member], atol=1e-4)
        assert float(layer.weight[member].detach().std()) == pytest.approx(math.sqrt(2 / 700), rel=0.02)
    alone = EnsembleLinear(1, 400, 300, generators=[torch.Generator().manual_seed(4)])
    assert torch.equal(alone.weight[0], layer.weight[1])
    he = torch.empty(400, 300)
    he_normal(he, 400, 300, torch.Generator().manual_seed(0))
    assert float(he.std()) == pytest.approx(math.sqrt(2 / 400), rel=0.02)
    assert float(he.abs().max()) <= 2 * math.sqrt(2 / 400) / 0.8796 + 1e-6
    partial = EnsembleLinear(
        1, 6, 4, generators=[torch.Generator().manual_seed(0)], inputs_used=[2], initialise=glorot_normal
    )
    assert partial.weight[0, 2:].abs().max() == 0


# The cache


def test_data_are_made_once_and_read_the_second_time(tmp_path):
    made = []

    def make():
        made.append(1)
        yield Progress("half", 0.5)
        yield {"a": np.arange(3.0)}

    key = {"n": 3, "kind": "x"}
    assert np.array_equal(finished(cached(tmp_path, "set", key, make))["a"], [0, 1, 2])
    assert np.array_equal(finished(cached(tmp_path, "set", key, make))["a"], [0, 1, 2])
    assert len(made) == 1
    finished(cached(tmp_path, "set", key | {"n": 4}, make))
    assert len(made) == 2


def test_a_stop_half_way_leaves_nothing_and_a_damaged_file_is_made_again(tmp_path):
    def make():
        yield Progress("half", 0.5)
        yield {"a": np.arange(3.0)}

    stopped = cached(tmp_path, "set", {}, make)
    next(stopped)
    stopped.close()
    assert not list(tmp_path.rglob("*.npz*"))
    finished(cached(tmp_path, "set", {}, make))
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(b"not an archive")
    assert np.array_equal(finished(cached(tmp_path, "set", {}, make))["a"], [0, 1, 2])


# Files

PAIR = (np.random.default_rng(0).random((5, 12, 12)), np.random.default_rng(1).random((5, 12, 12)))


def write_v73(file, **arrays):
    """As MATLAB does: HDF5 with axes reversed."""
    with h5py.File(file, "w", userblock_size=512) as opened:
        for name, values in arrays.items():
            opened.create_dataset(name, data=values.transpose()).attrs["MATLAB_class"] = np.bytes_(b"double")


@pytest.mark.parametrize("kind", ["npz", "npz with channels", "mat", "mat 7.3", "h5"])
def test_every_layout_gives_the_same_pairs(tmp_path, kind):
    file = tmp_path / {"mat": "d.mat", "mat 7.3": "d.mat", "h5": "d.h5"}.get(kind, "d.npz")
    a, u = PAIR
    if kind == "npz":
        np.savez(file, x=a, y=u)
    elif kind == "npz with channels":
        np.savez(file, x=a[:, None], y=u[:, None])
    elif kind == "mat":
        savemat(file, {"coeff": a, "sol": u, "Kcoeff": a})
    elif kind == "mat 7.3":
        write_v73(file, coeff=a, sol=u)
    else:
        with h5py.File(file, "w") as opened:
            opened["a"], opened["u"] = a, u
    pairs = load_field_pairs(file)
    assert np.allclose(pairs.inputs, a, atol=1e-6)
    assert np.allclose(pairs.outputs, u, atol=1e-6)
    assert pairs.inputs.dtype == np.float32
    thinned = load_field_pairs(tmp_path / file.name, most=3, stride=1)
    assert len(thinned.inputs) == 3


def test_what_cannot_be_used_is_refused_with_one_sentence(tmp_path):
    a, u = PAIR
    nan = a.copy()
    nan[3, 1, 2] = np.nan
    cases = {
        "missing.npz": (None, "no such file"),
        "table.csv": (b"1,2", "not from .csv"),
        "bad.npz": (b"PK nonsense", "not a readable .npz"),
        "bad.mat": (b"nonsense" * 100, "not a readable .mat"),
        "bad.h5": (b"nonsense", "not a readable HDF5"),
    }
    for name, (content, words) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=words):
            load_field_pairs(tmp_path / name)
    for arrays, words in (
        ({"p": a, "q": u}, "a pair of arrays named"),
        ({"x": a, "y": u[:3]}, "both must be on one grid"),
        ({"x": a[:, :10], "y": u[:, :10]}, "square"),
        ({"x": nan, "y": u}, "sample 3"),
        ({"x": a[0, 0], "y": u[0, 0]}, "are expected"),
        ({"x": np.array([["a"]]), "y": u}, "numbers"),
        ({"x": a[:, :4, :4], "y": u[:, :4, :4]}, "at least 8"),
    ):
        np.savez(tmp_path / "case.npz", **arrays)
        with pytest.raises(UserError, match=words):
            load_field_pairs(tmp_path / "case.npz")
    np.savez(tmp_path / "pickled.npz", x=np.array([{"a": 1}], dtype=object), y=u)
    with pytest.raises(UserError, match="not a readable"):
        load_field_pairs(tmp_path / "pickled.npz")


def test_a_file_that_announces_too_much_is_not_read(tmp_path, monkeypatch):
    from workbench.toolkit import field_files

    monkeypatch.setattr(field_files, "LARGEST_BYTES", 1000)
    np.savez(tmp_path / "d.npz", x=PAIR[0], y=PAIR[1])
    write_v73(tmp_path / "d.mat", coeff=PAIR[0], sol=PAIR[1])
    savemat(tmp_path / "e.mat", {"coeff": PAIR[0], "sol": PAIR[1]})
    for name in ("d.npz", "d.mat", "e.mat"):
        with pytest.raises(UserError, match="GiB"):
            load_field_pairs(tmp_path / name)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_loaders(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("bytes")
    for name in ("f.npz", "f.mat", "f.h5"):
        (folder / name).write_bytes(content)
        with pytest.raises(UserError):
            load_field_pairs(folder / name)


RNG = np.random.default_rng(3)


@pytest.mark.parametrize(
    "names", [("train_x", "train_y"), ("set-a", "set-u"), ("Darcy_coeff", "Darcy_sol"), ("x", "y")]
)
@pytest.mark.parametrize("chosen", [0, 1])
def test_a_pair_of_npy_files_is_read_whichever_is_chosen(tmp_path, names, chosen):
    for name, values in zip(names, PAIR, strict=True):
        np.save(tmp_path / f"{name}.npy", values)
    pairs = load_field_pairs(tmp_path / f"{names[chosen]}.npy", most=4)
    assert np.array_equal(pairs.inputs, PAIR[0][:4].astype(np.float32))
    assert np.array_equal(pairs.outputs, PAIR[1][:4].astype(np.float32))


def test_npy_files_that_are_no_pair_are_refused(tmp_path):
    np.save(tmp_path / "train_x.npy", PAIR[0])
    with pytest.raises(UserError, match=r"train_y\.npy is missing beside it"):
        load_field_pairs(tmp_path / "train_x.npy")
    np.save(tmp_path / "numbers.npy", PAIR[0])
    with pytest.raises(UserError, match="must end in one of a pair"):
        load_field_pairs(tmp_path / "numbers.npy")
    np.save(tmp_path / "objects_x.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "objects_y.npy", PAIR[0])
    with pytest.raises(UserError, match="not a readable"):
        load_field_pairs(tmp_path / "objects_x.npy")
    (tmp_path / "broken_x.npy").write_bytes(b"\x93NUMPY\x01\x00nonsense")
    np.save(tmp_path / "broken_y.npy", PAIR[0])
    with pytest.raises(UserError, match="not a readable"):
        load_field_pairs(tmp_path / "broken_x.npy")


def pipe(folder, **parts):
    for part, values in parts.items():
        np.save(folder / f"Pipe_{part}.npy", values)
    return folder / "Pipe_X.npy"


def test_the_pipe_is_read_from_its_three_files_and_loses_its_odd_line(tmp_path):
    x, y = RNG.random((6, 17, 17)), RNG.random((6, 17, 17))
    q = RNG.random((6, 4, 17, 17))
    file = pipe(tmp_path, X=x, Y=y, Q=q)
    for chosen in ("X", "Y", "Q"):
        pairs = load_pipe(file.with_name(f"Pipe_{chosen}.npy"), most=5)
        assert pairs.inputs.shape == (5, 2, 16, 16)
        assert np.array_equal(pairs.inputs[:, 1], y[:5, :16, :16].astype(np.float32))
        assert np.array_equal(pairs.outputs, q[:5, 0, :16, :16].astype(np.float32))
    assert load_pipe(file, stride=2).outputs.shape == (6, 8, 8)
    with pytest.raises(UserError, match="choose the data set Pipe"):
        load_field_pairs(file)


def test_pipes_that_do_not_fit_are_refused(tmp_path):
    field = RNG.random((6, 16, 16))
    file = pipe(tmp_path, X=field, Y=field)
    with pytest.raises(UserError, match=r"Pipe_Q\.npy is missing"):
        load_pipe(file)
    pipe(tmp_path, Q=RNG.random((6, 4, 12, 12)))
    with pytest.raises(UserError, match="on one mesh"):
        load_pipe(file)
    bad = RNG.random((6, 16, 16))
    bad[4, 2, 2] = np.nan
    pipe(tmp_path, Q=bad)
    with pytest.raises(UserError, match="q of sample 4"):
        load_pipe(file)
    np.save(tmp_path / "field.npy", field)
    with pytest.raises(UserError, match="three files"):
        load_pipe(tmp_path / "field.npy")
    with pytest.raises(UserError, match="no such file"):
        load_pipe(tmp_path / "Other_X.npy")


FLOWS = RNG.random((4, 6, 10, 10))
"""(flows, times, n, n)."""


@pytest.mark.parametrize("kind", ["mat5", "mat7.3", "npz", "npy", "npy, time first"])
def test_flows_are_read_with_time_last_or_second(tmp_path, kind):
    last = np.moveaxis(FLOWS, 1, -1)
    if kind == "mat5":
        savemat(file := tmp_path / "flows.mat", {"u": last, "t": np.arange(6.0)})
    elif kind == "mat7.3":
        with h5py.File(file := tmp_path / "flows.mat", "w") as opened:
            opened["u"] = last.transpose()
    elif kind == "npz":
        np.savez(file := tmp_path / "flows.npz", u=FLOWS)
    else:
        np.save(file := tmp_path / "flows.npy", FLOWS if "first" in kind else last)
    assert np.array_equal(load_flows(file), FLOWS.astype(np.float32))
    assert load_flows(file, most=3, frames=5).shape == (3, 5, 10, 10)


def test_flows_that_cannot_be_used_are_refused(tmp_path):
    cases = {
        "an array of flows named u": {"v": FLOWS}, "times\\) are expected": {"u": FLOWS[0]},
        "square grids": {"u": FLOWS[..., :9]}, "at least 2 times": {"u": FLOWS[:, :1]},
        "u of flow 2": {"u": np.where(np.arange(4)[:, None, None, None] == 2, np.inf, FLOWS)},
    }  # fmt: skip
    for words, arrays in cases.items():
        np.savez(tmp_path / "flows.npz", **arrays)
        with pytest.raises(UserError, match=words):
            load_flows(tmp_path / "flows.npz")
    with pytest.raises(UserError, match="no such file"):
        load_flows(tmp_path / "missing.mat")
