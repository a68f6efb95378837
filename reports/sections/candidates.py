"""The best candidate of each strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import content
from .section import Section, Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...benchmarks.analysis.runs import RunFacts


def candidates_section(subject: Subject) -> Section | None:
    """Show the best run of each strategy with its hyperparameters, where there are any."""
    found = content.incumbents(subject.table, list(subject.drawing.looks))
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
            "refit": content.refit(subject.table),
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
