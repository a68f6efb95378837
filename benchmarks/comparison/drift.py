"""Whether the machine stayed the same: joules per counted operation, followed through a comparison.

CPU-seconds on a shared machine are worth different amounts of work, and heat and clocks move the
joules of any. It is told, and nothing is corrected by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...energy.quantities import format_percent
from ..tables.contract import LOWER_BOUND
from ..tables.facts import Fact
from .events import Event, SliceEvent

if TYPE_CHECKING:
    from ..statistics.drift import Change

LARGE = 0.2
"""A clear change beyond this share is warned of."""
MOST_SLICES = 1_000
"""The most slices that are looked at: of more, every n-th."""
SAME = 1e-6
"""Relative spread of joules per operation up to which a meter counts operations itself."""


@dataclass(frozen=True)
class Drift(Fact):
    """How joules per counted operation of like trials changed.

    Attributes:
        slices: How many were compared with each other.
        over_time: By which share later ones took more than earlier ones; negative if they took
            less.
        is_clear: Whether that is more than chance.
        between_workers: By which share the dearest worker took more than the cheapest; None of one.
        workers_differ: Whether that is more than chance.
    """

    slices: int
    over_time: float
    is_clear: bool
    between_workers: float | None = None
    workers_differ: bool = False

    @property
    def is_large(self) -> bool:
        """Whether a clear change is worth a warning."""
        grown = abs(math.log1p(self.over_time)) > math.log1p(LARGE)
        apart = (self.between_workers or 0.0) > LARGE
        return (self.is_clear and grown) or (self.workers_differ and apart)

    @property
    def sentence(self) -> str:
        """What is told of it, whether it is worth a warning or not."""
        share = format_percent(abs(self.over_time), 0)
        more = f"{share} {'more' if self.over_time >= 0 else 'fewer'} joules"
        told = f"Per counted operation like trials took {more} later than earlier"
        told += "" if self.is_clear else ", which may be chance"
        if self.between_workers is not None:
            chance = "" if self.workers_differ else ", which may be chance"
            share = format_percent(self.between_workers, 0)
            told += f"; the dearest worker took {share} more than the cheapest"
            told += chance
        if not self.is_large:
            return f"{told}."
        return (
            f"{told}. So the machine did not stay the same (others on it, heat, clocks), and equal "
            "joules were not worth equal work: repeat it on a quiet machine. Nothing is corrected."
        )


def drift_of(events: Iterable[Event]) -> Drift | None:
    """How joules per operation changed over a ledger; None of too few, or if they are counted.

    Setup, in which nothing is counted, is left out, and so are slices without a whole epoch: where
    allotments end there are many, of a few steps each, and they are no sign of the machine.
    """
    import pandas as pd

    from ..statistics.drift import FEWEST, between_workers, excess, over_time

    rows = [
        {
            "kind": event.energy_kind,
            "worker": event.worker,
            "started_at": event.started_at,
            "cost": event.energy_j - event.search_j - event.setup_j,
            "operations": event.operations,
            **{f"p.{name}": value for name, value in (event.params or {}).items()},
            "flops": event.flops,
            "n_parameters": event.n_parameters,
        }
        for event in events
        if isinstance(event, SliceEvent)
        and event.energy_kind != LOWER_BOUND
        and event.energy_j
        and event.search_j is not None  # or nobody knows what the training alone took
        and event.setup_j is not None
        and event.operations
        and event.epochs != 0  # or it stopped before the first steps, which are dear, were made up
        and event.started_at is not None
    ]
    if len(rows) < FEWEST:
        return None
    slices = pd.DataFrame(rows)
    slices = slices[slices["kind"].eq(slices["kind"].mode()[0]) & slices["cost"].gt(0)]
    slices = slices.sort_values("started_at", kind="stable").reset_index(drop=True)
    slices = slices.iloc[:: math.ceil(len(slices) / MOST_SLICES) or 1].reset_index(drop=True)
    costs = (slices["cost"] / slices["operations"]).to_numpy(dtype=float)
    if len(slices) < FEWEST or costs.max() - costs.min() <= SAME * costs.max():
        return None
    features = slices.drop(columns=["kind", "worker", "started_at", "cost", "operations"])
    excesses = excess(costs, features)
    time, workers = over_time(excesses), between_workers(excesses, slices["worker"])
    assert time is not None
    return Drift(len(slices), _share(time), time.is_clear, *_shares(workers))


def _shares(change: Change | None) -> tuple[float | None, bool]:
    return (None, False) if change is None else (_share(change), change.is_clear)


def _share(change: Change) -> float:
    return change.ratio - 1
