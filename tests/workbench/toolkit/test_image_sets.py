"""Image sets: what the loaders give, and that a bad file is refused with a sentence that names it."""

import gzip
import struct

import numpy as np
import pytest

from workbench.sdk import UserError
from workbench.toolkit.image_sets import load_digits, load_idx, load_openml, read_idx


def idx(values, kind=0x08):
    return (
        struct.pack(">BBBB", 0, 0, kind, values.ndim)
        + struct.pack(f">{values.ndim}I", *values.shape)
        + bytes(values.astype(np.uint8).tobytes())
    )


@pytest.fixture
def pair(tmp_path):
    images = np.arange(3 * 4 * 5).reshape(3, 4, 5) % 256
    labels = np.array([2, 0, 1])
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path, images, labels


def test_idx_files_are_read_with_the_labels_beside_them_also_gzipped(pair):
    folder, images, labels = pair
    found = load_idx(folder / "train-images-idx3-ubyte")
    assert np.array_equal(found.images, images)
    assert found.labels.tolist() == labels.tolist()
    assert found.classes == 3
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
    assert np.array_equal(load_idx(folder / "train-images-idx3-ubyte.gz").images, images)


def test_digits_are_those_of_scikit_learn_as_bytes():
    from sklearn.datasets import load_digits as theirs

    found = load_digits()
    assert found.images.shape == (1797, 8, 8)
    assert found.images.dtype == np.uint8
    assert np.array_equal(found.labels, theirs().target)
    assert np.array_equal(found.images > 127, theirs().images >= 8)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not an IDX file"),
        (b"hello, this is no image at all", "not an IDX file"),
        (idx(np.zeros((2, 2))), "2-dimensional data"),
        (idx(np.zeros((2, 2, 2)), kind=0x0D), "0x0d"),
        (idx(np.zeros((2, 2, 2)))[:-3], "announces 8 bytes"),
        (idx(np.zeros((2, 2, 2))) + b"more", "holds more"),
        (struct.pack(">BBBB3I", 0, 0, 8, 3, 60_000, 60_000, 60_000), "at most 2 GiB"),
    ],
)
def test_broken_files_are_refused_by_name(tmp_path, content, sentence):
    file = tmp_path / "broken-idx3-ubyte"
    file.write_bytes(content)
    with pytest.raises(UserError, match="broken-idx3-ubyte") as refused:
        read_idx(file, 3)
    assert sentence in str(refused.value)


def test_missing_labels_other_counts_and_half_a_gzip_are_refused(pair):
    folder, images, _ = pair
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.array([1, 2])))
    with pytest.raises(UserError, match=r"3 images and .* 2 labels"):
        load_idx(folder / "train-images-idx3-ubyte")
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(UserError, match="expected beside it"):
        load_idx(folder / "train-images-idx3-ubyte")
    cut = folder / "cut-images-idx3-ubyte.gz"
    cut.write_bytes(gzip.compress(idx(images))[:-9])
    with pytest.raises(UserError, match="cut-images"):
        read_idx(cut, 3)
    with pytest.raises(UserError, match="cannot be read"):
        read_idx(folder / "nowhere", 3)


def test_openml_is_read_from_the_cache_and_says_so_where_it_cannot_be_reached(tmp_path, monkeypatch):
    def offline(**_):
        raise OSError("no network")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", offline)
    with pytest.raises(UserError, match=r"could not be fetched .* IDX files"):
        load_openml("mnist", tmp_path)
    (tmp_path / "images").mkdir()
    np.savez(tmp_path / "images" / "mnist.npz", images=np.zeros((2, 28, 28), np.uint8), labels=np.array([1, 0]))
    assert load_openml("mnist", tmp_path).classes == 2
