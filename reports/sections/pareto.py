"""What a trial buys: every trial, and the fronts."""

from __future__ import annotations

from ..figures.attainment import attainment_chart
from ..figures.pareto import pareto_chart
from .section import Section, Subject


def pareto_section(subject: Subject) -> Section | None:
    """Show every trial with the fronts; of several runs also what half of them attain."""
    if not subject.is_scored:
        return None
    charts = {"Trials": pareto_chart(subject.trials, subject.drawing)}
    if subject.scored_slices.drop_duplicates("run")["strategy"].duplicated().any():
        charts["Attainment over seeds"] = attainment_chart(subject.trials, subject.drawing)
    return Section(
        f"pareto-{subject.number}-section",
        "Pareto front",
        charts=list(charts.values()),
        switch=list(charts) if len(charts) > 1 else (),
    )
