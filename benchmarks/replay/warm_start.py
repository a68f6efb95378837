"""Earlier searches that replayed strategies learn from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ...errors import DataError
from ...tuners.registry import with_ability
from ...tuners.strategy import Earlier
from ..tables.earlier import Stops, earlier_searches
from ..tables.loading import Loadable
from ..tables.table import Table
from .recording import STEPS, Recording


def learn_from(
    tables: Sequence[Table],
    part: Table,
    recording: Recording,
    strategies: Sequence[str],
    note: Callable[[str], None],
) -> tuple[tuple[Earlier, ...], ...]:
    """Return what tables tell of earlier searches of what is replayed, and note what that is.

    Raises:
        DataError: A table is of no earlier search of the same space, or is replayed itself.
    """
    if not tables:
        return ()
    for table in tables:
        n_shared = _count_shared(part, table)
        if n_shared == len(part.trials):
            raise DataError(
                f"{table.name}: is what is replayed, so that nothing would be left to find: leave "
                "it out of warm_start"
            )
        if n_shared:
            note(
                f"{n_shared} of the {len(part.trials)} trials that are replayed are in "
                f"{table.name} too, by joules and score: what is learnt there may be what is to "
                "be found."
            )
    stops = Stops(recording.grid, STEPS)
    found = earlier_searches(tables, recording.space, recording.metric, stops)
    learners = tuple(with_ability("transfers", strategies))
    for sentence in dataclasses.replace(found.facts, learners=learners).describe(strategies):
        note(sentence)
    return found.searches


def names_of(given: Sequence[Loadable], tables: Sequence[Table]) -> list[str]:
    """The tables of earlier searches: the paths that were given, else their names."""
    pairs = zip(given, tables, strict=True)
    return [str(each) if isinstance(each, str | Path) else table.name for each, table in pairs]


def _count_shared(part: Table, table: Table) -> int:
    """How many trials of a replayed part are in a table, by their joules and scores."""
    known = {*zip(*_figures(table), strict=True)}
    return sum(figures in known for figures in zip(*_figures(part), strict=True))


def _figures(table: Table) -> tuple[list[float], list[float]]:
    joules, scores = (table.trials[n].to_numpy(float) for n in ("energy_j", "score"))
    return list(np.nan_to_num(joules)), list(np.nan_to_num(scores))
