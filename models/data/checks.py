"""What any data set must be: refused in one line each, sizes before contents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import DataError
from .splits import Raw

MEMORY_SHARE = 0.5  # of this machine's memory, the most that a data set may take
LARGEST = 1e18  # magnitude of an input: squares still fit in float32


def memory_bytes() -> int:
    """Memory that processes here may use: the machine's, or less in a control group."""
    import psutil

    total = psutil.virtual_memory().total
    try:
        return min(total, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    except (OSError, ValueError):  # none, or "max"
        return total


def check_memory(name: str, n_samples: int, shape: Sequence[int], itemsize: int = 1) -> None:
    """Refuse what does not fit: values of `itemsize` bytes, and as many of 4 once normalised.

    Raises:
        DataError: They take more than `MEMORY_SHARE` of the memory.
    """
    needed = n_samples * math.prod(shape) * (itemsize + 4)
    there = memory_bytes()
    if needed > MEMORY_SHARE * there:
        size = "x".join(map(str, shape))
        raise DataError(
            f"{name}: {n_samples:,} samples of {size} values take {needed / 1e9:.1f} GB, the limit "
            f"is {MEMORY_SHARE * there / 1e9:.1f} GB, half of the memory here: perjoule is for "
            "data that fits; take fewer samples or smaller ones"
        )


def tidy(name: str, source: str, arrays: Sequence[np.ndarray]) -> Raw:
    """Arrays of a user as a data set, with labels counted from 0 in sorted order.

    Args:
        name: The data set's, for messages.
        source: Where it came from.
        arrays: Inputs and labels, and those of an own test split if there are four. Inputs are
            images (n, h, w) or (n, h, w, c), or features (n, d), of any real numbers; labels are
            whole numbers or texts (n,).

    Raises:
        DataError: They cannot be used.
    """
    if len(arrays) not in (2, 4):
        raise DataError(
            f"{name}: gives {len(arrays)} arrays: give x and y, or x, y, x_test and y_test"
        )
    titles = ("x", "y", "x_test", "y_test")
    inputs = [_inputs(f"{name}: {titles[i]}", arrays[i]) for i in range(0, len(arrays), 2)]
    labels = [_labels(f"{name}: {titles[i]}", arrays[i]) for i in range(1, len(arrays), 2)]
    for i, (x, y) in enumerate(zip(inputs, labels, strict=True)):
        if len(x) != len(y):
            raise DataError(
                f"{name}: {titles[2 * i]} has {len(x)} samples but {titles[2 * i + 1]} has {len(y)}"
                " labels: give one label for each"
            )
    if len({(x.shape[1:], x.dtype) for x in inputs}) > 1:
        (x, x_test) = (f"{each.dtype} {each.shape[1:]}" for each in inputs)
        raise DataError(f"{name}: x has samples of {x} but x_test of {x_test}: give both alike")
    if len({y.dtype.kind for y in labels}) > 1:
        raise DataError(f"{name}: labels are numbers in one of y and y_test and texts in the other")
    names, codes = np.unique(np.concatenate(labels), return_inverse=True)
    counted = names.dtype.kind == "i" and np.array_equal(names, np.arange(len(names)))
    return Raw(
        inputs=inputs[0] if len(inputs) == 1 else np.concatenate(inputs),
        labels=codes.astype(np.int64),
        n_test=len(labels[1]) if len(labels) > 1 else 0,
        source=source,
        class_names=() if counted else tuple(map(str, names.tolist())),
    )


def _inputs(what: str, x: np.ndarray) -> np.ndarray:
    """Images with channels last, or features, as bytes if they are, else as float32."""
    if x.dtype.kind not in "biuf":
        raise DataError(f"{what} is of type {x.dtype}: give real numbers")
    if x.ndim == 3:
        x = x[..., np.newaxis]
    if x.ndim not in (2, 4) or not x.size:
        raise DataError(
            f"{what} has shape {x.shape}: give images (n, h, w) or (n, h, w, c), or features (n, d)"
        )
    if x.ndim == 4 and x.shape[1] <= 4 < x.shape[3]:
        raise DataError(
            f"{what} has shape {x.shape}, channels first: give it with channels last, "
            "transpose(0, 2, 3, 1)"
        )
    check_memory(what, len(x), x.shape[1:], x.itemsize)
    if x.dtype.kind == "b" or x.dtype == np.uint8:
        return np.ascontiguousarray(x, np.uint8)
    with np.errstate(over="ignore"):
        x = np.ascontiguousarray(x, np.float32)
    usable = (np.abs(x) < LARGEST).all(axis=tuple(range(1, x.ndim)))  # false for NaN
    if not usable.all():
        raise DataError(
            f"{what} has NaN, infinity or values beyond {LARGEST:g} in {np.sum(~usable):,} of "
            f"{len(x):,} samples, the first is sample {np.argmin(usable)}: mend or leave them out"
        )
    return x


def _labels(what: str, y: np.ndarray) -> np.ndarray:
    """Labels as int64 or text, one axis."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise DataError(
            f"{what} has shape {y.shape}: give one label for each sample, (n,); "
            "for one-hot labels that is their argmax(axis=1)"
        )
    if y.dtype.kind == "O" and all(isinstance(each, str) for each in y):
        y = y.astype(str)
    if y.dtype.kind == "S":
        y = np.char.decode(y, "utf-8", "replace")
    if y.dtype.kind == "f":
        if not np.array_equal(y, np.rint(y)) or not (np.abs(y) < 2**53).all():
            raise DataError(
                f"{what} has labels that are no whole numbers: give whole numbers or texts, one "
                "for each class"
            )
    elif y.dtype.kind not in "biuU":
        raise DataError(f"{what} has labels of type {y.dtype}: give whole numbers or texts")
    return y if y.dtype.kind == "U" else y.astype(np.int64)
