"""What a study is: a frozen design, a training function, and an analysis that names its claims.

A study of one's own is one file:

    from perjoule.benchmarks.studies import Claim, Design, Findings, Part, Quantity, Study, of_cells

    @of_cells
    def train(trial):                      # the seam of `models.trial`, with a cell's factors
        ...

    def design(options):
        widths = (8, 32) if options.quick else (8, 16, 32, 64)
        cells = tuple({"width": width} for width in widths)
        return Design((Part("widths", cells, objective=f"{__name__}:train", repetitions=5),))

    def analyse(table):                    # the trial table: one row a trial, factors as p.…
        ...
        return Findings((Claim("Twice the width …", Quantity(2.0), Quantity(1.7), True, "…"),))

    STUDY = Study("widths", "Does width pay?", "Me, 2026", design, analyse)

and runs by ``perjoule study mine:STUDY``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..tables.table import Table
    from .facts import Findings

Factors = Mapping[str, Any]  # plain values by the name of the factor


@dataclass(frozen=True)
class Options:
    """What may be asked of a study; None leaves it to its design."""

    quick: bool = False  # minutes on two cores instead of the paper's whole design
    dataset: str | None = None
    repetitions: int | None = None
    meter: str = "auto"
    device: str | None = None
    workers: int | None = None
    carbon: str | None = None


@dataclass(frozen=True)
class Part:
    """Trials that are run together: cells, each so often, or a search.

    Cells go through a training function, ``objective``. Each repetition is a run that has every
    cell once, in a seeded order of its own, and repetitions take turns: what drifts falls on all
    cells alike. A search has no cells, and all that it is in ``experiment``.
    """

    name: str  # the name of its folder
    cells: tuple[Factors, ...] = ()
    objective: str | None = None  # ``module:function``, made by `cells.of_cells`
    repetitions: int = 5
    epochs: int = 1  # that a trial may have
    metric: str = "accuracy"
    experiment: Mapping[str, Any] = field(default_factory=dict)  # fields of it, laid over
    # How often a trial of a cell asks whether to stop; None: a whole epoch is tried to foresee it.
    steps: Callable[[Factors], int] | None = None
    workers: int | None = 1  # trials at a time; None takes as many as cores
    groups: Factors = field(default_factory=dict)  # what all its trials have in common
    # What strategies of a search that are written as a call are called in tables.
    labels: Mapping[str, str] = field(default_factory=dict)
    scored: bool = True  # whether scores mean anything; else the table has none of it


@dataclass(frozen=True)
class Design:
    """What a study runs, and how its trials become one table."""

    parts: tuple[Part, ...]
    strategy: tuple[str, ...] = ()  # factors that name what is compared; empty: all that vary
    by: tuple[str, ...] = ()  # factors or groups within which is compared
    fixed: Factors = field(default_factory=dict)  # what is the same in all trials, for readers
    notes: tuple[str, ...] = ()  # where the design departs from the paper's


@dataclass(frozen=True)
class Study:
    """A study of the field, which can be run here.

    Attributes:
        name: On the command line.
        question: What it asks, in a sentence.
        paper: What it repeats: authors, where, when.
        design: Makes its design.
        analyse: Names its claims of a trial table, its own or a recorded one.
        quick_cost: What ``--quick`` takes on two cores, in words.
        full_cost: What the whole design takes, in words.
        link: Where the paper is.
        after: Called with the trial table once all trials of a study were run here; keeps what is
            to be used elsewhere, and says so in a sentence.
    """

    name: str
    question: str
    paper: str
    design: Callable[[Options], Design]
    analyse: Callable[[Table], Findings]
    quick_cost: str = "minutes"
    full_cost: str = "hours"
    link: str = ""
    after: Callable[[Table], str | None] | None = None
