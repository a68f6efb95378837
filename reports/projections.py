"""Projected trainings on stdout."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from ..benchmarks.statistics.projection import CLOSE, ProjectedTrial, Projection, Projections
from ..benchmarks.tables.table import counted
from .format import format_energy, format_percent
from .progress.console import open_console

MOST_ROWS = 40  # of each table


def print_projections(found: Projections) -> None:
    """Print what trainings were projected to take beside what they took, or will take."""
    console = open_console()
    if not found.finished and not found.unfinished:
        console.print(
            f"No training can be projected: of {counted(found.left_out, 'trial')} none has a "
            "learning curve with the joules of six epochs and one more to come."
        )
        return
    if found.finished:
        console.print(_table("Projected and measured", found.finished, measured=True))
    if found.unfinished:
        console.print(_table("Not at their end: what they would take", found.unfinished))
    if found.median_error is not None:
        assert found.close is not None
        assert found.covered is not None
        console.print(
            f"Of {len(found.finished)} trainings that came to their end the median error is "
            f"{format_percent(found.median_error)}; {format_percent(found.close, 0)} were "
            f"projected within {format_percent(CLOSE, 0)}, and "
            f"{format_percent(found.covered, 0)} lie inside their 95 % interval."
        )
    if found.left_out:
        console.print(
            f"- Trials left out: {found.left_out}, with fewer than six epochs and one to come, or "
            "with joules or planned epochs that are unknown."
        )


def _table(title: str, trials: Sequence[ProjectedTrial], *, measured: bool = False) -> Table:
    last = ("measured", "error") if measured else ("state",)
    heads = ("run", "trial", "epochs", "steady from", "projected", *last)
    rest = f" ({MOST_ROWS} of {len(trials)}, all by --json)" if len(trials) > MOST_ROWS else ""
    table = Table(*heads, title=title + rest, title_justify="left")
    for each in trials[:MOST_ROWS]:
        told = (each.state,)
        if measured:
            error = "n/a" if each.error is None else f"{each.error:+.1%}"
            told = (format_energy(each.measured_j), error)
        found = each.projection
        epochs = f"{found.measured_epochs} of {found.epochs}"
        steady = f"epoch {found.first}" if found.steady else "not steady"
        table.add_row(each.run, str(each.trial), epochs, steady, _in_words(found), *told)
    return table


def _in_words(found: Projection) -> str:
    ends = f"{format_energy(found.low_j)}, {format_energy(found.high_j)}"
    return f"{format_energy(found.total_j)} [{ends}]"
