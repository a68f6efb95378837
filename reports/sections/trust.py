"""Where the numbers come from."""

from __future__ import annotations

from ...benchmarks.analysis.runs import emissions
from ...benchmarks.comparison.repeating import repeat
from .. import content, failures, metering, overviews
from .section import Section
from .whole import Whole


def trust_section(whole: Whole) -> Section:
    """Show how the joules became known, what read them, and what the page was made from."""
    table = whole.table
    what = ("strategy", "strategies") if whole.searched else ("cell", "cells")
    is_study = "study" in (table.description or {})
    return Section(
        "trust",
        "Where the numbers come from",
        "How the joules became known, what read them, and what this page was made from. Joules of "
        "different kinds are not added up.",
        template="trust",
        content={
            "energies": overviews.energies_grid(table, whole.names, what),
            "components": metering.components_grid(table),
            "uncovered": metering.uncovered(table),
            "failures": failures.reasons_grid(table.trials),
            "failed": failures.sentence(table.trials),
            "repeat": None if is_study else repeat(table, whole.analysis.target),
            "kind_meaning": content.kind_meanings(table),
            "scope_meaning": content.SCOPES,
            "meters": content.meters(table),
            "work": content.work(table),
            "carbon": emissions(table),
            "settings": content.settings(
                table, whole.analysis, compared=whole.compared or whole.searched
            ),
        },
    )
