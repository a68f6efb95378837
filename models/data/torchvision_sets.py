"""CIFAR-10, CIFAR-100 and SVHN, read and downloaded by torchvision, which checks their md5 sums.

The files of CIFAR are pickles: none is opened whose sum is not the published one.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from ...errors import DataError
from .places import data_folder
from .splits import Raw


class _Known(NamedTuple):
    """How torchvision knows a data set."""

    torchvision: str  # its class there
    parts: tuple[dict[str, Any], dict[str, Any]]  # arguments for training and for test samples
    files: str  # what to put where, by hand


_CIFAR = ({"train": True}, {"train": False})
_SETS = {
    "cifar10": _Known("CIFAR10", _CIFAR, "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"),
    "cifar100": _Known(
        "CIFAR100", _CIFAR, "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    ),
    "svhn": _Known(
        "SVHN",
        ({"split": "train"}, {"split": "test"}),
        "train_32x32.mat and test_32x32.mat of http://ufldl.stanford.edu/housenumbers",
    ),
}


def read_torchvision(name: str) -> Raw:
    """Images of 32x32 pixels in colour: `"cifar10"`, `"cifar100"` or `"svhn"`.

    Looked for, and downloaded if it is not there, in the folder of its name in the data folder if
    there is one, else in the data folder itself.

    Raises:
        DataError: It is not there and cannot be downloaded, or a file is damaged.
    """
    from .._torchvision import datasets

    known = _SETS[name]
    cls, folder = getattr(datasets, known.torchvision), data_folder()
    folder = folder / name if (folder / name).is_dir() else folder
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # tarfile's, of an archive of known sum
        try:
            train, test = (cls(folder, **part, download=True) for part in known.parts)
        except (OSError, RuntimeError) as error:  # urllib's URLError is an OSError
            reason = str(error).strip().splitlines()[-1]
            raise DataError(
                f"{name} is not in {folder}, or damaged, and cannot be downloaded ({reason}): put "
                f"{known.files} there, or set PERJOULE_DATA to a folder that has them"
            ) from error
    images = [np.asarray(each.data) for each in (train, test)]
    if name == "svhn":
        images = [each.transpose(0, 2, 3, 1) for each in images]
        labels = [train.labels, test.labels]
    else:
        labels = [train.targets, test.targets]
    return Raw(
        inputs=np.ascontiguousarray(np.concatenate(images)),
        labels=np.concatenate(labels).astype(np.int64),
        n_test=len(labels[1]),
        source=str(folder),
        class_names=tuple(getattr(train, "classes", ())),
    )
