"""What a shell is told when a value is to be completed; registries are loaded only then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

Told = Iterable[tuple[str, str]]
"""Values, each with what it is; an empty text says nothing."""


def one_of(known: Callable[[], Told]) -> Callable[[str], list[tuple[str, str]]]:
    """Complete one value."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        return [(name, what) for name, what in known() if name.startswith(incomplete)]

    return complete


def some_of(known: Callable[[], Told]) -> Callable[[str], list[tuple[str, str]]]:
    """Complete the last of several values that commas join; none is offered twice."""

    def complete(incomplete: str) -> list[tuple[str, str]]:
        before, comma, last = incomplete.rpartition(",")
        taken = before.split(",")
        return [
            (f"{before}{comma}{name}", what)
            for name, what in known()
            if name.startswith(last) and name not in taken
        ]

    return complete


def strategies() -> Iterator[tuple[str, str]]:
    """The search strategies."""
    from ..tuners.registry import RECIPES

    for name, recipe in RECIPES.items():
        yield name, recipe.summary


def strategies_or_all() -> Iterator[tuple[str, str]]:
    """The search strategies, and the word for all of them."""
    yield "all", "every strategy"
    yield from strategies()


def meters() -> Iterator[tuple[str, str]]:
    """The meters; one that needs an argument ends in the colon before it."""
    from ..energy.sources.resolve import METERS

    for name, meter in METERS.items():
        yield f"{name}:" if meter.needs_argument else name, meter.summary


def datasets() -> Iterator[tuple[str, str]]:
    """The data sets, and what those begin with that hold an argument."""
    from ..models.data.registry import DATASETS, SCHEMES

    for name, dataset in DATASETS.items():
        yield name, dataset.summary
    for name, scheme in SCHEMES.items():
        yield f"{name}:", f"{scheme.form}: {scheme.summary}"


def architectures() -> Iterator[tuple[str, str]]:
    """The architectures."""
    from ..models.networks.registry import ARCHITECTURES

    yield from _bare(ARCHITECTURES)
    yield "torchvision:", "a network of torchvision by its name"


def metrics() -> Iterator[tuple[str, str]]:
    """The metrics that have a name."""
    from ..models.metric import METRICS

    return _bare(METRICS)


def studies() -> Iterator[tuple[str, str]]:
    """The published studies, and the word for all of them."""
    from ..benchmarks.studies.registry import STUDIES

    yield from _bare(STUDIES)
    yield "all", "every study"


def engines() -> Iterator[tuple[str, str]]:
    """Who gives the workers."""
    from ..benchmarks.comparison.engines import ENGINES

    return _bare(ENGINES)


def recorders() -> Iterator[tuple[str, str]]:
    """Who else records; one that needs a place ends in the colon before it."""
    from ..reports.recorders.registry import RECORDERS

    for name, recorder in RECORDERS.items():
        yield f"{name}:" if recorder.needs_where else name, recorder.summary


def import_formats() -> Iterator[tuple[str, str]]:
    """What can be imported."""
    from ..benchmarks.importers.registry import FORMATS

    return _summarised(FORMATS)


def disclosures() -> Iterator[tuple[str, str]]:
    """In which formats of others a search can be told."""
    from ..reports.exports.registry import FORMS

    return _summarised(FORMS)


def figures() -> Iterator[tuple[str, str]]:
    """The figures of the report."""
    from ..reports.registry import FIGURES

    return _summarised(FIGURES)


def words(*known: str) -> Callable[[], Told]:
    """Words that stand nowhere else."""
    return lambda: _bare(known)


def _bare(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((name, "") for name in names)


def _summarised(known: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    return ((name, str(getattr(each, "summary", ""))) for name, each in known.items())
