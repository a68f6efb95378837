"""What the page says: everything on it that has to be worked out first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..energy.carbon import format_grams
from .figures import anytime_figure, pareto_figure, phases_figure, unmetered_phases
from .format import format_duration, format_energy, format_percent, format_value, known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import plotly.graph_objects as go

KINDS = {
    "measured": "A hardware counter, read at the edges of every trial.",
    "integrated": "Power samples of a sensor, summed over time.",
    "modelled": "An estimate from activity, not a meter: good for comparing like with like here, "
    "less so for absolute joules.",
    "apportioned": "A meter shared by several trials, split between them by CPU time.",
    "unavailable": "No reading. It is left out of every sum, not counted as zero.",
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


@dataclass(frozen=True)
class Chart:
    """A figure with the words around it.

    Attributes:
        name: Its identifier on the page.
        title: Its heading.
        lead: What to look for, in a sentence.
        label: What a reader who cannot see it is told.
        notes: What it leaves out.
        rows: Bars from top to bottom, for figures whose height follows from them; else 0.
        figure: The figure itself.
    """

    name: str
    title: str
    lead: str
    label: str
    notes: Sequence[str]
    rows: int
    figure: go.Figure


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
) -> list[Chart]:
    """Return the figures of the page for these strategies, in their order."""
    drawn = ", ".join(names) or "none"
    return [
        Chart(
            "pareto",
            "What a trial buys",
            "Each mark is one trial. The stepped line joins the trials of a strategy that no "
            "other of its trials beats at the same or lower energy: up and to the left is better.",
            f"Scatter of validation accuracy against energy of every trial, with the Pareto front "
            f"of each strategy: {drawn}.",
            _energy_notes(trials),
            0,
            pareto_figure(trials, names),
        ),
        Chart(
            "anytime",
            "What a run has found by then",
            "Best validation accuracy so far against all joules the run has spent, the search's "
            "own included: the median of the runs, with a band around their middle "
            "half (four runs or fewer: all).",
            f"Lines of best validation accuracy so far against energy spent: {drawn}.",
            [],
            0,
            anytime_figure(trials if slices is None else slices, summary),
        ),
        Chart(
            "phases",
            "Where the joules went",
            "Mean energy of a run by phase: learning, checking on validation data, building and "
            "loading, and choosing the next candidate.",
            f"Stacked bars of energy per run by phase: {drawn}.",
            _unmetered_notes(trials),
            max(len(names), 1),
            phases_figure(trials, names),
        ),
    ]


def _energy_notes(trials: pd.DataFrame) -> list[str]:
    """Return a sentence for trials whose energy is not, or not wholly, known."""
    if trials.empty:
        return []
    notes = {
        "Not drawn, for want of an energy reading": trials["energy_j"].isna(),
        "Lost before their end, so that their energy is a lower bound": trials["energy_kind"]
        == "lower bound",
    }
    total = f"{len(trials):,} trials"
    return [f"{what}: {which.sum():,} of {total}." for what, which in notes.items() if which.any()]


def _unmetered_notes(trials: pd.DataFrame) -> list[str]:
    """Return a sentence for each phase that was not metered, naming the strategies."""
    absent: dict[str, list[str]] = {}
    for name, phases in unmetered_phases(trials).items():
        for phase in phases:
            absent.setdefault(phase, []).append(name)
    return [f"Not metered: {phase} ({', '.join(names)})." for phase, names in absent.items()]


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


def settings(summary: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what the comparison was made with, by subject."""
    experiment = dict(summary["experiment"])
    experiment.pop("budget_j", None)  # it stands at the top of the page
    space = {name: _range(axis) for name, axis in experiment.pop("space", {}).items()}
    subjects = {
        "Experiment": experiment,
        "Data": summary.get("data", {}),
        "Search space": space,
        "Machine": {**summary["machine"], **summary.get("runtime", {})},
        "Versions": summary["versions"],
    }
    return {subject: facts for subject, facts in subjects.items() if facts}


def _range(axis: object) -> str:
    """Return one axis of the search space, such as ``"0.0001 to 0.3, logarithmic"``."""
    if not isinstance(axis, dict):
        return f"{format_value(axis)}, fixed"
    if "low" not in axis:
        return format_value(axis.get("choices", axis))
    text = f"{format_value(axis['low'])} to {format_value(axis['high'])}"
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
