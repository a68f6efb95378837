"""Figures by name: what `perjoule.figures` offers, and `perjoule figures --only`.

The sections of the page draw them, so that the page, the command and Python users have the same.
A figure that a section gained needs one more line of `FIGURES`: its name (that of the chart without
the number of the group, ``"per-joule"``), what it shows, what it needs, and the section.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from .figures.spread import spread_chart
from .sections.anytime import anytime_section
from .sections.joules import joules_section
from .sections.mattered import mattered_section
from .sections.pareto import pareto_section
from .sections.per_joule import per_joule_section
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


def draw(name: str, subject: Subject) -> Chart | None:
    """Draw a figure of a group; None where there is not what it needs."""
    figure = FIGURES[name]
    section = figure.section(subject)
    for chart in section.charts if section is not None else ():
        if chart.name == f"{name}-{subject.number}":
            return chart
    return figure.otherwise and figure.otherwise(subject)
