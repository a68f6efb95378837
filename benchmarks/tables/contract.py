"""The contract of the trial table: which columns its files have, and what is in them.

Reports, statistics, importers, replay and audit read trial tables and nothing else. The contract is
long-lived and has a version. `COLUMNS` are those of the trials, one row per trial in order of
completion within each run, and of their slices; hyperparameters are ``p.<name>``, group columns
(data set, machine) ``g.<name>``. `CURVES` are those of the learning curves, one row per validated
epoch; `RUNS` those of the runs, one row each. What is not known is null, never zero.
"""

from __future__ import annotations

from typing import NamedTuple

from ...energy.source import Kind
from ...models.outcome import State

VERSION = 1
LOWER_BOUND = "lower bound"
"""What is said of energy where a slice was lost, and only its last sign of life is known."""
REPLAYED = "replayed"
"""What is said of virtual energy: recorded joules that nobody spent again."""
STATES = tuple(State)
KINDS = (*Kind, LOWER_BOUND, REPLAYED)
"""How joules may have become known; several kinds are joined by ``+``."""
COMPONENTS = ("cpu", "gpu", "dram", "node")


class Column(NamedTuple):
    """A column of the contract.

    Attributes:
        name: Its name.
        type: ``text``, ``number``, ``whole`` (a whole number) or ``time`` (a moment in UTC).
        unit: The unit of its values; empty if they have none.
        most: The largest value there can be; None where there is no such bound.
        meaning: What it says.
        least: The smallest value there can be; None where there is no such bound.
    """

    name: str
    type: str
    unit: str
    most: float | None
    meaning: str
    least: float | None = 0.0


def _text(name: str, meaning: str) -> Column:
    return Column(name, "text", "", None, meaning)


def _whole(name: str, meaning: str) -> Column:
    return Column(name, "whole", "", None, meaning)


def _joules(name: str, meaning: str) -> Column:
    return Column(name, "number", "J", None, meaning)


_RUN = _text("run", "one strategy with one seed, spending one budget")
_STRATEGY = _text("strategy", "what proposed the candidates")
_SEED = _whole("seed", "the seed of the run")._replace(least=None)
_TRIAL = _whole("trial", "number of the trial within its run, from 0")
_ACCURACY = Column(
    "accuracy", "number", "1", 1.0, "on validation data; candidates are chosen by it"
)

COLUMNS = (
    _RUN,
    _STRATEGY,
    _SEED,
    _TRIAL,
    _text("state", f"how the trial ended: {', '.join(STATES)}"),
    _ACCURACY,
    Column("test_accuracy", "number", "1", 1.0, "on test data; only ever reported"),
    _joules("energy_j", "gross energy of all phases of the trial, its search included"),
    _joules("energy_train_j", "of that, training"),
    _joules("energy_validate_j", "of that, validating"),
    _joules("energy_setup_j", "of that, building the network"),
    _joules("energy_search_j", "of that, proposing the candidate"),
    _joules("predicted_j", "what the strategy predicted of energy_j, before the trial"),
    _text("energy_kind", f"how it became known: {', '.join(KINDS)}"),
    _joules("cpu_j", "energy of the processor"),
    _joules("gpu_j", "energy of the graphics cards"),
    _joules("dram_j", "energy of the memory"),
    _joules("node_j", "energy of the whole machine, which holds the others"),
    Column("duration_s", "number", "s", None, "wall time"),
    _whole("epochs", "whole epochs of training"),
    _whole("n_parameters", "trainable parameters"),
    _whole("flops", "operations of the forward pass of one sample"),
    Column("started_at", "time", "UTC", None, "when the trial began"),
    _text("message", "what went wrong, or is odd"),
)
TRIAL_COLUMNS = tuple(column.name for column in COLUMNS)
CURVES = (
    _RUN,
    _TRIAL,
    _whole("epoch", "whole epochs of training so far"),
    _joules("energy_j", "joules of the trial so far, without its search"),
    _ACCURACY._replace(meaning="on validation data"),
    Column("loss", "number", "", None, "on validation data; may be negative", least=None),
)
CURVE_COLUMNS = tuple(column.name for column in CURVES)
RUNS = (
    _RUN,
    _STRATEGY,
    _SEED,
    _joules("allotment_j", "joules that the run may spend"),
    _joules("unplaced_j", "joules it spent on no trial: asks that gave no work"),
    _text("end", "why the run is over; null if it is not"),
    _text("message", "more about that"),
)
RUN_COLUMNS = tuple(column.name for column in RUNS)
REQUIRED = ("strategy", "energy_j", "accuracy")
"""What any tidy table must have to be read as a trial table."""
PANDAS_TYPES = {"text": "object", "number": "float64", "whole": "Int64"}
_UNITS = {column.name: column.unit for column in (*RUNS, *CURVES, *COLUMNS)}


def unit_of(name: str) -> str:
    """The unit of a column of any of these files; empty if it has none."""
    return _UNITS.get(name, "")
