"""The contract of the trial table: which columns its files have, and what is in them.

Reports, statistics, importers, replay and audit read trial tables and nothing else. The contract is
long-lived and has a version. What is not known is null, never zero. Besides the columns below there
are hyperparameters, ``p.<name>``, and group columns (data set, machine), ``g.<name>``. What a score
is, its name, direction and bounds, the table's description says under ``metric``.
"""

from __future__ import annotations

from typing import NamedTuple

from ...energy.source import Kind
from ...models.outcome import State

VERSION = 2
OLD_NAMES = {"accuracy": "score", "test_accuracy": "test_score"}
"""Columns of version 1, whose score is an accuracy, by what they are called here."""
LOWER_BOUND = "lower bound"  # of an energy known by the last sign of life: a slice was lost
REPLAYED = "replayed"  # kind of virtual energy: recorded joules that nobody spent again
STATES = tuple(State)
KINDS = (*Kind, LOWER_BOUND, REPLAYED)  # how joules became known; several are joined by +
COMPONENTS = ("cpu", "gpu", "dram", "node")


class Column(NamedTuple):
    """A column of the contract."""

    name: str
    type: str  # text, number, whole (a whole number) or time (a moment in UTC)
    meaning: str
    unit: str = ""
    least: float | None = 0.0  # the smallest value there can be; the metric says it of scores


def _joules(name: str, meaning: str) -> Column:
    return Column(name, "number", meaning, "J")


_RUN = Column("run", "text", "one strategy with one seed, spending one budget")
_STRATEGY = Column("strategy", "text", "what proposed the candidates")
_SEED = Column("seed", "whole", "the seed of the run", least=None)
_TRIAL = Column("trial", "whole", "number of the trial within its run, from 0")
_SCORE = Column(
    "score", "number", "the metric on validation data; candidates are chosen by it", least=None
)
COLUMNS = (  # one row per trial, in order of completion in a run; slices have the same columns
    _RUN,
    _STRATEGY,
    _SEED,
    _TRIAL,
    Column("state", "text", f"how the trial ended: {', '.join(STATES)}"),
    _SCORE,
    Column("test_score", "number", "the metric on test data; only ever reported", least=None),
    _joules("energy_j", "gross energy of all phases of the trial, its search included"),
    _joules("energy_train_j", "of that, training"),
    _joules("energy_validate_j", "of that, validating"),
    _joules("energy_setup_j", "of that, building the network"),
    _joules("energy_search_j", "of that, proposing the candidate"),
    _joules("predicted_j", "what the strategy predicted of energy_j, before the trial"),
    Column("energy_kind", "text", f"how it became known: {', '.join(KINDS)}"),
    _joules("cpu_j", "energy of the processor"),
    _joules("gpu_j", "energy of the graphics cards"),
    _joules("dram_j", "energy of the memory"),
    _joules("node_j", "energy of the whole machine, which holds the others"),
    Column("duration_s", "number", "wall time", "s"),
    Column("epochs", "whole", "whole epochs of training"),
    Column("n_parameters", "whole", "trainable parameters"),
    Column("flops", "whole", "operations of the forward pass of one sample"),
    Column("started_at", "time", "when the trial began", "UTC"),
    Column("trained_on", "text", "the machine that trained it, or several joined by +"),
    Column("message", "text", "what went wrong, or is odd"),
)
CURVES = (  # one row per validated epoch
    _RUN,
    _TRIAL,
    Column("epoch", "whole", "whole epochs of training so far"),
    _joules("energy_j", "joules of the trial so far, without its search"),
    _SCORE._replace(meaning="the metric on validation data"),
    Column("loss", "number", "on validation data; may be negative", least=None),
)
RUNS = (  # one row per run, those without a trial included
    _RUN,
    _STRATEGY,
    _SEED,
    _joules("allotment_j", "joules that the run may spend"),
    _joules("unplaced_j", "joules it spent on no trial: asks that gave no work"),
    Column("end", "text", "why the run is over; null if it is not"),
    Column(
        "message",
        "text",
        "more about that, such as why a strategy had no more work, or what did not fit the joules "
        "that were left",
    ),
)
TRIAL_COLUMNS = tuple(column.name for column in COLUMNS)
CURVE_COLUMNS = tuple(column.name for column in CURVES)
RUN_COLUMNS = tuple(column.name for column in RUNS)
REQUIRED = ("strategy", "energy_j", "score")  # what a tidy table must have to be read
PANDAS_TYPES = {
    "text": "object",
    "number": "float64",
    "whole": "Int64",
    "time": "datetime64[us, UTC]",
}
SCORES = tuple(OLD_NAMES.values())
UNITS = {column.name: column.unit for column in (*RUNS, *CURVES, *COLUMNS)}  # empty: none


def is_lower_bound(kind: object) -> bool:
    """Whether joules of this kind, of which several are joined by +, are a lower bound."""
    return LOWER_BOUND in str(kind).split("+")


def contract_name(name: str) -> str:
    """What a column is called in this version; a name that none had stays."""
    return OLD_NAMES.get(name, name)
