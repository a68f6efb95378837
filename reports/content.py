"""What the page of a comparison says: everything on it that has to be worked out first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..energy.carbon import format_grams
from .figures.charts import Chart, anytime_chart, pareto_chart, phases_chart
from .format import format_duration, format_energy, format_percent, format_value, known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

KINDS = {
    "measured": "A hardware counter, read at the edges of every trial.",
    "integrated": "Power samples of a sensor, summed over time.",
    "modelled": "An estimate from activity, not a meter: good for comparing like with like here, "
    "less so for absolute joules.",
    "apportioned": "A meter shared by several trials, split between them by CPU time.",
    "unavailable": "No reading. It is left out of every sum, not counted as zero.",
    "lower bound": "The trial was lost before its end: at least this much was spent.",
    "replayed": "Recorded joules of another search, looked up and not spent again.",
    "not stated": "The table does not say how these joules became known.",
}
"""What each kind of energy means to a reader."""

SCOPES = {
    "process": "the processes of the trial",
    "package": "the whole processor package",
    "board": "the whole board",
    "module": "the whole module",
    "node": "the whole machine",
}
"""What each scope covers."""


def key_figures(trials: pd.DataFrame, summary: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the few figures at the top: what, value, and a word beside it."""
    spent = [known(run["spent_j"]) for run in summary["runs"]]
    total = None if None in spent or not spent else sum(s for s in spent if s is not None)
    states = trials["state"].value_counts() if "state" in trials else {}
    reached = [
        (entry["energy_to_target"]["ert_j"], entry["strategy"])
        for entry in summary["strategies"]
        if entry["energy_to_target"] and known(entry["energy_to_target"]["ert_j"]) is not None
    ]
    cheapest, by = min(reached) if reached else (None, "")
    finders = [entry["strategy"] for entry in _ranked(summary["runs"])][:1]
    target = format_percent(summary["target_accuracy"])
    carbon = summary["carbon"]
    emitted = "" if carbon is None else f", {format_grams(carbon['total_g'])} CO2e"
    return [
        (
            "best validation accuracy",
            format_percent(summary["best_accuracy"]),
            f"found by {finders[0]}" if finders else "no result yet",
        ),
        (
            "energy spent",
            format_energy(total),
            f"of {format_energy(summary['budget_j'])}{emitted}",
        ),
        (
            f"least energy to {target}",
            format_energy(cheapest),
            f"by {by}" if by else "no run reached it",
        ),
        (
            "trials",
            f"{len(trials):,}",
            ", ".join(f"{count:,} {state}" for state, count in states.items()) or "none yet",
        ),
        (
            "time",
            format_duration(summary["workers"]["wall_s"]),
            f"workers: {format_value(summary['workers']['count'])}",
        ),
    ]


def _ranked(runs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the runs that found something, the most accurate first."""
    found = [
        run for run in runs if run["incumbent"] and known(run["incumbent"]["accuracy"]) is not None
    ]
    return sorted(found, key=lambda run: run["incumbent"]["accuracy"], reverse=True)


def charts(
    trials: pd.DataFrame,
    summary: Mapping[str, Any],
    names: Sequence[str],
    slices: pd.DataFrame | None = None,
) -> dict[str, Chart]:
    """Return the figures of the page for these strategies, in their order."""

    def level(entry: Mapping[str, Any]) -> float:
        return (entry["equal_energy"] or {}).get("median") or 0.0

    ranked = sorted(summary["strategies"], key=level, reverse=True)
    leading = list(dict.fromkeys([*(entry["strategy"] for entry in ranked), *names]))
    shown = [
        pareto_chart(trials, names, leading),
        anytime_chart(
            trials if slices is None else slices,
            names,
            leading,
            known(summary["target_accuracy"]),
        ),
        phases_chart(trials, names),
    ]
    return {chart.name: chart for chart in shown}


def incumbents(
    curves: pd.DataFrame, summary: Mapping[str, Any], names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the best run of each strategy, with the learning curve of its incumbent."""
    best: dict[str, Mapping[str, Any]] = {}
    for run in _ranked(summary["runs"]):
        best.setdefault(run["strategy"], run)
    return [
        {**best[name], "curve": _sparkline(curves, best[name])} for name in names if name in best
    ]


def settings(description: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what a comparison was made with, by subject.

    Args:
        description: Of the comparison, or its summary.
    """
    experiment = dict(description.get("experiment", {}))
    experiment.pop("budget_j", None)  # it stands at the top of the page
    axes = experiment.pop("space", description.get("space", {}))
    subjects = {
        "Experiment": experiment,
        "Data": description.get("data", {}),
        "Search space": {name: _range(axis) for name, axis in axes.items()},
        "Machine": {**description.get("machine", {}), **description.get("runtime", {})},
        "Versions": description.get("versions", {}),
    }
    return {subject: facts for subject, facts in subjects.items() if facts}


def _range(axis: object) -> str:
    """Return one axis of the search space, such as ``"0.0001 to 0.3, logarithmic"``."""
    if not isinstance(axis, dict):
        return f"{format_value(axis)}, fixed"
    if "low" not in axis:
        return format_value(axis.get("choices", axis))
    text = f"{format_value(axis['low'])} to {format_value(axis.get('high'))}"
    return f"{text}, logarithmic" if axis.get("log") else text


def _sparkline(curves: pd.DataFrame, run: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the incumbent's accuracy by epoch as SVG points in a box of 100 by 24."""
    if curves.empty:
        return None
    own = curves[(curves["run"] == run["run"]) & (curves["trial"] == run["incumbent"]["trial"])]
    accuracy = own.sort_values("epoch")["accuracy"].dropna().to_numpy(dtype=float)
    if len(accuracy) < 2:
        return None
    span = float(accuracy.max() - accuracy.min()) or 1.0
    points = " ".join(
        f"{100.0 * i / (len(accuracy) - 1):.1f},{22.0 - 20.0 * (a - accuracy.min()) / span:.1f}"
        for i, a in enumerate(accuracy)
    )
    first, last = format_percent(accuracy[0]), format_percent(accuracy[-1])
    return {"points": points, "first": first, "last": last, "epochs": str(len(accuracy))}
