"""MgNO: the V-cycle against textbook multigrid, the released sizes, boundary conditions, experiments."""

import csv
import math

import numpy as np
import pytest
import torch
from scipy.sparse import diags_array, kron

from plugins.mgno import claims
from plugins.mgno.classical import (
    apply_stencil,
    classical_cycle,
    cycle_residuals,
    exact_solution,
    jacobi_residuals,
    mode_damping,
)
from plugins.mgno.contract import (
    BoundaryParameters,
    FieldParameters,
    LabParameters,
    RolloutParameters,
    smoothing_counts,
)
from plugins.mgno.data import checked, draw_coefficient, noise_of
from plugins.mgno.experiments.boundary import BoundaryLab
from plugins.mgno.experiments.fields import Fields
from plugins.mgno.experiments.inspecting import bilinear_stencil, smoother_symbols, stencil_symbol
from plugins.mgno.experiments.multigrid_lab import MultigridLab
from plugins.mgno.experiments.rollout import Rollout
from plugins.mgno.model import HelmholtzMgNO, MgNO, MultigridOperator, Normaliser, level_sizes
from tests.support.experiments import steps_of
from workbench.compute.building import build, prepared
from workbench.compute.checks import assert_resuming_changes_nothing, assert_watching_changes_nothing
from workbench.sdk import UserError, claims_of
from workbench.toolkit.elliptic import darcy_residual
from workbench.toolkit.field_models import parameter_count

TINY = {"n": 16, "train": 8, "test": 8, "channels": 4, "layers": 2, "levels": 3, "batch": 4, "steps": 10,
        "evaluate_every": 5, "fno_width": 4, "fno_modes": 3, "unet_width": 2, "dil_channels": 4}  # fmt: skip
SMALL = {
    Fields: TINY | {"models": ("mgno", "fno", "unet", "dilresnet")},
    MultigridLab: {"n": "15", "steps": 10, "batch": 2},
    BoundaryLab: {"n": 16, "train": 16, "test": 8, "channels": 4, "levels": 3, "steps": 10, "evaluate_every": 5},
    Rollout: {"n": 16, "trajectories": 8, "test": 4, "frames": 2, "channels": 4, "layers": 2, "levels": 3, "batch": 4,
              "steps": 10, "evaluate_every": 5, "models": ("mgno", "fno"), "fno_width": 4, "fno_modes": 3},
}  # fmt: skip
COEFFICIENT = np.where(np.random.default_rng(0).random((16, 16)) > 0.5, 12.0, 2.0)
ACTIONS = {
    Fields: {
        "predict": {"values": COEFFICIENT, "gains": [0.0, 1.0]}, "solve": {"values": COEFFICIENT},
        "case": {"number": 3}, "draw": {"seed": 4, "tau": 3.0},
        "receptive": {"values": COEFFICIENT, "row": 3, "column": 9},
        "cycle": {"values": COEFFICIENT, "layer": 1}, "symbols": {"layer": 1}, "resolutions": {},
    },
    MultigridLab: {"solve": {"source": np.ones((15, 15))}},
    Rollout: {"flow": {"number": 2}, "continue_from": {"vorticity": COEFFICIENT - 7}},
}  # fmt: skip
EVERY = pytest.mark.parametrize("kind", SMALL, ids=lambda kind: kind.__name__)
SIX = [(1, 0)] * 5 + [(2, 0)]


def started(kind, seed=0, **changes):
    return prepared(build(kind, SMALL[kind] | changes, seed=seed))


# The released sizes


@pytest.mark.parametrize(("make", "n", "expected"), [
    (lambda: MgNO(211, layers=5), 211, 678_093),
    (lambda: MgNO(256), 256, 572_661),
    (lambda: MgNO(128, c_in=2, layers=5, counts=[(1, 0)] * 4 + [(1, 1), (2, 0)]), None, 783_876),
    (lambda: MgNO(64, channels=32, layers=5, counts=[(1, 0)] * 3 + [(2, 0)] * 2, padding_mode="circular",
                  pointwise=False, bias=True, norm=True, residual=True), 64, 2_885_194),
    (lambda: HelmholtzMgNO(), 101, 5_351_806),
], ids=["smooth", "rough", "pipe", "navier-stokes", "helmholtz"])  # fmt: skip
def test_parameter_counts_are_those_of_the_released_classes(make, n, expected):
    network = make()
    assert parameter_count(network) == expected
    if n is not None:
        with torch.no_grad():
            assert network(torch.rand(1, 1, n, n)).shape == (1, 1, n, n)


