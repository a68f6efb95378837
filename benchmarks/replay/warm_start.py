"""Earlier searches that replayed strategies learn from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from ...errors import DataError
from ...tuners.registry import with_ability
from ...tuners.strategy import Earlier
from ..tables.earlier import Stops, earlier_searches
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
        if _is_replayed(part, table):
            raise DataError(
                f"{table.name}: is what is replayed, so that nothing would be left to find: leave "
                "it out of warm_start"
            )
    stops = Stops(recording.grid, STEPS)
    found = earlier_searches(tables, recording.space, recording.metric, stops)
    learners = tuple(with_ability("transfers", strategies))
    for sentence in dataclasses.replace(found.facts, learners=learners).describe(strategies):
        note(sentence)
    return found.searches


def _is_replayed(part: Table, table: Table) -> bool:
    """Whether all trials of a replayed part are in a table, by their joules and scores."""
    own, known = ({*zip(*_figures(each), strict=True)} for each in (part, table))
    return own <= known


def _figures(table: Table) -> tuple[list[float], list[float]]:
    joules, scores = (table.trials[n].to_numpy(float) for n in ("energy_j", "score"))
    return list(np.nan_to_num(joules)), list(np.nan_to_num(scores))
