"""Data sets as whole tensors on the device, in fixed stratified splits."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Raw:
    """A data set as its reader returns it."""

    inputs: np.ndarray  # uint8 images (samples, height, width, channels), or features (samples, d)
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

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an input: channels, height and width of an image, or the number of features."""
        return tuple(self.train.inputs.shape[1:])


def split(raw: Raw, name: str, *, device: str = "cpu", seed: int = 0) -> Data:
    """Share the samples out to three normalised splits on a device, class by class.

    That is 60/20/20 % without an own test split, else 90/10 % of the rest.
    """
    n_drawn = len(raw.labels) - raw.n_test
    fractions = (0.9, 0.1) if raw.n_test else (0.6, 0.2, 0.2)
    parts = _draw_stratified(raw.labels[:n_drawn], fractions, seed)
    if raw.n_test:
        parts.append(np.arange(n_drawn, len(raw.labels)))

    digest = blake2b(digest_size=8)
    for array in (raw.inputs, raw.labels, *parts):
        digest.update(array.data)

    n_classes = int(raw.labels.max()) + 1
    (train, validation, test), normalisation = _normalise(raw, parts, device)
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
    )


def _draw_stratified(
    labels: np.ndarray, fractions: tuple[float, ...], seed: int
) -> list[np.ndarray]:
    """Draw the indices of each part, with each class shared out by the fractions."""
    generator = np.random.default_rng(seed)
    by_class = []
    for label in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == label))
        cuts = [round(share * len(members)) for share in accumulate(fractions[:-1])]
        by_class.append(np.split(members, cuts))
    return [np.sort(np.concatenate(pieces)) for pieces in zip(*by_class, strict=True)]


def _normalise(raw: Raw, parts: list[np.ndarray], device: str) -> tuple[list[Split], Normalisation]:
    """Place the parts on the device; the first, the training split, sets mean and deviation."""
    import torch

    images = [torch.from_numpy(raw.inputs[part]).to(device, torch.float32) for part in parts]
    deviation, mean = torch.std_mean(images[0], dim=(0, 1, 2))
    deviation = deviation.clamp_min(1e-6)
    splits = [
        Split(
            # A view: what is stored as (N, H, W, C) is (N, C, H, W) with channels last.
            inputs=image.sub_(mean).div_(deviation).permute(0, 3, 1, 2),
            labels=torch.from_numpy(raw.labels[part]).to(device),
        )
        for image, part in zip(images, parts, strict=True)
    ]
    return splits, Normalisation(tuple(mean.tolist()), tuple(deviation.tolist()))
