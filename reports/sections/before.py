"""Another analysis beside this one: before and after."""

from __future__ import annotations

from typing import Any

from .section import Section
from .whole import Whole


def before_section(whole: Whole) -> Section | None:
    """Offer to compare the page with another analysis, where strategies are compared."""
    if not _is_offered(whole):
        return None
    return Section(
        "before",
        "Before and after",
        "Drop the analysis of another comparison anywhere on the page, or choose its file: what "
        "perjoule report --json wrote, or the summary.json of a run folder. It is read here and "
        "goes nowhere.",
        template="before",
    )


def told_analysis(whole: Whole) -> dict[str, Any] | None:
    """Return the page's own analysis as its scripts read it, without the tests of all pairs.

    None where there is nothing to compare.
    """
    if not _is_offered(whole):
        return None
    told = whole.analysis.to_dict()
    for group in told["groups"]:
        del group["tests"]
    return told


def _is_offered(whole: Whole) -> bool:
    return whole.searched and whole.compared
