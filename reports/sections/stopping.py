"""Could it have stopped earlier: learning curves, and what an early epoch says about the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...benchmarks.statistics.fidelity import AGREEING, EpochFacts, Fidelity, fidelity
from ...benchmarks.tables.table import counted
from ..figures.agreement import agreement_chart
from ..figures.learning import learning_chart
from ..format import UNAVAILABLE, format_difference, format_percent
from ..tables import Cell, Grid, Row
from .section import Section, Subject

if TYPE_CHECKING:
    from ...models.metric import Metric


def stopping_section(subject: Subject) -> Section | None:
    """Show learning curves, and how early their ranks agree with the final ones."""
    curves = subject.table.curves
    if curves is None or not (curves["energy_j"] > 0).any() or not (curves["epoch"] > 1).any():
        return None
    metric, found = subject.facts.metric, fidelity(subject.table)
    length = found.length if found is not None and found.epochs else None
    charts = [learning_chart(subject.trials, curves, subject.drawing, length)]
    if found is not None and any(each.rho is not None for each in found.epochs):
        charts.append(agreement_chart(found, subject.drawing))
    return Section(
        f"stopping-{subject.number}-section",
        "Could it have stopped earlier?",
        charts=charts,
        template="stopping",
        content={
            "findings": sentences(found, metric),
            "notes": _notes(found),
            "epochs": epochs_grid(found, metric) if found and found.epochs else None,
        },
    )


def sentences(found: Fidelity | None, metric: Metric) -> list[str]:
    """Say how early the ranks agree, and what choosing there would have spent and lost."""
    if found is None:
        return []
    told = found.told
    if told is None:
        return [f"It cannot be told: {found.reason}."]
    at = f"At epoch {told.epoch} of {found.length}"
    agree = f"{at}, all scores are alike, so their ranks agree with nothing."
    if told.rho is not None:
        agree = f"{at}, the ranks agree with the final ones to {_rho(told)}."
    if found.agreeing is None:
        agree += f" No epoch agrees to {AGREEING:g} for certain from there to the end."
    spent = "" if told.spent is None else f"{format_percent(told.spent, 0)} of the joules and "
    lost = f"no {metric.name}: what was best there was so in the end"
    if told.regret > 0:
        lost = f"{format_difference(told.regret, metric)} of {metric.name}"
    return [agree, f"Choosing there would have cost {spent}{lost}."]


def _rho(facts: EpochFacts) -> str:
    interval = "" if facts.low is None else f" [{facts.low:.2f}, {facts.high:.2f}]"
    return f"{facts.rho:.2f}{interval}"


def _notes(found: Fidelity | None) -> list[str]:
    """Say which trials are looked at, and what that means."""
    if found is None:
        return []
    notes = [
        f"Looked at: {counted(found.looked_at, 'trial')} that were trained to their end at epoch "
        f"{found.length}."
    ]
    if found.looked_at < found.trials:
        notes.append(f"A seeded sample: there are {found.trials:,}.")
    if found.others:
        notes.append(f"{counted(found.others, 'trial')} ended as planned at other epochs.")
    if found.stopped:
        notes.append(
            f"{counted(found.stopped, 'trial')} were stopped and have no final score. Those that "
            "survive are alike: their ranks agree less than those of all trials would."
        )
    return notes


def epochs_grid(found: Fidelity, metric: Metric) -> Grid:
    """Return what each epoch says about the last."""
    rows = []
    for each in found.epochs:
        interval = "" if each.low is None else f"{each.low:.2f} to {each.high:.2f}"
        rho = UNAVAILABLE if each.rho is None else f"{each.rho:.2f}"
        tau = UNAVAILABLE if each.tau is None else f"{each.tau:.2f}"
        cells = [
            Cell(rho, interval),
            Cell(tau),
            Cell(format_percent(each.spent, 0)),
            Cell(
                format_difference(each.regret, metric),
                f"at most {format_difference(each.regret_high, metric)} in 95 % of resamples",
            ),
        ]
        rows.append(Row(f"{each.epoch} of {found.length}", cells))
    return Grid(
        ["epoch", "Spearman's rho", "Kendall's tau", "joules spent", f"{metric.name} lost"], rows
    )
