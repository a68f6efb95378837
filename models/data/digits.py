"""Handwritten digits, embedded in scikit-learn: no download."""

from __future__ import annotations

import gzip
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from .splits import Raw


def read_digits() -> Raw:
    """The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn."""
    table = _table()
    return Raw(
        inputs=table[:, :64].astype(np.uint8).reshape(-1, 8, 8, 1),
        labels=table[:, 64].astype(np.int64),
        n_test=0,
        source=f"scikit-learn {version('scikit-learn')}",
    )


def _table() -> np.ndarray:
    """A row for each digit: its 64 pixels and its label.

    The file is read without scikit-learn where it lies where releases have had it, since to import
    that takes twenty times as long.
    """
    spec = find_spec("sklearn")
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            with gzip.open(file, "rt") as lines:
                return np.loadtxt(lines, delimiter=",")
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    return np.column_stack((digits.data, digits.target))
