"""Data of the user's own function: `module:function`."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ...errors import DataError, PerjouleError
from ..importing import first_line, import_defined
from ..own_code import own_code
from .checks import check_memory, tidy
from .splits import Raw

_FORMS = "return (x, y), (x, y, x_test, y_test), a dict with those names, or a torch Dataset"


def read_own(name: str) -> Raw:
    """Call a function without arguments, and take what it returns as a data set.

    That is (x, y) or (x, y, x_test, y_test), a mapping with those keys, or a torch `Dataset` of
    (input, label) pairs, or two, to train on and to test on. Arrays have their channels last,
    tensors first, as is the custom of each.

    Raises:
        ConfigurationError: There is no such function.
        DataError: It fails, or what it returns cannot be used.
    """
    function = import_defined("data set", name)
    try:
        with own_code():
            arrays = [_plain(each) for each in _arrays(name, function())]
    except (PerjouleError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise DataError(
            f"data set {name!r}: {type(error).__name__} in it: {first_line(error)}"
        ) from error
    return tidy(name, name, arrays)


def _arrays(name: str, given: Any) -> list[Any]:
    """Inputs and labels, twice if there is a test split."""
    if isinstance(given, Dataset):
        return _stacked(name, given)
    if isinstance(given, Mapping):
        keys = ["x", "y", *(["x_test", "y_test"] if {"x_test", "y_test"} & {*given} else [])]
        if missing := [key for key in keys if key not in given]:
            raise DataError(f"{name}: its dict has no {missing[0]!r}: {_FORMS}")
        return [given[key] for key in keys]
    if not isinstance(given, tuple | list) or len(given) not in (2, 4):
        what = f"{len(given)} things" if isinstance(given, tuple | list) else type(given).__name__
        raise DataError(f"{name}: returns {what}: {_FORMS}")
    if all(isinstance(each, Dataset) for each in given):
        return [array for each in given for array in _stacked(name, each)]
    return list(given)


def _stacked(name: str, dataset: Dataset[Any]) -> list[np.ndarray]:
    """The inputs and labels of a `Dataset`, its samples taken one by one."""
    if not isinstance(dataset, Sized) or not len(dataset):
        raise DataError(f"{name}: its Dataset is empty or has no length: give one that has")
    inputs, labels = None, []
    for i in range(len(dataset)):
        x, y = dataset[i]
        x = _plain(x, batched=False)
        if inputs is None:
            check_memory(name, len(dataset), x.shape, x.itemsize)
            inputs = np.empty((len(dataset), *x.shape), x.dtype)
        if (x.shape, x.dtype) != (inputs.shape[1:], inputs.dtype):
            raise DataError(
                f"{name}: sample {i} of its Dataset is of {x.dtype} {x.shape}, the first one of "
                f"{inputs.dtype} {inputs.shape[1:]}: give all the same"
            )
        inputs[i] = x
        labels.append(y.item() if isinstance(y, torch.Tensor | np.generic) else y)
    assert inputs is not None
    return [inputs, np.asarray(labels)]


def _plain(values: Any, *, batched: bool = True) -> np.ndarray:
    """An array with channels last, of a tensor with channels first or of anything else."""
    if not isinstance(values, torch.Tensor):
        return np.asarray(values)
    values = values.detach().cpu()
    if values.dtype == torch.bfloat16:
        values = values.float()
    return values.movedim(-3, -1).numpy() if values.ndim == 3 + batched else values.numpy()
