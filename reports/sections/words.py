"""How to read the page: what its words mean."""

from __future__ import annotations

from ...benchmarks.analysis import wording
from .section import Section
from .whole import Whole


def words_section(whole: Whole) -> Section:
    """Explain the words and the formulas of the page."""
    groups = whole.analysis.groups
    basis = wording.basis(groups[0]) if len(groups) == 1 else ""
    return Section(
        "words",
        "How to read this",
        template="words",
        content={"basis": basis, "groups": len(groups)},
    )
