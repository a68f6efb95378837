"""The figures of a page with the words around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .attainment import thin
from .axes import trials_strategies
from .pareto import anytime_figure, attainment_figure, pareto_figure
from .phases import phases_figure, unmetered_phases
from .ranks import height_rem, ranks_figure
from .spread import spread_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import plotly.graph_objects as go

    from ...benchmarks.analysis.facts import Ranks
    from .palette import Look

MOST_SHOWN = 8
"""Strategies that a figure shows before its reader chooses others."""
MOST_DRAWN = 2_000
"""Trials that a scatter draws, fronts aside: more cannot be told apart, and slow a browser."""


@dataclass(frozen=True)
class Chart:
    """A figure with the words around it.

    Attributes:
        name: Its identifier on the page.
        title: Its heading.
        lead: What to look for, in a sentence.
        label: What a reader who cannot see it is told.
        figure: The figure itself.
        notes: What it leaves out.
        height_rem: Its height, where that follows from its rows; else 0.
        entries: Entries of its legend, which also need their place.
    """

    name: str
    title: str
    lead: str
    label: str
    figure: go.Figure
    notes: Sequence[str] = ()
    height_rem: float = 0.0
    entries: int = 0


def pareto_chart(
    trials: pd.DataFrame,
    names: Sequence[str],
    leading: Sequence[str],
    *,
    most: int = MOST_DRAWN,
    hover: bool = True,
    name: str = "pareto",
) -> Chart:
    """Return the scatter of all trials with the front of each strategy.

    Args:
        trials: The trial table.
        names: The strategies in the order that gives them their looks.
        leading: The same, the best first.
        most: Trials to draw, fronts aside.
        hover: Whether a trial tells about itself, if all of them are drawn.
        name: Its identifier on the page.
    """
    shown = leading[:MOST_SHOWN]
    drawn = thin(trials, most)
    notes = [*_energy_notes(trials), *_shown_note(trials, shown)]
    if len(drawn) < len(trials):
        notes.insert(
            0,
            f"Drawn: {len(drawn):,} of {len(trials):,} trials, all fronts and a random sample of "
            "the others.",
        )
    return Chart(
        name,
        "What a trial buys",
        "Each mark is one trial. The stepped line joins the trials of a strategy that no other of "
        "its trials beats at the same or lower energy: up and to the left is better.",
        "Scatter of validation accuracy against energy of every trial, with the Pareto front of "
        f"each strategy: {', '.join(names) or 'none'}.",
        pareto_figure(drawn, names, shown, hover=hover and len(drawn) == len(trials)),
        notes,
        entries=len(names),
    )


def anytime_chart(
    slices: pd.DataFrame,
    names: Sequence[str],
    leading: Sequence[str],
    target: float | None,
    *,
    name: str = "anytime",
) -> Chart:
    """Return the curves of the best accuracy so far.

    Args:
        slices: The trial table, or better what a run knew when.
        names: As for `pareto_chart`.
        leading: As for `pareto_chart`.
        target: The target accuracy, if there is one.
        name: Its identifier on the page.
    """
    shown = leading[:MOST_SHOWN]
    return Chart(
        name,
        "What a run has found by then",
        "Best validation accuracy so far against all joules the run has spent, the search's own "
        "included: the median of the runs, with a band around their middle half (four runs or "
        "fewer: all).",
        f"Lines of best validation accuracy so far against energy spent: "
        f"{', '.join(names) or 'none'}.",
        anytime_figure(slices, names, target, shown),
        _shown_note(slices, shown),
        entries=len(names),
    )


def attainment_chart(
    trials: pd.DataFrame,
    names: Sequence[str],
    leading: Sequence[str],
    *,
    name: str = "attainment",
) -> Chart:
    """Return the median attainment surfaces; the arguments are those of `pareto_chart`."""
    shown = leading[:MOST_SHOWN]
    return Chart(
        name,
        "What half of the runs attain",
        "A run attains a point if one of its trials is as accurate for no more joules. Below and "
        "to the right of a line lies what at least half of a strategy's runs attain.",
        f"Median attainment surfaces in energy and accuracy of a trial: {', '.join(names)}.",
        attainment_figure(trials, names, shown),
        _shown_note(trials, shown),
        entries=len(names),
    )


def phases_chart(trials: pd.DataFrame, names: Sequence[str], *, name: str = "phases") -> Chart:
    """Return the bars of energy by phase, of these strategies in their order."""
    absent: dict[str, list[str]] = {}
    for strategy, phases in unmetered_phases(trials).items():
        for phase in phases:
            absent.setdefault(phase, []).append(strategy)
    return Chart(
        name,
        "Where the joules went",
        "Mean energy of a run by phase: learning, checking on validation data, building and "
        "loading, and choosing the next candidate.",
        f"Stacked bars of energy per run by phase: {', '.join(names) or 'none'}.",
        phases_figure(trials, names),
        [f"Not metered: {phase} ({', '.join(of)})." for phase, of in absent.items()],
        height_rem=9.0 + 3.4 * max(len(names), 1),
    )


def spread_chart(trials: pd.DataFrame, names: Sequence[str], *, name: str = "spread") -> Chart:
    """Return the distribution of the trials' energies, of these strategies in their order."""
    seen = [strategy for strategy in names if (trials["strategy"] == strategy).any()]
    return Chart(
        name,
        "What a trial costs",
        "Each dot is one trial. The box holds the middle half of a strategy's trials, its line is "
        "their median, and the whiskers leave out a twentieth at either end.",
        f"Dots and boxes of the energy of the trials: {', '.join(seen) or 'none'}.",
        spread_figure(trials, names),
        _energy_notes(trials),
        height_rem=8.0 + 2.8 * max(len(seen), 1),
    )


def ranks_chart(ranks: Ranks, what: str, looks: Mapping[str, Look], *, name: str) -> Chart:
    """Return the critical-difference diagram of mean ranks.

    Args:
        ranks: Of an analysis, over its groups.
        what: What the strategies were ranked by.
        looks: The look of each strategy.
        name: Its identifier on the page.
    """
    listed = ", ".join(f"{strategy} {rank:.2f}" for strategy, rank in ranks.strategies.items())
    return Chart(
        name,
        f"Mean ranks: {what}",
        "In each group the strategies are ranked, 1 being the best. A grey bar joins those whose "
        "mean ranks differ by less than the critical difference (CD), so that these groups cannot "
        "tell them apart.",
        f"Mean ranks by {what}: {listed}.",
        ranks_figure(ranks, looks),
        [ranks.reason],
        height_rem=height_rem(ranks),
    )


def _energy_notes(trials: pd.DataFrame) -> list[str]:
    """Return a sentence for trials whose energy is not, or not wholly, known."""
    if trials.empty:
        return []
    notes = {
        "Not drawn, for want of an energy reading": trials["energy_j"].isna(),
        "Not drawn, for an energy of 0 J has no place on this axis": trials["energy_j"] == 0,
        "Lost before their end, so that their energy is a lower bound": trials["energy_kind"]
        == "lower bound",
    }
    total = f"{len(trials):,} trials"
    return [f"{what}: {which.sum():,} of {total}." for what, which in notes.items() if which.any()]


def _shown_note(trials: pd.DataFrame, shown: Sequence[str]) -> list[str]:
    """Return how to see the strategies that are not shown at first."""
    if set(trials_strategies(trials)) <= set(shown):
        return []
    return [
        f"Shown at first: the {len(shown)} strategies that lead at equal energy. A click on a name "
        "adds it or takes it away, a double click leaves it alone."
    ]
