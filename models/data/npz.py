"""Arrays in a NumPy archive: `npz:PATH` with x and y, and x_test and y_test if it has them."""

from __future__ import annotations

import os
import tokenize
import zipfile
import zlib

import numpy as np
from numpy.lib import format as npy

from ...errors import ConfigurationError, DataError
from .checks import check_memory, tidy
from .places import user_path
from .splits import Raw

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_BROKEN = (  # what zipfile, zlib and NumPy raise at what they cannot read
    *(OSError, EOFError, ValueError, TypeError, KeyError, SyntaxError, RuntimeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)


def count_npz(path: str) -> int:
    """The number of samples, by the headers alone."""
    return sum(shape[0] for _, shape, _ in _headers(path)[::2])


def read_npz(path: str) -> Raw:
    """Read an archive; nothing in it is run, and sizes are checked by its headers first.

    Raises:
        DataError: It is damaged, lacks an array, or its arrays cannot be used.
    """
    name = f"npz:{path}"
    headers = _headers(path)
    for _, (n_samples, *shape), dtype in headers:
        check_memory(name, n_samples, shape, dtype.itemsize)
    try:
        with np.load(user_path(path), allow_pickle=False) as archive:
            arrays = [archive[key] for key, _, _ in headers]
    except _BROKEN as error:
        raise DataError(f"{name} cannot be read ({error}): write it again") from error
    return tidy(name, path, arrays)


def _headers(path: str) -> list[tuple[str, tuple[int, ...], np.dtype]]:
    """Key, shape and type of x and y, and of x_test and y_test if they are there.

    Keras' names x_train and y_train are understood as x and y.
    """
    name, file = f"npz:{path}", user_path(path)
    if not os.path.isfile(file):  # noqa: PTH113 - never raises
        raise ConfigurationError(f"data set {name!r}: there is no such file")
    found = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.namelist():
                with archive.open(member) as stream:
                    shape, _, dtype = _HEADERS[npy.read_magic(stream)](stream)
                found[member.removesuffix(".npy")] = (shape, dtype)
    except _BROKEN as error:
        raise DataError(f"{name} is no .npz archive of arrays ({error}): write it again") from error
    wanted = ["x_train" if "x" not in found and "x_train" in found else "x"]
    wanted.append("y_train" if wanted[0] == "x_train" else "y")
    if {"x_test", "y_test"} & {*found}:
        wanted += ["x_test", "y_test"]
    for key in wanted:
        if key not in found:
            there = ", ".join(map(repr, sorted(found))) or "none"
            raise DataError(
                f"{name} has no array {key!r}, it has {there}: save x and y, and x_test with y_test"
            )
        shape, dtype = found[key]
        if not shape or dtype.hasobject:
            what = "Python objects" if dtype.hasobject else "one value"
            raise DataError(f"{name}: {key} holds {what}, not an array of numbers or texts")
    return [(key, *found[key]) for key in wanted]
