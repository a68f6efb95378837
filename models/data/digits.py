"""Handwritten digits, embedded in scikit-learn: no download."""

from __future__ import annotations

import numpy as np

from .splits import Raw


def read_digits() -> Raw:
    """The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn."""
    from sklearn import __version__
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    return Raw(
        inputs=np.asarray(pixels, np.uint8).reshape(-1, 8, 8, 1),
        labels=np.asarray(labels, np.int64),
        n_test=0,
        source=f"scikit-learn {__version__}",
    )
