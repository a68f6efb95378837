"""Data sets, loaded once as whole tensors on the device, in fixed stratified splits.

Importing this module and `check` stay light: PyTorch and the files wait until `load`.
"""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Split:
    """One part of a data set.

    Attributes:
        images: float32 `(samples, channels, height, width)`, channels last in memory, shifted and
            scaled to mean 0 and deviation 1 per channel over the training split.
        labels: int64 `(samples,)`, on the same device.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Data:
    """A data set in its three splits.

    Attributes:
        name: The name it was asked for by.
        train: What networks learn from.
        validation: What searches select on.
        test: What is only reported.
        n_classes: Number of classes.
        source: Where the files came from.
        fingerprint: Hash of the raw bytes and of the split; equal fingerprints, equal data.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    n_classes: int
    source: str
    fingerprint: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width


@dataclass(frozen=True)
class Raw:
    """What a loader hands over.

    Attributes:
        images: uint8 `(samples, height, width, channels)`.
        labels: int64 `(samples,)`, counted from 0.
        n_test: How many samples at the end are the data set's own test split; 0 if it has none.
        source: Where the files came from.
    """

    images: np.ndarray
    labels: np.ndarray
    n_test: int
    source: str


def check(name: str) -> None:
    """Make sure that a data set is known, without loading it.

    Raises:
        UnknownNameError: It is not.
    """
    if name not in LOADERS:
        raise UnknownNameError("data set", name, LOADERS)


def load(name: str, *, device: str = "cpu", split_seed: int = 0) -> Data:
    """Load a data set onto a device.

    Validation and, where the data set has no test split of its own, test samples are drawn class
    by class: 60/20/20 % without an own test split, else 90/10 % of the rest.

    Args:
        name: One of `KNOWN`.
        device: Where PyTorch shall hold it.
        split_seed: Seed of the draw. Keep it equal for all that is compared.

    Raises:
        UnknownNameError: There is no such data set.
        DataError: Its files are missing and cannot be fetched, or are damaged.
    """
    check(name)
    raw = LOADERS[name]()
    n_drawn = len(raw.labels) - raw.n_test
    fractions = (0.9, 0.1) if raw.n_test else (0.6, 0.2, 0.2)
    parts = _stratified(raw.labels[:n_drawn], fractions, split_seed)
    if raw.n_test:
        parts.append(np.arange(n_drawn, len(raw.labels)))

    digest = blake2b(digest_size=8)
    for array in (raw.images, raw.labels, *parts):
        digest.update(array.data)

    train, validation, test = _normalised(raw, parts, device)
    return Data(
        name=name,
        train=train,
        validation=validation,
        test=test,
        n_classes=int(raw.labels.max()) + 1,
        source=raw.source,
        fingerprint=digest.hexdigest(),
    )


def _stratified(labels: np.ndarray, fractions: tuple[float, ...], seed: int) -> list[np.ndarray]:
    """Indices of each part, with each class shared out by the fractions."""
    generator = np.random.default_rng(seed)
    by_class = []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        cuts = [round(share * len(members)) for share in accumulate(fractions[:-1])]
        by_class.append(np.split(members, cuts))
    return [np.sort(np.concatenate(pieces)) for pieces in zip(*by_class, strict=True)]


def _normalised(raw: Raw, parts: list[np.ndarray], device: str) -> list[Split]:
    """The parts on the device; the first one, the training split, sets mean and deviation."""
    import torch

    images = [torch.from_numpy(raw.images[part]).to(device, torch.float32) for part in parts]
    deviation, mean = torch.std_mean(images[0], dim=(0, 1, 2))
    deviation = deviation.clamp_min(1e-6)
    return [
        Split(
            # A view: what is stored as (N, H, W, C) is (N, C, H, W) with channels last.
            images=image.sub_(mean).div_(deviation).permute(0, 3, 1, 2),
            labels=torch.from_numpy(raw.labels[part]).to(device),
        )
        for image, part in zip(images, parts, strict=True)
    ]


def digits() -> Raw:
    """The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn."""
    from sklearn import __version__
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return Raw(
        images=np.asarray(pixels, np.uint8).reshape(-1, 8, 8, 1),
        labels=np.asarray(labels, np.int64),
        n_test=0,
        source=f"scikit-learn {__version__}",
    )


