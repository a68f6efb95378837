"""The studies of the field, each one command: repeated here, and set beside what they published."""

from .cells import factorial, of_cells
from .comparing import paired_ratio
from .design import Design, Options, Part, Study
from .facts import Axis, Claim, Findings, Heat, Mark, Plot, Quantity, Series, Sheet
from .tables import complete
from .training import load_once, train_network

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
    "complete",
    "factorial",
    "load_once",
    "of_cells",
    "paired_ratio",
    "train_network",
]
