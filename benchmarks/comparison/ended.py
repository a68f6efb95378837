"""Which trials of a growing ledger will not go on, and what recorders are told of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ...energy.quantities import total
from ...energy.source import Kind
from ...files.damage import damaged
from ...models.outcome import State
from ..tables.table import plain
from .events import EndEvent, Event, InterruptedEvent, RunEvent, SearchEvent, SliceEvent
from .record import add_up, curve_table, slice_table
from .recorder import Best, EndedTrial, Point, RunFacts, RunState

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from .run import Run

_OPEN = (State.PAUSED, State.INTERRUPTED)
"""States of trials that may go on."""
Key = tuple[str, int]  # run and trial


class _End(NamedTuple):
    number: int
    spent_j: float | None
    incumbent: float | None
    ended_at: datetime
    improved: tuple[Best, ...]


class EndedTrials:
    """Follows the runs of a comparison by its events, and says which trials have ended.

    Trials end in the same order whether their events come one by one or all at once. An executor
    may still deliver a slice that was given up, of a trial that has ended since: such joules are
    in what its run has spent, and in the table at the end, but the trial is not told again.

    Args:
        runs: All runs, by name, as they are before the first event.
        ledger: The file of the events, for messages.
        meter_kind: How joules become known that no slice has a kind for.
        created: Stands for the time of trials of which none is known.
    """

    def __init__(
        self, runs: Mapping[str, Run], ledger: Path, meter_kind: str, created: datetime
    ) -> None:
        self.runs, self._ledger = runs, ledger
        self._meter_kind, self._created = meter_kind, created
        self._open: dict[Key, list[SliceEvent | InterruptedEvent]] = {}
        self._ended: set[Key] = set()
        self._states: dict[str, Counter[str]] = {name: Counter() for name in runs}
        self._n_climbs = dict.fromkeys(runs, 0)  # of which was told
        self._spent_j: dict[str, dict[str, float | None]] = {name: {} for name in runs}

    def take(self, events: Iterable[Event]) -> list[EndedTrial]:
        """The trials that end by further events.

        Raises:
            OutputError: An event is of none of the runs.
        """
        ends: dict[Key, _End] = {}
        slices: list[SliceEvent | InterruptedEvent] = []
        for event in events:
            if isinstance(event, RunEvent):
                for key in self._apply(event):
                    run, own = self.runs[key[0]], self._open.pop(key)
                    states = self._states[run.name]
                    ended_at = _ended_at(own) or self._created
                    facts = states.total(), run.spent_j, run.incumbent, ended_at
                    ends[key] = _End(*facts, self._improved(run))
                    states[_state(own[-1], run).value] += 1
                    self._ended.add(key)
                    slices += own
        if not ends:
            return []
        over = [run.name for run in self.runs.values() if run.end is not None]
        trials = add_up(slice_table(slices), over).to_dict("records")
        rows = {(row["run"], int(row["trial"])): row for row in cast("list[dict]", trials)}
        curves = points_of(curve_table(slices))
        return [self._told(rows[key], curves.get(key, ()), end) for key, end in ends.items()]

    def states(self) -> tuple[RunState, ...]:
        """How each run stands; its slices in flight are those of ``run.flying``."""
        return tuple(
            RunState(
                run=RunFacts(run.name, run.strategy, run.seed),
                spent_j=dict(self._spent_j[run.name]),
                inflight_j=total(sign.energy_j for sign in run.flying),
                incumbent=run.incumbent,
                ended=dict(self._states[run.name]),
                is_over=run.end is not None,
            )
            for run in self.runs.values()
        )

    def _apply(self, event: RunEvent) -> list[Key]:
        """Bring a run on by one event; the trials that end by it."""
        if event.run not in self.runs:
            raise damaged(self._ledger, f"run {event.run[:100]!r} is not of the experiment")
        run = self.runs[event.run]
        run.apply(event)
        if isinstance(event, EndEvent):
            return [key for key in self._open if key[0] == run.name]
        self._charge(event)
        if isinstance(event, SearchEvent):
            return []
        key = event.run, event.trial
        if key in self._ended:
            return []
        self._open.setdefault(key, []).append(event)
        has_ended = run.end is not None or _state(event, run) not in _OPEN
        return [key] if has_ended else []

    def _improved(self, run: Run) -> tuple[Best, ...]:
        """The new best scores since this was last asked."""
        climbs = run.account.climbs
        new, self._n_climbs[run.name] = climbs[self._n_climbs[run.name] :], len(climbs)
        return tuple(Best(each.spent_j, run.metric.oriented(each.score)) for each in new)

    def _charge(self, event: SliceEvent | SearchEvent | InterruptedEvent) -> None:
        kind = self._meter_kind if isinstance(event, SearchEvent) else _as_slice(event).energy_kind
        kind = kind or Kind.UNAVAILABLE.value
        own = self._spent_j[event.run]
        own[kind] = total([own.get(kind, 0.0), event.energy_j])

    def _told(self, row: dict[str, Any], curve: tuple[Point, ...], end: _End) -> EndedTrial:
        known = {name: plain(value) for name, value in row.items()}
        params = {
            name.removeprefix("p."): value
            for name, value in known.items()
            if name.startswith("p.") and value is not None
        }
        same = ("run", "strategy", "seed", "trial", "state", "score", "energy_j", "energy_kind")
        return EndedTrial(
            **{name: known[name] for name in same},
            params=params,
            curve=curve,
            row=known,
            **end._asdict(),
        )


def points_of(curves: pd.DataFrame | None) -> dict[Key, tuple[Point, ...]]:
    """The points of each trial's curve."""
    if curves is None:
        return {}
    found: dict[Key, list[Point]] = {}
    for row in cast("list[dict[str, Any]]", curves.to_dict("records")):
        figures = (plain(row[name]) for name in ("energy_j", "score", "loss"))
        point = Point(int(row["epoch"]), *figures)
        found.setdefault((row["run"], int(row["trial"])), []).append(point)
    return {key: tuple(points) for key, points in found.items()}


def _ended_at(slices: Sequence[SliceEvent | InterruptedEvent]) -> datetime | None:
    """When the last slice ended of which that is known."""
    for each in map(_as_slice, reversed(slices)):
        if each.started_at is not None:
            ended_s = each.started_at + (each.duration_s or 0.0)
            return datetime.fromtimestamp(ended_s, UTC)
    return None


def _as_slice(event: SliceEvent | InterruptedEvent) -> SliceEvent:
    return event.as_slice() if isinstance(event, InterruptedEvent) else event


def _state(event: SliceEvent | InterruptedEvent, run: Run) -> State:
    """How a trial stands by its last slice; a paused one of a run that is over is pruned."""
    state = _as_slice(event).state
    return State.PRUNED if state is State.PAUSED and run.end is not None else state
