"""The best candidate of each strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...benchmarks.analysis.runs import RunFacts, best_runs
from ...benchmarks.comparison.refit import RefitFacts
from ...benchmarks.tables.facts import read_fact
from ..format import format_energy, format_score
from .section import Section, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ...benchmarks.tables.table import Table
    from ...models.metric import Metric


def candidates_section(subject: Subject) -> Section | None:
    """Show the best run of each strategy with its hyperparameters, where there are any."""
    found = _incumbents(subject.table, list(subject.drawing.looks))
    if not subject.searched or not found:
        return None
    several = " of each strategy" if len(found) > 1 else ""
    return Section(
        f"candidates-{subject.number}-section",
        f"The best candidate{several}",
        template="candidates",
        content={
            "incumbents": found,
            "parameters": _parameters([each["run"] for each in found]),
            "refit": _refit(subject.table),
        },
    )


def _parameters(runs: Sequence[RunFacts]) -> list[str]:
    """Return the hyperparameters that any of the candidates uses, in their order."""
    used = {
        name: None
        for run in runs
        if run.incumbent
        for name, value in run.incumbent.params.items()
        if value is not None
    }
    return list(used)


def _incumbents(table: Table, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the best run of each strategy, with the learning curve of its incumbent."""
    if not any(str(name).startswith("p.") for name in table.trials):
        return []
    best = best_runs(table)
    return [
        {"run": best[name], "curve": _sparkline(table.curves, best[name], table.metric)}
        for name in names
        if name in best and best[name].incumbent is not None
    ]


def _refit(table: Table) -> dict[str, str]:
    """Return what training the best candidate again gave; empty where it was not."""
    found = read_fact(RefitFacts, (table.description or {}).get("refit"))
    if found is None:
        return {}
    facts = {
        "on": "train and validation data",
        "energy": f"{format_energy(found.energy_j)} ({found.energy_kind}), beside the budget",
    }
    if found.state != "complete":
        return {**facts, "ended": f"{found.state}: {found.message}"}
    score = format_score(found.test_score, table.metric)
    return {**facts, "epochs": str(found.epochs), f"test {table.metric.name}": score}


def _sparkline(curves: pd.DataFrame | None, run: RunFacts, metric: Metric) -> dict[str, str] | None:
    """Return the incumbent's score by epoch as SVG points in a box of 100 by 24."""
    if curves is None or run.incumbent is None:
        return None
    own = curves[(curves["run"] == run.run) & (curves["trial"] == run.incumbent.trial)]
    score = own.sort_values("epoch")["score"].dropna().to_numpy(dtype=float)
    if len(score) < 2:
        return None
    span = float(score.max() - score.min()) or 1.0
    points = " ".join(
        f"{100.0 * i / (len(score) - 1):.1f},{22.0 - 20.0 * (a - score.min()) / span:.1f}"
        for i, a in enumerate(score)
    )
    first, last = (format_score(score[place], metric) for place in (0, -1))
    return {"points": points, "first": first, "last": last, "epochs": str(len(score))}