def test_levels_are_the_papers_and_too_many_are_refused():
    assert level_sizes(211, 6) == [211, 106, 53, 27, 14, 7]
    assert level_sizes(101, 5, 0) == [101, 50, 24, 11, 5]
    kernels = [operator.kernel_size[0] for operator in MgNO(211, layers=1, counts=SIX).W[0].RT]
    assert kernels == [3, 4, 3, 3, 4]
    with pytest.raises(ValueError, match="coarsest needs 3"):
        level_sizes(16, 5)


@pytest.mark.parametrize(("text", "levels", "expected"), [
    ("1/0 2/0", 4, ((1, 0), (1, 0), (1, 0), (2, 0))), ("1/1", 2, ((1, 1), (1, 1))), ("2", 1, ((2, 0),)),
    ("1/0 1/1 3/0", 3, ((1, 0), (1, 1), (3, 0))), ("1/0 2/0", 1, ((2, 0),)),
])  # fmt: skip
def test_smoothing_lists_are_read(text, levels, expected):
    assert smoothing_counts(text, levels) == expected


@pytest.mark.parametrize("text", ["", "a", "9/0", "0/1 1/0", "1/2/3"])
def test_other_smoothing_lists_are_refused(text):
    with pytest.raises(ValueError, match="smoothings"):
        smoothing_counts(text, 2)


# The V-cycle against the textbook


