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

    images: np.ndarray  # uint8 (samples, height, width, channels)
    labels: np.ndarray  # int64 (samples,), counted from 0
    n_test: int  # samples at the end that are the data set's own test split; 0 if it has none
    source: str  # where the files came from


@dataclass(frozen=True)
class Split:
    """One part of a data set: channels last, normalised per channel over the training split."""

    images: Tensor  # float32 (samples, channels, height, width)
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

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width


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
    for array in (raw.images, raw.labels, *parts):
        digest.update(array.data)

    n_classes = int(raw.labels.max()) + 1
    train, validation, test = _normalise(raw, parts, device)
    return Data(name, train, validation, test, n_classes, raw.source, digest.hexdigest())


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


def _normalise(raw: Raw, parts: list[np.ndarray], device: str) -> list[Split]:
    """Place the parts on the device; the first, the training split, sets mean and deviation."""
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
