"""The contract of the trial table: which columns its files have, and what is in them.

Reports, statistics, importers, replay and audit read trial tables and nothing else. The contract is
long-lived and has a version. What is not known is null, never zero. Besides the columns below there
are hyperparameters, ``p.<name>``, and group columns (data set, machine), ``g.<name>``.
"""

from __future__ import annotations

from typing import NamedTuple

from ...energy.source import Kind
from ...models.outcome import State

VERSION = 1
LOWER_BOUND = "lower bound"
"""Kind of an energy of which only the last sign of life is known: a slice was lost."""
REPLAYED = "replayed"
"""Kind of virtual energy: recorded joules that nobody spent again."""
STATES = tuple(State)
KINDS = (*Kind, LOWER_BOUND, REPLAYED)
"""How joules may have become known; several kinds are joined by ``+``."""
COMPONENTS = ("cpu", "gpu", "dram", "node")


class Column(NamedTuple):
    """A column of the contract.

    Attributes:
        name: Its name.
        type: ``text``, ``number``, ``whole`` (a whole number) or ``time`` (a moment in UTC).
        meaning: What it says.
        unit: The unit of its values; empty if they have none.
        most: The largest value there can be; None where there is no such bound.
        least: The smallest value there can be; None where there is no such bound.
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    most: float | None = None
    least: float | None = 0.0


_RUN = Column("run", "text", "one strategy with one seed, spending one budget")
_STRATEGY = Column("strategy", "text", "what proposed the candidates")
_SEED = Column("seed", "whole", "the seed of the run", least=None)
_TRIAL = Column("trial", "whole", "number of the trial within its run, from 0")
_ACCURACY = Column(
    "accuracy", "number", "on validation data; candidates are chosen by it", "1", most=1.0
)
COLUMNS = (
    _RUN,
    _STRATEGY,
    _SEED,
    _TRIAL,
    Column("state", "text", f"how the trial ended: {', '.join(STATES)}"),
    _ACCURACY,
    Column("test_accuracy", "number", "on test data; only ever reported", "1", most=1.0),
    Column(
        "energy_j", "number", "gross energy of all phases of the trial, its search included", "J"
    ),
    Column("energy_train_j", "number", "of that, training", "J"),
    Column("energy_validate_j", "number", "of that, validating", "J"),
    Column("energy_setup_j", "number", "of that, building the network", "J"),
    Column("energy_search_j", "number", "of that, proposing the candidate", "J"),
    Column(
        "predicted_j", "number", "what the strategy predicted of energy_j, before the trial", "J"
    ),
    Column("energy_kind", "text", f"how it became known: {', '.join(KINDS)}"),
    Column("cpu_j", "number", "energy of the processor", "J"),
    Column("gpu_j", "number", "energy of the graphics cards", "J"),
    Column("dram_j", "number", "energy of the memory", "J"),
    Column("node_j", "number", "energy of the whole machine, which holds the others", "J"),
    Column("duration_s", "number", "wall time", "s"),
    Column("epochs", "whole", "whole epochs of training"),
    Column("n_parameters", "whole", "trainable parameters"),
    Column("flops", "whole", "operations of the forward pass of one sample"),
    Column("started_at", "time", "when the trial began", "UTC"),
    Column("message", "text", "what went wrong, or is odd"),
)
"""One row per trial, in order of completion within each run; slices have the same columns."""
CURVES = (
    _RUN,
    _TRIAL,
    Column("epoch", "whole", "whole epochs of training so far"),
    Column("energy_j", "number", "joules of the trial so far, without its search", "J"),
    _ACCURACY._replace(meaning="on validation data"),
    Column("loss", "number", "on validation data; may be negative", least=None),
)
"""One row per validated epoch."""
RUNS = (
    _RUN,
    _STRATEGY,
    _SEED,
    Column("allotment_j", "number", "joules that the run may spend", "J"),
    Column("unplaced_j", "number", "joules it spent on no trial: asks that gave no work", "J"),
    Column("end", "text", "why the run is over; null if it is not"),
    Column("message", "text", "more about that"),
)
"""One row per run, those without a trial included."""
TRIAL_COLUMNS = tuple(column.name for column in COLUMNS)
CURVE_COLUMNS = tuple(column.name for column in CURVES)
RUN_COLUMNS = tuple(column.name for column in RUNS)
REQUIRED = ("strategy", "energy_j", "accuracy")
"""What any tidy table must have to be read as a trial table."""
PANDAS_TYPES = {"text": "object", "number": "float64", "whole": "Int64"}
_UNITS = {column.name: column.unit for column in (*RUNS, *CURVES, *COLUMNS)}


def unit_of(name: str) -> str:
    """The unit of a column of any of these files; empty if it has none."""
    return _UNITS.get(name, "")
