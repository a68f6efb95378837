"""Where all joules of the runs went, one step after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from ...benchmarks.statistics.destinations import LOST, NOT_SPLIT, destinations
from ...benchmarks.tables.contract import LOWER_BOUND
from ...benchmarks.tables.table import counted
from ..format import format_energy, format_kinds, format_percent
from . import axes
from .axes import GREY, LINE, TEMPLATE
from .chart import Chart
from .patterns import entries, pattern

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from ...benchmarks.statistics.destinations import Destinations

WITHOUT_TRIAL = "asks without a trial"
"""The part of joules that runs spent on no trial."""
_STOPPED = "#B5657F"
_COLOURS = {**axes.PHASES, NOT_SPLIT: LINE}
_IN_WORDS = {LOST: "lost trials, at least"}
_NO_BAR = 1e-6
"""Share of the total below which what is not split is rounding."""


@dataclass(frozen=True)
class _Step:
    """A bar of the waterfall."""

    label: str
    energy_j: float
    start_j: float
    colour: str
    kind: str
    hover: str


def waterfall_charts(
    trials: pd.DataFrame,
    number: int,
    unplaced_j: float | None,
    beside: Mapping[str, float | None],
) -> dict[str, Chart]:
    """Draw where the joules went, a waterfall for each kind of them; kinds are not added up.

    Args:
        trials: The trials of a group.
        number: Its place on the page.
        unplaced_j: Joules that its runs spent on no trial; None if unknown.
        beside: What the comparison spent beside its runs, charged to none, by what it was.

    Returns:
        The charts by kind, of which the joules went to more than one place.
    """
    known = trials[trials["energy_j"].notna()]
    told = {kind: format_kinds([kind]) for kind in known["energy_kind"].dropna().unique()}
    kinds = known["energy_kind"].map(told).astype(object)
    sure = kinds[known["energy_kind"] != LOWER_BOUND].fillna("of unknown kind")
    kinds = sure.reindex(known.index).fillna(
        sure.iloc[0] if sure.nunique() == 1 else "of unknown kind"
    )
    several = kinds.nunique() > 1
    notes = _notes(trials, several, unplaced_j, beside)
    found = {str(kind): destinations(own) for kind, own in known.groupby(kinds, sort=False)}
    more = {} if several or not unplaced_j else {WITHOUT_TRIAL: unplaced_j}
    return {
        kind: _chart(
            own,
            kind,
            f"waterfall-{number}" + (f"-{place}" if several else ""),
            more,
            {} if several else {what: j for what, j in beside.items() if j},
            notes,
        )
        for place, (kind, own) in enumerate(found.items())
        if len(own.parts_j) + len(more) > 1
    }


def _chart(
    found: Destinations,
    kind: str,
    name: str,
    more: Mapping[str, float],
    beside: Mapping[str, float],
    notes: Sequence[str],
) -> Chart:
    total_j = found.total_j + sum(more.values())
    steps = _steps(found, kind, total_j, more)
    last = _Step("all runs", total_j, 0.0, GREY, kind, f"all runs: {format_energy(total_j)}")
    apart = [
        _Step(what, joules, 0.0, LINE, kind, f"{what}: {format_energy(joules)}, charged to no run")
        for what, joules in beside.items()
    ]
    rows = [*steps, last, *apart]
    told = ", ".join(f"{step.label} {format_energy(step.energy_j)}" for step in rows)
    unmetered = [
        f"{phase} is not known of {counted(count, 'complete trial')}"
        for phase, count in found.unmetered.items()
    ]
    return Chart(
        name,
        "Where the joules went",
        "Complete trials by phase; every other trial whole, under how it ended. What was pruned, "
        "truncated or failed gave no complete training, yet its joules were spent; a pruned trial "
        "also told the search where not to look.",
        f"Waterfall of joules, {kind}: {told}.",
        _figure(rows, kind, total_j, apart),
        [*notes, *([f"Not split: {'; '.join(unmetered)}."] if unmetered else [])],
        height_rem=7.0 + 3.0 * len(rows),
    )


def _steps(
    found: Destinations, kind: str, total_j: float, more: Mapping[str, float]
) -> list[_Step]:
    steps, start_j = [], 0.0
    for what, joules in {**found.parts_j, **more}.items():
        if what == NOT_SPLIT and joules < _NO_BAR * total_j:
            continue
        told = f"{what}: {format_energy(joules)}, {_share(joules, total_j)}"
        if what in found.trials:
            told += f"<br>{counted(found.trials[what], 'trial')}"
        if found.searched_j.get(what):
            told += f"<br>of that, search: {format_energy(found.searched_j[what])}"
        steps.append(
            _Step(
                _IN_WORDS.get(what, f"{what} trials" if what in found.searched_j else what),
                joules,
                start_j,
                _COLOURS.get(what, axes.PHASES["search"] if what in more else _STOPPED),
                LOWER_BOUND if what == LOST else kind,
                told,
            )
        )
        start_j += joules
    return steps


def _figure(rows: Sequence[_Step], kind: str, total_j: float, apart: Sequence[_Step]) -> go.Figure:
    figure = go.Figure(
        data=[*map(_bar, rows), *entries(row.kind for row in rows)],
        layout={
            "template": TEMPLATE,
            "barmode": "overlay",
            "bargap": 0.35,
            "xaxis": {
                "title": {"text": f"joules, {kind}"},
                "range": [0.0, 1.3 * max(total_j, *(row.energy_j for row in rows))],
            },
            "yaxis": {
                "range": [len(rows) - 0.4, -0.6],
                "showgrid": False,
                "tickvals": [row.label for row in rows],
                "ticktext": [
                    f"<b>{row.label}</b>" if row.label == "all runs" else axes.wrap_label(row.label)
                    for row in rows
                ],
                "ticklabelstandoff": 8,
            },
        },
    )
    for row in rows:
        figure.add_annotation(
            x=row.start_j + row.energy_j,
            y=row.label,
            text=_amount(row, total_j, beside=row in apart),
            showarrow=False,
            align="left",
            xanchor="left",
            xshift=4,
        )
    if apart:
        figure.add_hline(y=len(rows) - len(apart) - 0.5, line={"color": GREY, "dash": "dot"})
    return figure


def _bar(row: _Step) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "y": [row.label],
        "x": [row.energy_j],
        "base": row.start_j,
        "marker": {
            "color": row.colour,
            "pattern": pattern(row.kind),
            "line": {"color": GREY, "width": 0.5},
        },
        "showlegend": False,
        "hovertext": row.hover,
        "hoverinfo": "text",
    }


def _amount(row: _Step, total_j: float, *, beside: bool) -> str:
    beneath = "of no run" if beside else _share(row.energy_j, total_j)
    if row.label == "all runs":
        return f"<b>{format_energy(row.energy_j)}</b>"
    return f'{format_energy(row.energy_j)}<br><span style="font-size:11px">{beneath}</span>'


def _share(joules: float, total_j: float) -> str:
    return format_percent(joules / total_j if total_j else None)


def _notes(
    trials: pd.DataFrame,
    several: bool,
    unplaced_j: float | None,
    beside: Mapping[str, float | None],
) -> list[str]:
    """Say which joules are in no bar."""
    unknown, notes = int(trials["energy_j"].isna().sum()), []
    if unknown:
        notes.append(
            f"In no bar, since their joules are not known: {unknown:,} of "
            f"{counted(len(trials), 'trial')}."
        )
    if unplaced_j is None:
        notes.append("What asks without a trial took is not known, and in no bar.")
    elif several and unplaced_j:
        notes.append(f"In no bar: {format_energy(unplaced_j)} of asks without a trial.")
    unread = [what for what, joules in beside.items() if joules is None]
    if beside and not several:
        notes.append("Beneath the dotted line: what no run paid for, and which is in no sum.")
    if unread:
        notes.append(f"Charged to no run, and not known: {'; '.join(unread)}.")
    return notes
