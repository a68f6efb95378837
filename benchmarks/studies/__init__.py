"""The studies of the field, each one command: repeated here, and set beside what they published."""

from .cells import factorial, of_cells
from .design import Design, Options, Part, Study
from .facts import Axis, Claim, Findings, Heat, Mark, Plot, Quantity, Series, Sheet

__all__ = [
    "Axis",
    "Claim",
    "Design",
    "Findings",
    "Heat",
    "Mark",
    "Options",
    "Part",
    "Plot",
    "Quantity",
    "Series",
    "Sheet",
    "Study",
    "factorial",
    "of_cells",
]
