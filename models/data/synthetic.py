"""Made-up data that can be learnt: `synthetic:HxWxC:CLASSES:N` or `synthetic:D:CLASSES:N`."""

from __future__ import annotations

import re

import numpy as np

from ...errors import ConfigurationError
from .checks import check_memory
from .splits import Raw

LATENT = 16  # dimensions in which classes differ
CLUSTERS = 2  # of each class: no straight line tells them apart
UNITS = 256  # steps of what is drawn: their products add up exactly, on any machine
LEAST = 4  # samples of a class that the three splits need


def count_synthetic(text: str) -> int:
    """The number of samples."""
    return _parse(text)[2]


def read_synthetic(text: str) -> Raw:
    """Samples of each class around `CLUSTERS` centres, shown through `LATENT` smooth patterns.

    A sample is ``(centre + noise) @ patterns``, centres and noise standard normal in `LATENT`
    dimensions: neighbouring classes overlap, so that no network is right on all. Images are bytes,
    features float32. The text alone decides the values.

    Raises:
        ConfigurationError: The text is wrong.
        DataError: The data do not fit in memory.
    """
    shape, n_classes, n_samples = _parse(text)
    check_memory(f"synthetic:{text}", n_samples, shape)
    generator = np.random.default_rng(0)
    patterns = np.rint(UNITS * _patterns(shape, generator))
    centres = np.rint(UNITS * generator.standard_normal((n_classes, CLUSTERS, LATENT)))
    labels = np.arange(n_samples, dtype=np.int64) % n_classes
    inputs = np.empty((n_samples, *shape), np.uint8 if len(shape) == 3 else np.float32)
    for start in range(0, n_samples, 4096):
        chunk = labels[start : start + 4096]
        noise = np.rint(UNITS * generator.standard_normal((len(chunk), LATENT)))
        latent = centres[chunk, generator.integers(CLUSTERS, size=len(chunk))] + noise
        values = (latent @ patterns).reshape(-1, *shape) / UNITS**2
        if len(shape) == 3:
            values = np.clip(np.rint(128 + 12 * values), 0, 255)
        inputs[start : start + 4096] = values
    return Raw(inputs, labels, n_test=0, source="made up")


def _patterns(shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Patterns (LATENT, values of a sample): plane waves on images, else normal numbers."""
    if len(shape) == 1:
        return generator.standard_normal((LATENT, *shape)) / 4
    height, width, channels = shape
    waves = generator.uniform(0, 2, (2, LATENT, 1, 1, 1))  # periods over each side
    phase = generator.uniform(0, 2 * np.pi, (LATENT, 1, 1, channels))
    y, x = np.arange(height)[:, None, None] / height, np.arange(width)[:, None] / width
    return np.cos(2 * np.pi * (waves[0] * y + waves[1] * x) + phase).reshape(LATENT, -1)


def _parse(text: str) -> tuple[tuple[int, ...], int, int]:
    """Shape of a sample, number of classes and of samples."""
    match = re.fullmatch(r"(\d{1,6})(?:x(\d{1,6})x(\d{1,6}))?:(\d{1,6}):(\d{1,12})", text, re.A)
    name = f"data set 'synthetic:{text}'"
    if match is None:
        raise ConfigurationError(
            f"{name}: write synthetic:HxWxC:CLASSES:N, as in synthetic:8x8x1:10:2000, or "
            "synthetic:D:CLASSES:N for features"
        )
    *sides, n_classes, n_samples = (int(each) for each in match.groups() if each is not None)
    if min(sides) < 1 or n_classes < 2 or n_samples < LEAST * n_classes:
        raise ConfigurationError(
            f"{name}: sides must be 1 or more, classes 2 or more, and samples {LEAST} or more for "
            "each class"
        )
    return tuple(sides), n_classes, n_samples
