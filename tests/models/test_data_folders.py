"""Folders of images."""

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from perjoule.errors import ConfigurationError, DataError
from perjoule.models.data import check, image_folder, load

RNG = np.random.default_rng(0)


def paint(path, colour, size=(20, 14), mode="RGB", **options):
    """An image of one colour, with a little noise of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.clip(RNG.normal(colour, 5, (size[1], size[0], 3)), 0, 255).astype(np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **options)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PERJOULE_DATA", str(tmp_path / "kept"))
    for i in range(6):
        paint(tmp_path / "photos" / "sea" / f"{i}.png", (20, 60, 200), (10 + i, 9))
        paint(tmp_path / "photos" / "wood" / "deep" / f"{i}.JPG", (20, 200, 60), (90, 100 + i))
    (tmp_path / "photos" / "sea" / ".DS_Store").write_text("no image")
    (tmp_path / "photos" / "read me.txt").write_text("no image")
    (tmp_path / "photos" / ".hidden").mkdir()
    return tmp_path / "photos"


def back(data, split):
    """A split's images as they were before they were normalised: (n, h, w, c)."""
    mean, deviation = map(torch.tensor, (data.normalisation.mean, data.normalisation.deviation))
    return split.inputs.movedim(1, -1) * deviation + mean


def test_a_folder_for_each_class_of_images_of_any_size(folder):
    data = load(f"image-folder:{folder}")
    assert (data.shape, data.class_names) == ((3, 32, 32), ("sea", "wood"))
    assert [len(data.train), len(data.validation), len(data.test)] == [8, 2, 2]
    for image, label in zip(back(data, data.train), data.train.labels, strict=True):
        colour = torch.tensor([[20.0, 60, 200], [20, 200, 60]])[label]
        assert (image.mean((0, 1)) - colour).abs().max() < 5
    assert load(f"image-folder:{folder}?size=8").shape == (3, 8, 8)
    assert check(f"image-folder:{folder}").n_samples == 12


def test_the_middle_square_is_taken(folder):
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    for i in range(6):
        Image.fromarray(wide).save(folder / "sea" / f"{i}.png")
    data = load(f"image-folder:{folder}?size=10")
    images = back(data, data.train)[data.train.labels == 0]
    assert torch.allclose(images, torch.tensor(200.0), atol=1e-2)


def test_images_are_decoded_once_and_again_when_one_changes(folder, monkeypatch):
    first = load(f"image-folder:{folder}")
    kept = list((folder.parent / "kept").rglob("*.npy"))
    assert len(kept) == 1
    decode = image_folder._decode
    decoded = []
    monkeypatch.setattr(
        image_folder, "_decode", lambda path, size: decoded.append(path) or decode(path, size)
    )
    assert load(f"image-folder:{folder}").fingerprint == first.fingerprint
    assert not decoded
    kept[0].write_bytes(kept[0].read_bytes()[:-9])  # torn
    assert load(f"image-folder:{folder}").fingerprint == first.fingerprint
    assert len(decoded) == 12
    paint(folder / "sea" / "new.png", (0, 0, 0))
    assert load(f"image-folder:{folder}").fingerprint != first.fingerprint
    assert len(list((folder.parent / "kept").rglob("*.npy"))) == 1


def test_where_nothing_can_be_kept_it_goes_on(folder):
    (folder.parent / "kept").write_text("no folder")
    assert load(f"image-folder:{folder}").n_classes == 2


def test_grey_images_have_one_channel_and_any_mode_is_read(folder):
    for i, mode in enumerate(["1", "L", "LA", "P", "RGB", "RGBA"]):
        paint(folder / "sea" / f"{i}.png", 128, mode=mode)
        grey = Image.fromarray(np.full((9, 9), 128 + i, np.uint8))
        grey.convert("L").save(folder / "wood" / "deep" / f"{i}.JPG")
    assert load(f"image-folder:{folder}").shape == (3, 32, 32)  # the noise of some is coloured
    deep = np.full((9, 9), 128 * 256 + 7, np.uint16)
    for i in range(6):
        Image.fromarray(deep).save(folder / "sea" / f"{i}.png")
    data = load(f"image-folder:{folder}")
    assert data.shape == (1, 32, 32)
    values = back(data, data.train)[data.train.labels == 0]
    assert torch.allclose(values, torch.tensor(128.0), atol=1e-2)


def test_folders_train_and_test_are_the_splits(folder):
    names = f"image-folder:{folder.parent / 'parts'}"
    for part, n in (("train", 10), ("test", 3), ("val", 2)):
        for i in range(n):
            for name in ("sea", "wood"):
                paint(folder.parent / "parts" / part / name / f"{i}.png", (0, 0, 90))
    data = load(names)
    assert data.class_names == ("sea", "wood")
    assert [len(data.train), len(data.validation), len(data.test)] == [22, 2, 6]


def test_unreadable_images_are_counted_and_the_first_is_named(folder):
    whole = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (50, 50, 3), np.uint8)).save(whole, "png")
    (folder / "wood" / "deep" / "2.JPG").write_bytes(whole.getvalue()[:-900])
    (folder / "wood" / "deep" / "4.JPG").write_bytes(b"<html>404</html>")
    (folder / "wood" / "deep" / "5.JPG").unlink()
    (folder / "wood" / "deep" / "5.JPG").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"3 of 12 images cannot be read, the first is '\S+2\.JPG'"):
        load(f"image-folder:{folder}")
    assert not list((folder.parent / "kept").rglob("*.npy"))


def test_folders_without_classes_or_too_large_are_refused(folder, monkeypatch):
    with pytest.raises(DataError, match="no two folders with images"):
        check(f"image-folder:{folder / 'wood'}")
    with pytest.raises(ConfigurationError, match="'size=big' is not size=N"):
        check(f"image-folder:{folder}?size=big")
    monkeypatch.setattr("perjoule.models.data.checks.memory_bytes", lambda: 100_000)
    with pytest.raises(DataError, match=re.escape("12 samples of 32x32x3 values take 0.0 GB")):
        load(f"image-folder:{folder}")


def test_a_terminal_is_told_how_far_it_is(folder, monkeypatch, capsys):
    load(f"image-folder:{folder}")
    assert not capsys.readouterr().err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(image_folder, "PATIENCE_S", 0.0)
    load(f"image-folder:{folder}?size=9")
    assert "of 12 images" in capsys.readouterr().err
