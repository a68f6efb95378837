"""The one drawing of how a comparison stands, in its own terminal and in a watcher's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table

from ...benchmarks.analysis.wording import gave_nothing
from ...benchmarks.tables.table import counted
from ..format import UNAVAILABLE, format_energy, format_percent, format_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...benchmarks.comparison.state import ComparisonState, Failures, Flight, StrategyState
    from ...models.metric import Metric

BAR_WIDTH = 40
MOST_FLIGHTS = 16
"""Slices in flight that are listed; of more, only the number."""
MOST_STRATEGIES = 24


def time_left(left_s: float | None) -> str:
    """``"about 40 s left"``; empty as long as that is not known.

    >>> time_left(41.3), time_left(190.0), time_left(9000.0), time_left(0.2), time_left(None)
    ('about 41 s left', 'about 3 min left', 'about 2.5 h left', 'about 1 s left', '')
    """
    if left_s is None:
        return ""
    if left_s < 100:
        return f"about {max(1, round(left_s))} s left"
    return (
        f"about {left_s / 60:.0f} min left"
        if left_s < 7200
        else f"about {left_s / 3600:.1f} h left"
    )


def draw_bar(done: float | None, *texts: str) -> RenderableType:
    """A bar of a whole, and what is said beside it."""
    if done is None:
        return ", ".join(filter(None, texts))
    row = Table.grid(padding=(0, 1))
    row.add_row(
        ProgressBar(total=1.0, completed=min(done, 1.0), width=BAR_WIDTH),
        ", ".join(filter(None, [format_percent(done, 0), *texts])),
    )
    return row


def draw_state(state: ComparisonState, metric: Metric, *, workers: bool = False) -> RenderableType:
    """The whole as a bar, a line for each strategy, and the failures.

    Args:
        state: How it stands.
        metric: What scores are of.
        workers: Whether to list what each worker trains.
    """
    left = time_left(state.left_s) if state.over < state.runs else ""
    parts: list[RenderableType] = [draw_bar(state.done, left, _figures(state, metric))]
    if len(state.strategies) > 1 or workers:
        parts.append(_strategies(state, metric))
    if workers and state.flights:
        parts.append(_flights(state.flights))
    elif state.runs == 1:
        parts += [told for told in map(_in_flight, state.flights) if told]
    if state.failures is not None:
        parts.append(_failures(state.failures))
    return Group(*parts)


def plain_line(state: ComparisonState, metric: Metric) -> str:
    """The state in a line: ``"44 % of the budget, about 40 s left: 263 J, 312 trials, best …"``."""
    share = ""
    if state.budget_j is not None:
        spent = None if state.spent_j is None else state.spent_j / state.budget_j
        share = f"{format_percent(spent, 0)} of the budget"
    left = time_left(state.left_s) if state.over < state.runs else ""
    head = ", ".join(filter(None, [share, left]))
    line = f"{head}: " if head else ""
    line += f"{format_energy(state.spent_j)}, {_found(state, metric)}"
    if state.runs == 1:
        line += "".join(f"; {told}" for told in map(_in_flight, state.flights) if told)
    return line


def _failures(found: Failures) -> str:
    several = found.times < found.trials
    return gave_nothing(found.trials, found.of, "failed", found.reason, several=several)


def _figures(state: ComparisonState, metric: Metric) -> str:
    spent = format_energy(state.spent_j)
    if state.budget_j is not None:
        spent += f" of {format_energy(state.budget_j)}"
    over = f", {state.over} of {counted(state.runs, 'run')} over" if state.over else ""
    return f"{spent}, {_found(state, metric)}{over}"


def _found(state: ComparisonState, metric: Metric) -> str:
    trials = f"{state.trials:,} trial{'' if state.trials == 1 else 's'}"
    best = state.best
    told = "no result yet" if best is None else f"best {format_score(best, metric)}"
    return f"{trials}, {told}"


def _strategies(state: ComparisonState, metric: Metric) -> Table:
    """One line for each strategy; states that no trial has are left out."""
    show = partial(format_score, metric=metric)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("strategy", no_wrap=True)
    states = dict.fromkeys(name for each in state.strategies for name in each.states)
    target = f"J to {UNAVAILABLE if state.target is None else show(state.target)}"
    for head in ("", "spent", "trials", *states, "best", target, "search"):
        table.add_column(head, justify="right" if head else "left")
    for each in state.strategies[:MOST_STRATEGIES]:
        table.add_row(
            each.strategy,
            _small_bar(each),
            format_energy(each.spent_j),
            f"{each.trials:,}",
            *(f"{count:,}" if (count := each.states.get(name)) else "" for name in states),
            show(each.best),
            f"{format_energy(each.target_j)} ({each.hits}/{each.runs})" if each.hits else "never",
            format_percent(each.search_share),
        )
    if len(state.strategies) > MOST_STRATEGIES:
        table.add_row(f"… and {len(state.strategies) - MOST_STRATEGIES} more")
    return table


def _small_bar(each: StrategyState) -> RenderableType:
    if each.allotment_j is None or each.spent_j is None:
        return f"{each.over}/{each.runs}"
    spent_j = each.allotment_j if each.over == each.runs else each.spent_j
    return ProgressBar(total=each.allotment_j, completed=min(spent_j, each.allotment_j), width=12)


def _flights(flights: Sequence[Flight]) -> Table:
    """What each worker trains."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("in flight", "trial", "epoch", "spent", "should take", "process"):
        table.add_column(head, justify="left" if head == "in flight" else "right")
    for each in flights[:MOST_FLIGHTS]:
        of = "" if each.epochs is None else f" of {each.epochs}"
        table.add_row(
            each.run,
            str(each.trial),
            "asks" if each.asking else f"{each.epoch}{of}",
            format_energy(each.spent_j),
            "" if each.projected_j is None else f"about {format_energy(each.projected_j)}",
            "" if each.pid is None else str(each.pid),
        )
    if len(flights) > MOST_FLIGHTS:
        table.add_row(f"… and {len(flights) - MOST_FLIGHTS} more")
    return table


def _in_flight(each: Flight) -> str:
    """``trial 3: epoch 7 of 20, about 14.2 J in all``, of one that is projected."""
    if each.projected_j is None:
        return ""
    epochs = f"epoch {each.epoch} of {each.epochs}"
    return f"trial {each.trial}: {epochs}, about {format_energy(each.projected_j)} in all"
