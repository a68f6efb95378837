"""Which data sets there are, and how one is loaded; NumPy and PyTorch wait until `load`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from ...errors import UnknownNameError

if TYPE_CHECKING:
    from .splits import Data


class Dataset(NamedTuple):
    """A data set that can be named."""

    name: str
    summary: str  # what is in it, in a few words for help texts
    reader: str  # module beside this one, and the function in it that returns a `splits.Raw`
    max_epochs: int = 16  # the most in the default space of networks for it


_KNOWN = (
    Dataset("digits", "1,797 images of 8x8 pixels, no download", "digits:read_digits"),
    Dataset(
        "fashion-mnist",
        "70,000 images of 28x28 pixels",
        "fashion_mnist:read_fashion_mnist",
        max_epochs=4,  # 50 times the samples of digits, so fewer passes over them
    ),
)
DATASETS = {each.name: each for each in _KNOWN}


def datasets_help() -> str:
    """All data sets with their summaries, in one line for help texts."""
    return "; ".join(f"{each.name} ({each.summary})" for each in _KNOWN)


def check(name: str) -> Dataset:
    """Look a data set up by its name, without loading it; an UnknownNameError if there is none."""
    if name not in DATASETS:
        raise UnknownNameError("data set", name, DATASETS)
    return DATASETS[name]


def load(name: str, *, device: str = "cpu", split_seed: int = 0) -> Data:
    """Load a data set onto a device, in its three splits; the seed decides how it is split.

    Raises:
        UnknownNameError: There is no such data set.
        DataError: Its files are missing and cannot be fetched, or are damaged.
    """
    from .splits import split

    module, _, function = check(name).reader.partition(":")
    reader = getattr(import_module(f".{module}", __package__), function)
    return split(reader(), name, device=device, seed=split_seed)
