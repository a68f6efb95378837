"""The best candidate of each strategy."""

from __future__ import annotations

from .. import content
from .section import Section, Subject


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
        content={"incumbents": found, "refit": content.refit(subject.table)},
    )
