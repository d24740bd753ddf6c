"""Files and folders of images: what they hold, and one sentence for each way in which they can be wrong."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
from PIL import Image

from workbench.sdk import UserError
from workbench.toolkit.image_files import grey, read_cifar, read_folder, read_pictures, read_svhn, resized


def test_a_folder_of_images_is_read_and_bad_ones_are_refused(tmp_path):
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.new("RGB", (20 + index, 16), colour).save(tmp_path / name / f"{index}.png")
    found = read_folder(tmp_path)
    assert found.pixels.shape == (6, 16, 20, 3)
    assert (found.names, found.labels.tolist()) == (("blue", "red"), [0, 0, 0, 1, 1, 1])
    assert found.pixels[found.labels == 1][0, 0, 0].tolist() == [255, 0, 0]
    (tmp_path / "red" / "3.png").write_bytes(b"not a picture")
    with pytest.raises(UserError, match=r"3\.png is not a picture"):
        read_folder(tmp_path)
    with pytest.raises(UserError, match="no two sub-folders"):
        read_folder(tmp_path / "blue")
    with pytest.raises(UserError, match="is not a folder"):
        read_folder(tmp_path / "nowhere")


def test_pictures_below_a_folder_are_resized_and_taken_evenly(tmp_path):
    for index in range(5):
        folder = tmp_path / f"kind{index}" / "deeper"
        folder.mkdir(parents=True)
        Image.new("RGB", (30, 50), (50 * index, 0, 0)).save(folder / "a.png")
    (tmp_path / "notes.txt").write_text("no picture")
    pixels = read_pictures(tmp_path, (12, 8), 3)
    assert pixels.shape == (3, 8, 12, 3)
    assert pixels[:, 0, 0, 0].tolist() == [0, 100, 200]
    assert len(read_pictures(tmp_path, (8, 8), 100)) == 5
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no pictures"):
        read_pictures(tmp_path / "empty", (8, 8), 3)


@pytest.mark.parametrize("classes", [10, 100])
def test_cifars_binary_files_are_read(tmp_path, classes):
    header = 1 if classes == 10 else 2
    names = [f"data_batch_{n}.bin" for n in range(1, 6)] if classes == 10 else ["train.bin"]
    for index, name in enumerate([*names, "test_batch.bin" if classes == 10 else "test.bin"]):
        records = np.zeros((2, header + 3072), np.uint8)
        records[:, :header] = [[7] * (header - 1) + [index], [7] * (header - 1) + [index + 1]]
        records[:, header : header + 1024] = 10 + index  # the red plane
        records[:, header + 2] = 99  # first row, third column
        records.tofile(tmp_path / name)
    found = read_cifar(tmp_path)
    assert found.training == 2 * len(names)
    assert found.labels.tolist()[:4] == [0, 1, 1, 2]
    assert len(found.names) == classes
    assert found.pixels[2, 5, 5].tolist() == [11, 0, 0]
    assert found.pixels[0, 0, 2].tolist() == [99, 0, 0]
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"n{index}" for index in range(100)))
    assert read_cifar(tmp_path).names[3] == ("cat" if classes == 10 else "n3")


def test_cifar_files_that_are_missing_cut_or_mislabelled_are_named(tmp_path):
    with pytest.raises(UserError, match=r"holds no data_batch_1\.bin or train\.bin"):
        read_cifar(tmp_path)
    (tmp_path / "train.bin").write_bytes(bytes(3074))
    with pytest.raises(UserError, match=r"test\.bin cannot be read"):
        read_cifar(tmp_path)
    (tmp_path / "test.bin").write_bytes(bytes(3000))
    with pytest.raises(UserError, match=r"test\.bin holds 3000 bytes"):
        read_cifar(tmp_path)
    (tmp_path / "test.bin").write_bytes(bytes([0, 200]) + bytes(3072))
    with pytest.raises(UserError, match="label 200; there are 100 classes"):
        read_cifar(tmp_path)


def svhn(file, **changes):
    rng = np.random.default_rng(0)
    held = {"X": rng.integers(0, 256, (32, 32, 3, 4), dtype=np.uint8), "y": np.array([[10], [1], [2], [9]], np.uint8)}
    scipy.io.savemat(file, {name: value for name, value in (held | changes).items() if value is not None})
    return held["X"]


def test_svhn_is_read_with_ten_as_the_digit_zero(tmp_path):
    pixels = svhn(tmp_path / "test_32x32.mat")
    found, labels = read_svhn(tmp_path / "test_32x32.mat")
    assert np.array_equal(found[2], pixels[..., 2])
    assert labels.tolist() == [0, 1, 2, 9]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"X": None}, "holds no X and y"),
        ({"X": np.zeros((28, 28, 3, 4), np.uint8)}, "of shape"),
        ({"X": np.zeros((32, 32, 3, 4))}, "float64; bytes"),
        ({"y": np.ones((3, 1))}, "4 images and 3 labels"),
    ],
)
def test_a_matlab_file_of_something_else_is_refused(tmp_path, changes, words):
    svhn(tmp_path / "x.mat", **changes)
    with pytest.raises(UserError, match=words):
        read_svhn(tmp_path / "x.mat")


@pytest.mark.parametrize("content", [b"", b"not a MATLAB file at all", b"MATLAB 5.0 MAT-file" + bytes(200)])
def test_a_damaged_matlab_file_is_refused(tmp_path, content):
    (tmp_path / "x.mat").write_bytes(content)
    with pytest.raises(UserError, match=r"x\.mat"):
        read_svhn(tmp_path / "x.mat")
    with pytest.raises(UserError, match="cannot be read"):
        read_svhn(tmp_path / "nowhere.mat")


def test_images_are_resized_and_made_grey_as_pillow_does():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 10, 12, 3), dtype=np.uint8)
    assert resized(pixels, (6, 5)).shape == (3, 5, 6, 3)
    pillow = np.stack([np.asarray(Image.fromarray(own).convert("L")) for own in pixels])
    assert np.abs(grey(pixels)[..., 0].astype(int) - pillow).max() <= 1
