"""Figures by name: what `perjoule.figures` offers, and `perjoule figures --only`.

The sections of the page draw them, so that the page, the command and Python users have the same.
A figure that a section gained needs one more line of `FIGURES`: its name (that of the chart without
the number of the group, ``"per-joule"``), what it shows, what it needs, and the section.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from .figures.spread import spread_chart
from .sections.anytime import anytime_section
from .sections.joules import joules_section
from .sections.mattered import mattered_section
from .sections.pareto import pareto_section
from .sections.per_joule import per_joule_section
from .sections.statistics import statistics_section
from .sections.stopping import stopping_section
from .sections.targets import targets_section

if TYPE_CHECKING:
    from .figures.chart import Chart
    from .sections.section import Section, Subject

RUNS_GO_ON = "runs of several trials with results"
TARGETS = "runs with results"
SETTINGS = "hyperparameters, and trials enough to tell them apart"
CURVES = "learning curves of complete trials"


class Figure(NamedTuple):
    """A figure of a group of trials."""

    summary: str  # what it shows, in a sentence
    needs: str  # what there must be
    section: Callable[[Subject], Section | None]  # that of the page which draws it
    otherwise: Callable[[Subject], Chart] | None = None  # where the page does not show it


FIGURES: Mapping[str, Figure] = {
    "pareto": Figure(
        "Score against energy of every trial, with the Pareto front of each strategy.",
        "trials with scores and joules",
        pareto_section,
    ),
    "attainment": Figure(
        "The median attainment surface of each strategy: what half of its runs attain.",
        "several runs of a strategy with results",
        pareto_section,
    ),
    "anytime": Figure(
        "The best score so far against the joules a run has spent: median and middle half.",
        RUNS_GO_ON,
        anytime_section,
    ),
    "anytime-seconds": Figure(
        "The best score so far against the seconds a run has taken.", RUNS_GO_ON, anytime_section
    ),
    "anytime-gCO2e": Figure(
        "The best score so far against the grams of CO2e a run has emitted.",
        "an experiment that names a place",
        anytime_section,
    ),
    "survival": Figure(
        "The share of runs still short of the target against joules.", TARGETS, targets_section
    ),
    "ecdf": Figure(
        "The share of pairs of run and target that are reached, against joules.",
        TARGETS,
        targets_section,
    ),
    "per-joule": Figure(
        "Accuracy per joule of the trials above a floor.",
        "a metric that is a share, and trials above chance",
        per_joule_section,
    ),
    "waterfall": Figure(
        "Where all joules of the runs went: search, setup, training, validation, and waste.",
        "joules that went to more than one place",
        joules_section,
    ),
    "components": Figure(
        "What each component took, measured and modelled apart.",
        "joules of several components",
        joules_section,
    ),
    "spread": Figure(
        "How the energy of trials is spread, strategy by strategy.",
        "trials with joules",
        joules_section,
        lambda subject: spread_chart(subject.trials, subject.drawing),
    ),
    "phases": Figure(
        "Where the joules of a run went: training, validation, setup and search.",
        "joules that are split by phase",
        joules_section,
    ),
    "standing": Figure(
        "The rank of each strategy's median run against joules.",
        "runs of several strategies with results",
        statistics_section,
    ),
    "importance": Figure(
        "Which hyperparameters mattered for the score, and which for the joules.",
        SETTINGS,
        mattered_section,
    ),
    "ablation": Figure(
        "From the default to the best candidate, one hyperparameter after the other.",
        SETTINGS,
        mattered_section,
    ),
    "learning": Figure("Learning curves of trials against their joules.", CURVES, stopping_section),
    "agreement": Figure(
        "How the scores of an epoch order trials as their last ones do.", CURVES, stopping_section
    ),
}


def draw(name: str, subject: Subject) -> dict[str, Chart]:
    """Draw a figure of a group, by name; there may be one for each kind of energy, or none.

    Those of several have a number more: ``"waterfall-0"``, ``"waterfall-1"``.
    """
    figure = FIGURES[name]
    section = figure.section(subject)
    drawn = {plain_name(chart, subject): chart for chart in (section.charts if section else ())}
    found = {kind: chart for kind, chart in drawn.items() if is_called(kind, name)}
    if not found and figure.otherwise is not None:
        return {name: figure.otherwise(subject)}
    return found


def is_called(kind: str, name: str) -> bool:
    """Whether a figure is the one of a name, or one of several.

    >>> is_called("waterfall-1", "waterfall"), is_called("anytime-seconds", "anytime")
    (True, False)
    """
    return re.fullmatch(rf"{re.escape(name)}(-\d+)?", kind) is not None


def plain_name(chart: Chart, subject: Subject) -> str:
    """The name of a chart of the page without the number of its group."""
    return re.sub(rf"-{subject.number}(?=-|$)", "", chart.name, count=1)
