import gzip
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from perjoule.errors import DataError, UnknownNameError
from perjoule.models.data import DATASETS, check, datasets_help, load
from perjoule.models.data.idx import read_idx
from perjoule.models.data.mnist import read_mnist


def write_idx(folder, part, shape, *, packed=True):
    header = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">u4").tobytes()
    content = header + np.arange(np.prod(shape), dtype=np.uint8).tobytes()
    path = folder / f"{part}-idx{len(shape)}-ubyte{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(content) if packed else content)


@pytest.fixture
def small_fashion(tmp_path, monkeypatch):
    for part, n_images in (("train", 6), ("t10k", 3)):
        write_idx(tmp_path, f"{part}-images", (n_images, 2, 2), packed=part == "train")
        write_idx(tmp_path, f"{part}-labels", (n_images,))
    monkeypatch.setenv("PERJOULE_DATA", str(tmp_path))
    return tmp_path


def test_digits_come_in_three_stratified_splits(digits):
    splits = (digits.train, digits.validation, digits.test)
    assert digits.shape == (1, 8, 8)
    assert digits.n_classes == 10
    assert sum(map(len, splits)) == 1797
    whole = torch.cat([split.labels for split in splits]).bincount()
    for split, share in zip(splits, (0.6, 0.2, 0.2), strict=True):
        assert split.inputs.shape == (len(split), 1, 8, 8)
        assert split.inputs.dtype == torch.float32
        assert split.inputs.is_contiguous(memory_format=torch.channels_last)
        assert split.labels.dtype == torch.int64
        assert (split.labels.bincount() - share * whole).abs().max() <= 1


def test_digits_are_each_used_once(digits):
    from sklearn.datasets import load_digits

    splits = (digits.train, digits.validation, digits.test)
    # Undo the normalisation: 0 and 16 are the smallest and largest values there are.
    images = torch.cat([split.inputs for split in splits]).flatten(1)
    low, high = images.aminmax()
    labels = torch.cat([split.labels for split in splits])
    rows = torch.column_stack([(16 * (images - low) / (high - low)).round(), labels])
    expected = np.column_stack(load_digits(return_X_y=True))
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, expected.tolist()))


def test_the_training_split_alone_sets_the_normalisation(digits):
    assert digits.train.inputs.mean().item() == pytest.approx(0, abs=1e-5)
    assert digits.train.inputs.std().item() == pytest.approx(1, abs=1e-5)
    assert digits.validation.inputs.mean().item() != pytest.approx(0, abs=1e-5)


def test_the_seed_decides_the_split_and_the_fingerprint_tells(digits):
    again, other = load("digits"), load("digits", split_seed=1)
    assert again.fingerprint == digits.fingerprint != other.fingerprint
    assert torch.equal(again.train.inputs, digits.train.inputs)
    assert not torch.equal(other.train.labels, digits.train.labels)


def test_unknown_data_sets_are_named():
    for door in (check, load):
        with pytest.raises(UnknownNameError, match="did you mean 'digits'"):
            door("digit")


def test_each_data_set_is_told_in_the_help_and_has_a_reader():
    for name, dataset in DATASETS.items():
        assert name == dataset.name
        assert f"{name} ({dataset.summary})" in datasets_help()
        module, _, function = dataset.reader.partition(":")
        assert hasattr(import_module(f"perjoule.models.data.{module}"), function)
    assert {"digits", "fashion-mnist", "mnist", "cifar10", "cifar100", "svhn"} <= set(DATASETS)
    for form in ("image-folder:PATH", "npz:PATH", "synthetic:", "module:function", "A+B"):
        assert form in datasets_help()
    assert "\n" not in datasets_help()


def test_the_more_samples_the_fewer_epochs():
    epochs = [check(name).max_epochs for name in ("digits", "mnist-5k", "cifar10", "svhn")]
    assert epochs[0] == 16
    assert epochs == sorted({*epochs}, reverse=True)
    assert check("fashion-mnist").max_epochs == 4
    assert check("synthetic:8:2:9999999999").max_epochs == 2
    assert check("synthetic:8:2:8").max_epochs == 64


def test_digits_stay_what_recorded_tables_call_them(digits):
    assert digits.fingerprint == "6d2e07554adc531c"
    assert digits.normalisation.mean == (4.871231555938721,)


def test_checking_and_help_texts_load_no_heavy_library():
    code = (
        "import sys; from perjoule.models.data import check, datasets_help; datasets_help(); "
        "check('fashion-mnist'); sys.exit(bool({'torch', 'numpy'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.thorough
def test_fashion_mnist_from_files():
    folder = "/usr/share/datasets/fashion-mnist"
    try:
        read_idx(Path(folder, "train-labels-idx1-ubyte.gz"), n_axes=1)
    except DataError:
        pytest.skip(f"Debian's package dataset-fashion-mnist is not installed in {folder}")
    data = load("fashion-mnist")
    assert data.fingerprint == "b5deb17cace6807a"
    assert data.class_names[9] == "Ankle boot"
    assert data.shape == (1, 28, 28)
    assert [len(data.train), len(data.validation), len(data.test)] == [54_000, 6_000, 10_000]
    for split in (data.train, data.validation, data.test):
        assert set(split.labels.bincount().tolist()) == {len(split) // 10}


def test_own_files_come_first(small_fashion):
    raw = read_mnist("fashion-mnist")
    assert (raw.source, raw.n_test) == (str(small_fashion), 3)
    assert raw.inputs.shape == (9, 2, 2, 1)
    assert raw.inputs.ravel().tolist() == [*range(24), *range(12)]
    assert raw.labels.tolist() == [*range(6), *range(3)]


def test_a_file_that_is_missing_torn_or_of_others_is_named(small_fashion):
    labels = small_fashion / "train-labels-idx1-ubyte.gz"
    write_idx(small_fashion, "train-labels", (5,))
    with pytest.raises(DataError, match="6 train images but 5 labels"):
        load("fashion-mnist")
    labels.write_bytes(labels.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz cannot be read"):
        load("fashion-mnist")
    labels.unlink()
    with pytest.raises(DataError, match="no train-labels"):
        load("fashion-mnist")


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("labels", b"", "no idx file"),
        ("labels", b"\0\0\x08\x01\0\0", "no idx file"),
        ("labels", b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "no idx file"),
        ("labels", b"\0\0\x08\x01\0\0\0\x03\1\2", "torn: 2 values, not 3"),
        ("labels", b"\0\0\x08\x01\0\0\0\x01\1\2", "torn: 2 values, not 1"),
        ("labels.gz", b"<html>404</html>", "cannot be read"),
    ],
)
def test_damaged_idx_files_are_refused(tmp_path, name, content, complaint):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        read_idx(path, n_axes=1)


def test_torchvision_imports_beside_any_torch():
    from perjoule.models._torchvision import datasets, torchvision

    assert datasets.FashionMNIST
    network = torchvision.models.resnet18(num_classes=2).eval()
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 2)
