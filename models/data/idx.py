"""The idx files of MNIST and of data sets like it."""

from __future__ import annotations

import gzip
import io
import math
import zlib
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...files.bounded import WEIGHTS, read_bytes, too_large


def find_idx(folder: Path, part: str) -> Path | None:
    """The file of one part of an MNIST-like data set, packed or not."""
    stem = f"{part}-idx{3 if part.endswith('images') else 1}-ubyte"
    paths = (folder / stem, folder / f"{stem}.gz")
    return next((path for path in paths if path.is_file()), None)


def read_idx(path: Path, n_axes: int) -> np.ndarray:
    """Read unsigned bytes in MNIST's idx format (http://yann.lecun.com/exdb/mnist), gzip or not."""
    mend = "delete it and fetch it again"
    try:
        content = read_bytes(path, WEIGHTS)
        if path.suffix == ".gz":
            with gzip.open(io.BytesIO(content)) as packed:
                content = packed.read(WEIGHTS + 1)
            if len(content) > WEIGHTS:
                raise too_large(f"{path}, unpacked", len(content), WEIGHTS)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}): {mend}") from error
    start = 4 + 4 * n_axes
    if content[:4] != bytes([0, 0, 8, n_axes]) or len(content) < start:
        raise DataError(f"{path} is no idx file of unsigned bytes with {n_axes} axes: {mend}")
    shape = np.frombuffer(content, ">u4", count=n_axes, offset=4).astype(int)
    values = np.frombuffer(content, np.uint8, offset=start)
    if len(values) != (wanted := math.prod(shape.tolist())):
        raise DataError(f"{path} is torn: {len(values)} values, not {wanted}: {mend}")
    return values.reshape(shape)
