"""Data sets as whole tensors on the device, in fixed stratified splits."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate, count
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Raw:
    """A data set as its reader returns it."""

    inputs: np.ndarray  # uint8 or float32: images (samples, height, width, channels), or features
    labels: np.ndarray  # int64 (samples,), counted from 0
    n_test: int  # samples at the end that are the data set's own test split; 0 if it has none
    source: str  # where the files came from
    class_names: tuple[str, ...] = ()  # by label; empty where the labels are all there is


@dataclass(frozen=True)
class Normalisation:
    """How inputs are scaled: per channel of images, per feature, by the training split.

    A normalised input is ``(input - mean) / deviation``.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]  # above zero


@dataclass(frozen=True)
class Split:
    """One part of a data set: normalised, images with channels last in memory."""

    inputs: Tensor  # float32 (samples, channels, height, width) or (samples, d)
    labels: Tensor  # int64 (samples,), on the same device

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Data:
    """A data set in its three splits."""

    name: str
    train: Split  # what networks learn from
    validation: Split  # what searches select on
    test: Split  # what is only reported
    n_classes: int
    source: str  # where the files came from
    fingerprint: str  # hash of the raw bytes and of the split; equal fingerprints, equal data
    normalisation: Normalisation  # what was done to the inputs as the data set gives them
    class_names: tuple[str, ...]  # by label
    tasks: tuple[int, ...] = ()  # classes of each joined data set, in order; they sum to n_classes

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", self.tasks or (self.n_classes,))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an input: channels, height and width of an image, or the number of features."""
        return tuple(self.train.inputs.shape[1:])


def draw(raw: Raw, name: str, seed: int = 0) -> list[np.ndarray]:
    """The indices of the three splits of a data set, each class shared out alike.

    That is 60/20/20 % without an own test split, else 90/10 % of the rest.

    Raises:
        DataError: There is one class only, or one has too few samples for a share in each split.
    """
    n_drawn = len(raw.labels) - raw.n_test
    labels, own = np.split(raw.labels, [n_drawn])
    fractions = (0.9, 0.1) if raw.n_test else (0.6, 0.2, 0.2)
    generator = np.random.default_rng(seed)
    by_class = []
    known, classes = _by_class(labels)
    for label, ordered in zip(known, classes, strict=True):
        members = generator.permutation(ordered)
        pieces = np.split(members, _cuts(len(members), fractions))
        if not all(map(len, pieces)):
            needed = next(n for n in count(2) if len({0, *_cuts(n, fractions), n}) > len(fractions))
            where = "besides the test samples" if raw.n_test else "for train, validation and test"
            raise DataError(
                f"{name}: class {_class_name(raw, label)!r} has too few samples: {len(members)}, "
                f"and {needed} are needed {where}; add samples or leave the class out"
            )
        by_class.append(pieces)
    if len(known) < 2:
        raise DataError(
            f"{name}: {len(raw.labels)} samples and {len(known)} class: a classifier needs two "
            "classes or more to tell apart"
        )
    for label in np.setdiff1d(own, known)[:1]:
        raise DataError(
            f"{name}: class {_class_name(raw, label)!r} is only among the test samples: add some "
            "to train on, or leave the class out"
        )
    parts = [np.sort(np.concatenate(pieces)) for pieces in zip(*by_class, strict=True)]
    return [*parts, np.arange(n_drawn, len(raw.labels))] if raw.n_test else parts


def assemble(
    raw: Raw, parts: list[np.ndarray], name: str, tasks: tuple[int, ...] = (), device: str = "cpu"
) -> Data:
    """Normalise the splits of a data set and put them on a device.

    Args:
        raw: The data set.
        parts: Indices of the samples of the three splits; the first one sets the normalisation.
        name: The data set's.
        tasks: Classes of each data set that it was joined from; empty if it is one.
        device: Where the tensors will be.

    Raises:
        DataError: The device has too little memory.
    """
    digest = blake2b(digest_size=8)
    for array in (raw.inputs, raw.labels, *parts):
        digest.update(array.data)
    if tasks:
        digest.update(repr(tasks).encode())

    n_classes = int(raw.labels.max()) + 1
    (train, validation, test), normalisation = _normalise(raw, parts, name, device)
    return Data(
        name=name,
        train=train,
        validation=validation,
        test=test,
        n_classes=n_classes,
        source=raw.source,
        fingerprint=digest.hexdigest(),
        normalisation=normalisation,
        class_names=raw.class_names or tuple(map(str, range(n_classes))),
        tasks=tasks,
    )


def limit(labels: np.ndarray, part: np.ndarray, n_samples: int, name: str, seed: int) -> np.ndarray:
    """A share of the indices of a split, as many of each class as its share of the split.

    The k-th sample of a class of n, counted from 0, is taken before the j-th of one of m if
    k/n < j/m: each class is there, and a lower limit takes a part of what a higher one takes.

    Raises:
        DataError: There are more classes than samples wanted.
    """
    if n_samples < (n_classes := len(np.unique(labels[part]))):
        raise DataError(
            f"train_limit = {n_samples} is below the {n_classes} classes of {name}: give more"
        )
    part = np.random.default_rng([seed, 1]).permutation(part)
    shares = np.empty(len(part))
    for members in _by_class(labels[part])[1]:
        shares[members] = np.arange(len(members)) / len(members)
    return np.sort(part[np.argsort(shares, kind="stable")[:n_samples]])


def _by_class(labels: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The labels that there are, and the indices of the samples of each, ascending."""
    order = np.argsort(labels, kind="stable")
    known, starts = np.unique(labels[order], return_index=True)
    return known, np.split(order, starts[1:])


def _cuts(n_samples: int, fractions: tuple[float, ...]) -> list[int]:
    return [round(share * n_samples) for share in accumulate(fractions[:-1])]


def _class_name(raw: Raw, label: int) -> str:
    return raw.class_names[label] if raw.class_names else str(label)


def _normalise(
    raw: Raw, parts: list[np.ndarray], name: str, device: str
) -> tuple[list[Split], Normalisation]:
    """Place the parts on the device; the first, the training split, sets mean and deviation."""
    import torch

    try:
        placed = [torch.from_numpy(raw.inputs[part]).to(device, torch.float32) for part in parts]
        deviation, mean = torch.std_mean(placed[0], dim=tuple(range(raw.inputs.ndim - 1)))
        # What is constant but for the rounding of its mean is left as it is, not blown up.
        deviation = deviation.where(deviation > 1e-6 * mean.abs(), 1.0)
        splits = [
            Split(
                # A view: what is stored as (N, H, W, C) is (N, C, H, W) with channels last.
                inputs=part.sub_(mean).div_(deviation).movedim(-1, 1),
                labels=torch.from_numpy(raw.labels[indices]).to(device),
            )
            for part, indices in zip(placed, parts, strict=True)
        ]
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise DataError(
            f"{name}: {raw.inputs.size * 4 / 1e9:.1f} GB of inputs do not fit in the memory of "
            f"{device}: take fewer samples or smaller ones"
        ) from error
    return splits, Normalisation(tuple(mean.tolist()), tuple(deviation.tolist()))