def textbook_v_cycle(n, f, relaxation=0.8, coarse=20):
    """An independent V(1,1)-cycle with sparse matrices: Galerkin by rediscretisation, u and f as vectors."""

    def stencil(m):
        one = diags_array([np.ones(m - 1), np.ones(m), np.ones(m - 1)], offsets=[-1, 0, 1])
        return (3 * diags_array([np.ones(m * m)], offsets=[0]) - kron(one, one) / 3).tocsr()

    def interpolation(m):
        rows = np.zeros((2 * m + 1, m))
        for j in range(m):
            rows[2 * j : 2 * j + 3, j] = (0.5, 1, 0.5)
        return kron(rows, rows).tocsr()

    def cycle(m, right):
        A = stencil(m)
        diagonal = A.diagonal()
        sweeps = coarse if m == 3 else 1
        u = np.zeros_like(right)
        for _ in range(sweeps):
            u = u + relaxation * (right - A @ u) / diagonal
        if m == 3:
            return u
        P = interpolation((m - 1) // 2)
        u = u + P @ cycle((m - 1) // 2, P.T @ (right - A @ u))
        return u + relaxation * (right - A @ u) / diagonal

    return cycle(n, f.ravel()).reshape(n, n)


@pytest.mark.parametrize("n", [7, 15, 31])
@pytest.mark.parametrize("relaxation", [0.8, 2 / 3])
def test_with_the_textbooks_weights_the_operator_is_the_textbooks_cycle(n, relaxation):
    f = np.random.default_rng(n).standard_normal((n, n))
    ours = classical_cycle(n, relaxation).double()(torch.from_numpy(f)[None, None])
    assert np.abs(ours.detach().numpy()[0, 0] - textbook_v_cycle(n, f, relaxation)).max() < 1e-6


@pytest.mark.parametrize("n", [31, 63, 127])
def test_a_cycle_reduces_the_residual_by_a_factor_that_does_not_know_the_grid(n):
    f = torch.randn(1, 1, n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
    residuals, u = cycle_residuals(classical_cycle(n).double(), f, 14)
    factors = residuals[5:] / residuals[4:-1]
    assert factors.max() < 0.25
    exact = exact_solution(f[0, 0].numpy())
    assert np.abs(u[0, 0].numpy() - exact).max() < 1e-6 * np.abs(exact).max()
    assert jacobi_residuals(f, 0.8, 14)[-1] > 100 * residuals[-1]


def test_the_exact_solution_solves_and_a_cycle_damps_every_mode():
    f = np.random.default_rng(0).standard_normal((2, 15, 15))
    u = torch.from_numpy(exact_solution(f))[:, None]
    assert torch.allclose(apply_stencil(u)[:, 0], torch.from_numpy(f), atol=1e-12)
    assert mode_damping(classical_cycle(15).double(), 15, np.arange(1, 16)).max() < 0.25


def test_textbook_grids_are_nested():
    with pytest.raises(ValueError, match="2\\^J - 1"):
        classical_cycle(32)


# Properties of the operator


@pytest.mark.parametrize("form", ["released", "mgnet", "classical"])
@pytest.mark.parametrize("padding", ["zeros", "reflect", "circular", "replicate"])
@pytest.mark.parametrize("n", [16, 19])
def test_a_cycle_is_linear_and_keeps_the_grid(form, padding, n):
    torch.manual_seed(0)
    cycle = MultigridOperator(2, 3, [(1, 1), (1, 0), (2, 0)], n=n, padding_mode=padding, form=form).double()
    f, g = torch.randn(2, 1, 2, n, n, dtype=torch.float64)
    both = cycle(2 * f - 3 * g)
    assert both.shape == (1, 3, n, n)
    assert torch.allclose(both, 2 * cycle(f) - 3 * cycle(g), atol=1e-10)


def test_the_three_forms_restrict_what_they_say():
    """On two levels with one smoothing each, the correction by hand."""
    torch.manual_seed(1)
    f = torch.randn(1, 1, 8, 8)
    for form in ("released", "mgnet", "classical"):
        cycle = MultigridOperator(1, 2, [(1, 0), (1, 0)], n=8, form=form)
        fine, coarse = cycle.pre[0][0], cycle.pre[1][0]
        u = fine.S(f)
        if form == "released":
            below, right = cycle.Pi[0](u), cycle.R[0](f)
        elif form == "mgnet":
            below = cycle.Pi[0](u)
            right = cycle.R[0](f - cycle.residual_A[0](u)) + coarse.A(below)
        else:
            below, right = torch.zeros(1, 2, 4, 4), cycle.R[0](f - cycle.residual_A[0](u))
        below = below + coarse.S(right - coarse.A(below))
        assert torch.allclose(cycle(f), u + cycle.RT[0](below), atol=1e-6)


def test_periodic_cycles_commute_with_shifts_by_the_coarsest_cell_and_not_by_one():
    torch.manual_seed(0)
    cycle = MultigridOperator(1, 2, [(1, 0), (1, 0), (1, 0)], n=16, padding_mode="circular").double()
    with torch.no_grad():  # the released transposed convolutions pad zeros: make them periodic to see the rest
        for operator in cycle.RT:
            operator.weight[..., 0, :] = operator.weight[..., 3, :] = 0
            operator.weight[..., :, 0] = operator.weight[..., :, 3] = 0
    f = torch.randn(1, 1, 16, 16, dtype=torch.float64)
    shifted = cycle(torch.roll(f, (4, 4), (2, 3)))
    assert torch.allclose(shifted, torch.roll(cycle(f), (4, 4), (2, 3)), atol=1e-9)
    assert not torch.allclose(cycle(torch.roll(f, 1, 2)), torch.roll(cycle(f), 1, 2), atol=1e-3)


@pytest.mark.parametrize(("padding", "extended"), [("zeros", "odd"), ("reflect", "even"), ("circular", "periodic")])
def test_padding_is_the_boundary_condition(padding, extended):
    """A symmetric smoother keeps odd, even and periodic extensions: it acts as on the extended field."""
    operator = MultigridOperator(1, 1, [(1, 0)], n=9, padding_mode=padding)
    kernel = torch.tensor([[0.1, 0.2, 0.1], [0.2, 0.5, 0.2], [0.1, 0.2, 0.1]])
    with torch.no_grad():
        operator.pre[0][0].S.weight.copy_(kernel[None, None])
    x = torch.arange(1, 10) if extended == "odd" else torch.arange(9)
    wave = {
        "odd": torch.sin(math.pi * x / 10),
        "even": torch.cos(math.pi * x / 8),
        "periodic": torch.cos(2 * math.pi * x / 9),
    }[extended]
    f = (wave[:, None] * wave[None])[None, None]
    theta = {"odd": math.pi / 10, "even": math.pi / 8, "periodic": 2 * math.pi / 9}[extended]
    symbol = 0.5 + 0.8 * math.cos(theta) + 0.4 * math.cos(theta) ** 2
    assert torch.allclose(operator(f), symbol * f, atol=1e-6)


def test_a_gain_of_zero_leaves_out_what_comes_from_below_and_traces_tell_every_moment():
    torch.manual_seed(0)
    cycle = MultigridOperator(1, 2, [(1, 0), (1, 0), (2, 0)], n=16)
    f = torch.randn(1, 1, 16, 16)
    assert torch.allclose(cycle(f, gains=[0.0, 1.0]), cycle.pre[0][0].S(f))
    assert torch.allclose(cycle(f, gains=[1.0, 1.0]), cycle(f))
    trace = []
    last = cycle(f, trace=trace)
    assert [record.level for record in trace] == [0, 1, 1, 2, 2, 2, 1, 0]
    assert torch.equal(trace[-1].u, last)
    assert trace[3].u.shape[-1] == 4


def test_other_grids_than_the_trained_one_are_answered():
    network = MgNO(48, channels=3, layers=2, counts=[(1, 0)] * 3 + [(2, 0)])
    for n in (24, 48, 96, 50, 37):
        assert network(torch.rand(1, 1, n, n)).shape == (1, 1, n, n)


def test_symbols_are_the_action_on_waves_and_jacobi_has_its_closed_form():
    weight = torch.randn(2, 3, 3, 3, dtype=torch.float64)
    theta = torch.tensor([2 * math.pi * 3 / 16], dtype=torch.float64)
    symbol = stencil_symbol(weight, theta)[0, 0]
    j = torch.arange(16, dtype=torch.float64)
    wave = torch.exp(1j * theta * (j[:, None] + j[None]))
    field = torch.stack([wave, 2 * wave, -1j * wave])[None]
    padded = torch.nn.functional.pad(
        torch.view_as_real(field).permute(0, 4, 1, 2, 3).reshape(2, 3, 16, 16), (1, 1, 1, 1), "circular"
    )
    found = torch.nn.functional.conv2d(padded, weight)
    expected = (symbol @ torch.tensor([1, 2, -1j], dtype=torch.complex128))[:, None, None] * wave
    assert torch.allclose(torch.complex(found[0], found[1]), expected, atol=1e-10)
    shown = smoother_symbols(MgNO(16, channels=3, layers=1, counts=[(2, 0), (2, 0)]), 0, frequencies=9)
    a = bilinear_stencil()
    assert shown.jacobi[4, 4] == pytest.approx(1.0)
    assert shown.jacobi[0, 0] == pytest.approx(abs(1 - 0.3 * float(a[1, 1] - 4 * a[0, 1] + 4 * a[0, 0])))
    assert len(shown.names) == 3


def test_normalisers_undo_themselves_also_on_constant_and_other_grids():
    values = torch.randn(5, 1, 8, 8)
    values[:, :, 0] = 3.0
    for kind in ("none", "global", "pixelwise"):
        own = Normaliser(values, kind)
        assert torch.allclose(own.decode(own.encode(values)), values, atol=1e-4)
        assert torch.isfinite(own.encode(values)).all()
        assert own.decode(torch.zeros(1, 1, 16, 16)).shape == (1, 1, 16, 16) or kind != "pixelwise"


# Data


def test_the_same_seed_on_a_finer_grid_is_the_same_function():
    fine, coarse = noise_of(12, np.random.default_rng(0)), noise_of(6, np.random.default_rng(0))
    assert np.array_equal(fine[:6, :6], coarse)
    own = FieldParameters(dataset="darcy_rough", alpha=4.0, tau=1.0)
    a, b = draw_coefficient(own, 64, 3), draw_coefficient(own, 32, 3)
    assert (a[::2, ::2] == b).mean() > 0.9
    for name in ("darcy_multiscale", "helmholtz"):
        assert draw_coefficient(own.changed(dataset=name), 16, 3).shape == (16, 16)


def test_bad_samples_are_named():
    good, bad = np.ones((3, 4, 4)), np.ones((3, 4, 4))
    bad[2, 1, 1] = np.inf
    with pytest.raises(UserError, match="output of sample 2"):
        checked(good, bad, "set")


# Experiments


@EVERY
def test_watching_changes_nothing(kind):
    assert_watching_changes_nothing(kind, SMALL[kind] | ({"models": ("mgno", "fno")} if kind is Fields else {}),
                                    actions=ACTIONS.get(kind))  # fmt: skip


@EVERY
def test_a_resumed_run_is_the_uninterrupted_run(kind, tmp_path):
    assert_resuming_changes_nothing(kind, SMALL[kind], tmp_path)


@EVERY
def test_frames_metrics_and_files_are_there(kind, tmp_path):
    own = started(kind)
    rows = steps_of(own)
    assert len(rows) == 10
    assert all(np.isfinite(float(value)) for row in rows for value in row.values())
    with torch.no_grad():
        assert own.frame().step == 10
        own.save_artefacts(tmp_path)
    assert any(tmp_path.iterdir())


@pytest.mark.parametrize("dataset", ["darcy_smooth", "darcy_multiscale", "helmholtz"])
@pytest.mark.parametrize("loss", ["l2", "h1", "h1_differences", "h1_absolute"])
def test_every_set_and_loss_trains(dataset, loss):
    n = 25 if dataset == "helmholtz" else 16
    own = started(Fields, dataset=dataset, loss=loss, models=("mgno",), n=n, steps=10)
    assert np.isfinite(steps_of(own)[-1]["test/mgno"])
    assert not math.isnan(own.solve(own.draw(1, 5.0)).solver_ms)


def test_training_an_mgno_lowers_its_error():
    own = started(Fields, models=("mgno",), train=64, steps=150, evaluate_every=150, batch=8, learning_rate=5e-3)
    before = own.errors()["mgno"][0]
    steps_of(own)
    assert own.errors()["mgno"][0] < 0.5 * before


def test_unfreezing_the_stencils_speeds_up_the_cycle():
    own = started(MultigridLab, steps=60, batch=8)
    steps_of(own)
    assert own.factor(own.cycle) < 0.7 * own.factor(classical_cycle(15))


def test_answers_hold_residuals_and_saved_iterations():
    own = started(Fields, models=("mgno", "fno"))
    found = own.solve(COEFFICIENT)
    assert found.residuals[1] == pytest.approx(
        darcy_residual(COEFFICIENT, found.predictions[1].astype(float)), rel=1e-6
    )
    assert found.iterations.shape[0] == 3
    assert found.iterations[0, 0] == pytest.approx(1.0)
    with pytest.raises(UserError, match="16 × 16"):
        own.predict(np.ones((4, 4)))
    with pytest.raises(UserError, match="positive"):
        own.solve(-COEFFICIENT)


def test_the_receptive_field_is_the_derivative_of_a_pixel():
    own = started(Fields, models=("mgno",))
    slope = own.receptive(COEFFICIENT, 5, 6)
    h, moved = 0.05, COEFFICIENT.copy()
    for row, column in ((5, 6), (0, 15), (9, 2)):
        moved[row, column] += h
        up = own.predict(moved).predictions[0][5, 6]
        moved[row, column] -= 2 * h
        down = own.predict(moved).predictions[0][5, 6]
        moved[row, column] += h
        assert slope[row, column] == pytest.approx((up - down) / (2 * h), rel=0.05, abs=2e-6)


def test_impossible_settings_are_refused_with_a_sentence():
    for kind, changes, words in (
        (Fields, {"levels": 6}, "coarsest needs 3"), (Fields, {"smoothings": "x"}, "Smoothings"),
        (Fields, {"batch": 1}, "batch of 2"), (BoundaryLab, {"levels": 6}, "coarsest"),
        (Rollout, {"levels": 6}, "coarsest"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=words):
            started(kind, **changes)
    own = started(Fields, models=("fno",))
    with pytest.raises(UserError, match="Choose MgNO"):
        own.cycle(COEFFICIENT)


def test_tables_list_every_model(tmp_path):
    own = started(Fields)
    with torch.no_grad():
        own.save_artefacts(tmp_path)
    with (tmp_path / "errors.csv").open() as stream:
        assert [row[0] for row in csv.reader(stream)] == ["model", "mgno", "fno", "unet", "dilresnet"]
    with np.load(tmp_path / "fields.npz") as saved:
        assert saved["u_mgno"].shape == saved["u"].shape == (8, 16, 16)


def test_presets_are_valid_and_claims_point_at_experiments():
    for kind in (FieldParameters, LabParameters, BoundaryParameters, RolloutParameters):
        assert kind.presets
        for preset in kind.presets:
            kind.checked(preset.values)
            assert preset.why.endswith(".")
    found = claims_of(claims)
    assert len(found) >= 10
    assert {info.experiment for info in found.values()} <= {"fields", "multigrid", "boundary", "rollout"}
