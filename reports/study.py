"""One self-contained HTML page of any trial table: recorded, imported, replayed, or several."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..benchmarks.tables.contract import VERSION
from ..files import write_whole
from ..models.outcome import RESULTS
from . import findings, overviews
from . import tables as grids
from .content import KINDS, SCOPES, settings
from .figures.charts import (
    MOST_DRAWN,
    Chart,
    anytime_chart,
    attainment_chart,
    pareto_chart,
    ranks_chart,
    spread_chart,
)
from .figures.palette import look_of
from .format import known
from .rendering import render_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..benchmarks.tables.table import Table
    from .tables import Grid

MOST_GROUPS = 24
"""Groups that have figures; of further ones there are the tables."""
MOST_DRAWN_IN_ALL = 10_000
"""Trials that all scatters of the page draw together, fronts aside."""
MOST_HOVERS = 2_000
"""Trials on the page up to which each of them tells about itself."""


@dataclass(frozen=True)
class Part:
    """What the page shows of one group.

    Attributes:
        name: What the group is called.
        line: What is found there, in a few words.
        anchor: Where links to it lead.
        strategies: The table of its strategies.
        criteria: The table of who wins by what; None if there is nobody to win against.
        tied: Whether a strategy is the equal of a winner.
        charts: Its figures.
    """

    name: str
    line: str
    anchor: str
    strategies: Grid
    criteria: Grid | None
    tied: bool
    charts: Sequence[Chart]


def render(table: Table, analysis: Mapping[str, Any]) -> str:
    """Return the page of a trial table.

    Args:
        table: The table.
        analysis: What `benchmarks.analysis` found in it, as plain data (schema 1).

    Returns:
        A complete HTML document with its style, figures and Plotly's script inside. Of several
        groups the first is open; the figures of another are drawn when it is opened.
    """
    groups = analysis["groups"]
    names = findings.leading(groups)
    looks = look_of(names)
    parts = [
        _part(number, facts, part, names, len(groups))
        for number, (facts, (_, part)) in enumerate(zip(groups, table.groups, strict=True))
    ]
    compared = findings.is_scored(groups)
    overview = compared and len(groups) > 1
    description = table.description or {}
    return render_page(
        "study.html.j2",
        table=table,
        analysis=analysis,
        looks=looks,
        badges=findings.badges(analysis),
        headline=findings.headline(analysis),
        because=findings.because(analysis),
        notes=findings.notes(table, analysis),
        key_figures=findings.key_figures(table, analysis),
        compared=compared,
        counts=overviews.counts_grid(analysis, names) if overview else None,
        groups=overviews.groups_grid(groups) if overview else None,
        ranks=[
            ranks_chart(ranks, metric.replace("_", " "), looks, name=f"ranks-{metric}")
            for metric, ranks in findings.ranks_of(analysis).items()
        ],
        parts=parts,
        most_groups=MOST_GROUPS,
        energies=overviews.energies_grid(table, names),
        kind_meaning={kind: KINDS.get(kind, "") for kind in findings.kinds_of(table)},
        scope_meaning=SCOPES,
        meters=_meters(description.get("meter")),
        settings={
            "Table": {
                "name": table.name,
                "version of its columns": VERSION,
                "compared by": ", ".join(table.by) or "nothing: all trials together",
                "target accuracy": analysis["target"],
                "analysed by": f"perjoule {analysis['perjoule']}, schema {analysis['schema']}",
            },
            **settings(description),
        },
    )


def write(path: str | Path, table: Table, analysis: Mapping[str, Any]) -> None:
    """Write the page of a trial table to a file, which is replaced at once or not at all.

    Args:
        path: The HTML file.
        table: As for `render`.
        analysis: As for `render`.

    Raises:
        OutputError: If the file cannot be written.
    """
    page = render(table, analysis)
    write_whole(Path(path), lambda part: part.write_text(page, encoding="utf-8"))


def _part(
    number: int, facts: Mapping[str, Any], part: Table, names: Sequence[str], n_groups: int
) -> Part:
    contested = findings.is_scored([facts]) and len(facts["strategies"]) > 1
    ties = facts["ties"]
    return Part(
        findings.group_name(facts),
        findings.line_of(facts),
        f"group-{number}",
        grids.strategies_grid(facts),
        grids.criteria_grid(facts) if contested else None,
        any([*ties["equal_energy"].values(), ties["energy_to_target"], ties["anytime"]]),
        _charts(number, facts, part, names, n_groups) if number < MOST_GROUPS else [],
    )


def _charts(
    number: int, facts: Mapping[str, Any], part: Table, names: Sequence[str], n_groups: int
) -> list[Chart]:
    """Return the figures of a group, without those that would be empty."""
    trials = part.trials
    drawn = trials[trials["energy_j"] > 0]
    if drawn.empty:
        return []
    if drawn["accuracy"].isna().all():
        return [spread_chart(trials, names, name=f"spread-{number}")]
    leading = findings.leading([facts])
    figured = min(n_groups, MOST_GROUPS)
    charts = [
        pareto_chart(
            trials,
            names,
            leading,
            most=min(MOST_DRAWN, MOST_DRAWN_IN_ALL // figured),
            hover=len(trials) * figured <= MOST_HOVERS,
            name=f"pareto-{number}",
        )
    ]
    slices = trials if part.slices is None else part.slices
    scored = slices.loc[slices["state"].isin(RESULTS) & slices["accuracy"].notna()]
    target = known(facts["target_accuracy"])
    if len(slices) == facts["runs"]:  # no run goes on after its first trial
        charts.append(spread_chart(trials, names, name=f"spread-{number}"))
    elif len(scored):
        charts.append(anytime_chart(slices, names, leading, target, name=f"anytime-{number}"))
    if scored.drop_duplicates("run")["strategy"].duplicated().any():
        charts.append(attainment_chart(trials, names, leading, name=f"attainment-{number}"))
    return charts


def _meters(stated: Any) -> list[dict[str, Any]]:
    """What is known of each meter; a description may have been written by anybody."""
    unknown = {"update_period_s": None, "gain_error": None, "detail": "", "warnings": []}
    needed = {"id", "component", "kind", "scope"}
    return [
        {**unknown, **meter, "source": meter["id"]}
        for meter in (stated if isinstance(stated, list) else [])
        if isinstance(meter, dict) and needed <= meter.keys()
    ]