def fashion_mnist(folders: Iterable[Path] | None = None, cache: Path | None = None) -> Raw:
    """Fashion-MNIST: 70,000 articles of clothing of 28x28 pixels, 10,000 of them for testing.

    Args:
        folders: Where to look for its four files, packed or not. By default `PERJOULE_DATA`, the
            folder of Debian's package `dataset-fashion-mnist`, and the cache.
        cache: Where torchvision puts a download. By default `PERJOULE_DATA`, else
            `~/.cache/perjoule`.

    Raises:
        DataError: It is in none of the folders and cannot be downloaded, or a file is damaged.
    """
    own = os.environ.get("PERJOULE_DATA")
    cache = cache or Path(own or "~/.cache/perjoule").expanduser()
    if folders is None:
        prefixes = dict.fromkeys([sys.prefix, "/usr", "/usr/local"])
        folders = [
            *([cache, cache / "fashion-mnist"] if own else []),
            *(Path(prefix, "share/datasets/fashion-mnist") for prefix in prefixes),
            cache / "FashionMNIST" / "raw",
        ]
    folders = list(folders)
    folder = next((folder for folder in folders if _find(folder, "train-images")), None)
    if folder is None:
        folder = _download_fashion_mnist(cache, folders)

    parts = {}
    for part in ("train-images", "train-labels", "t10k-images", "t10k-labels"):
        path = _find(folder, part)
        if path is None:
            raise DataError(f"{folder} has no {part} file of Fashion-MNIST: fetch all four")
        parts[part] = read_idx(path, n_axes=3 if part.endswith("images") else 1)
    for part in ("train", "t10k"):
        n_images, n_labels = len(parts[f"{part}-images"]), len(parts[f"{part}-labels"])
        if n_images != n_labels:
            raise DataError(
                f"{folder}: {n_images} {part} images but {n_labels} labels: fetch the files again"
            )
    return Raw(
        images=np.concatenate([parts["train-images"], parts["t10k-images"]])[..., np.newaxis],
        labels=np.concatenate([parts["train-labels"], parts["t10k-labels"]]).astype(np.int64),
        n_test=len(parts["t10k-labels"]),
        source=str(folder),
    )


LOADERS: dict[str, Callable[[], Raw]] = {"digits": digits, "fashion-mnist": fashion_mnist}
KNOWN = tuple(LOADERS)


def read_idx(path: Path, n_axes: int) -> np.ndarray:
    """Read an array of unsigned bytes in the idx format of MNIST, packed with gzip or not.

    The format (http://yann.lecun.com/exdb/mnist): two zero bytes, the type (8: unsigned byte), the
    number of axes, the length of each as a big-endian 32-bit number, then the values.

    Raises:
        DataError: The file cannot be read, is torn or holds something else.
    """
    mend = "delete it and fetch it again"
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}): {mend}") from error
    start = 4 + 4 * n_axes
    if content[:4] != bytes([0, 0, 8, n_axes]) or len(content) < start:
        raise DataError(f"{path} is no idx file of unsigned bytes with {n_axes} axes: {mend}")
    shape = np.frombuffer(content, ">u4", count=n_axes, offset=4).astype(int)
    values = np.frombuffer(content, np.uint8, offset=start)
    if len(values) != shape.prod():
        raise DataError(f"{path} is torn: {len(values)} values, not {shape.prod()}: {mend}")
    return values.reshape(shape)


def _find(folder: Path, part: str) -> Path | None:
    """The file of one part of an MNIST-like data set, packed or not."""
    stem = f"{part}-idx{3 if part.endswith('images') else 1}-ubyte"
    paths = (folder / stem, folder / f"{stem}.gz")
    return next((path for path in paths if path.is_file()), None)


def _download_fashion_mnist(cache: Path, looked_in: list[Path]) -> Path:
    """Let torchvision download it, and return the folder of the files."""
    from .._torchvision import datasets

    try:
        return Path(datasets.FashionMNIST(cache, download=True).raw_folder)
    except (OSError, RuntimeError) as error:  # urllib's URLError is an OSError
        reason = str(error).strip().splitlines()[-1]
        raise DataError(
            f"fashion-mnist is in none of {', '.join(map(str, looked_in))} and cannot be "
            f"downloaded into {cache} ({reason}): install Debian's dataset-fashion-mnist, or set "
            "PERJOULE_DATA to a folder with its four files"
        ) from error
