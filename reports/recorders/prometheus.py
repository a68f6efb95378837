"""How a comparison stands, as a file for the textfile collector of Prometheus' node exporter.

Joules of a run are told by their kind, each a series of its own; unknown ones are NaN. The file is
always whole. Its numbers are gauges, since unknown joules may make them undefined.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...benchmarks.comparison.recorder import Recorder
from ...errors import OutputError
from ...files.writing import write_whole

if TYPE_CHECKING:
    from ...benchmarks.comparison.recorder import Begun, Finished, Present, RunState

ENDING = ".prom"


def make(where: str | None) -> Recorder:
    """The recorder that writes a file."""
    assert where is not None
    return PrometheusFile(Path(where).absolute())


class Sample(NamedTuple):
    """One number, with what it is of."""

    labels: Mapping[str, str]
    value: float | None  # None: unknown


class Family(NamedTuple):
    """The samples of a name."""

    name: str
    meaning: str
    samples: Iterable[Sample]
    kind: str = "gauge"


class PrometheusFile(Recorder):
    """Writes the present state over the last one."""

    name = "prometheus"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._present: Present | None = None

    def check(self) -> None:
        """See that the collector would read the file, and that it can be written.

        Raises:
            OutputError: It would not, or it cannot.
        """
        if self._path.suffix != ENDING:
            raise OutputError(f"record prometheus: {self._path} must end in {ENDING}")
        if not os.access(self._path.parent, os.W_OK | os.X_OK) or self._path.is_dir():
            raise OutputError(
                f"record prometheus: cannot write {self._path}; give a folder that exists and can "
                "be written"
            )

    def begin(self, comparison: Begun) -> None:
        """Keep what the numbers are of."""
        self._begun = comparison

    def standing(self, present: Present) -> None:
        """Write how it stands."""
        self._present = present
        self._write(present, going=True)

    def finish(self, finished: Finished) -> None:
        """Write that nobody works on it any more."""
        del finished
        if self._present is not None:
            self._write(self._present, going=False)

    def look(self) -> str:
        """Where the file is."""
        return f"Prometheus: {self._path}"

    def _write(self, present: Present, *, going: bool) -> None:
        text = exposition(_families(self._begun, present, going=going))
        write_whole(self._path, lambda part: _write_readable(part, text))


def exposition(families: Iterable[Family]) -> str:
    """Families of samples in Prometheus' text format."""
    return "".join(line for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.meaning}\n"
    yield f"# TYPE {family.name} {family.kind}\n"
    for labels, value in family.samples:
        told = ",".join(f'{name}="{_escaped(each)}"' for name, each in labels.items())
        yield f"{family.name}{{{told}}} {_number(value)}\n"


def _families(begun: Begun, present: Present, *, going: bool) -> Iterator[Family]:
    whole = {"comparison": begun.name}
    runs = [(each, {**whole, **_labels(each)}) for each in present.runs]

    def one(value: float | None) -> list[Sample]:
        return [] if value is None else [Sample(whole, value)]

    yield Family(
        "perjoule_energy_joules",
        "Joules charged to a run, searching included, by how they became known.",
        [
            Sample({**labels, "kind": kind}, energy_j)
            for each, labels in runs
            for kind, energy_j in each.spent_j.items()
        ],
    )
    yield Family(
        "perjoule_inflight_energy_joules",
        "Joules of trainings in flight, which are charged to their run when they end.",
        [Sample(labels, each.inflight_j) for each, labels in runs] if going else [],
    )
    metric = {"metric": begun.metric.name, "direction": begun.metric.direction}
    yield Family(
        "perjoule_best_score",
        "Best score of a run on validation data.",
        [
            Sample({**labels, **metric}, each.incumbent)
            for each, labels in runs
            if each.incumbent is not None
        ],
    )
    yield Family(
        "perjoule_trials_total",
        "Trials that will not go on, by how they ended.",
        [
            Sample({**labels, "state": state}, n)
            for each, labels in runs
            for state, n in each.ended.items()
        ],
        "counter",
    )
    yield Family(
        "perjoule_run_over",
        "Whether a run is over.",
        [Sample(labels, each.is_over) for each, labels in runs],
    )
    yield Family(
        "perjoule_budget_joules",
        "Joules that all runs may spend; absent where that is unlimited.",
        one(begun.budget_j),
    )
    yield Family(
        "perjoule_allotment_joules",
        "Joules that each run may spend; absent where that is unlimited.",
        one(begun.allotment_j),
    )
    yield Family("perjoule_workers", "Trainings at a time.", one(present.workers if going else 0))
    yield Family(
        "perjoule_workers_busy",
        "Workers that train or search.",
        one(present.busy if going else 0),
    )
    yield Family("perjoule_running", "Whether somebody works on it.", one(going))
    yield Family(
        "perjoule_last_update_timestamp_seconds", "When this was written.", one(present.at)
    )


def _labels(run: RunState) -> dict[str, str]:
    return {"strategy": run.run.strategy, "run": run.run.name}


def _number(value: float | None) -> str:
    value = math.nan if value is None else float(value)
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _write_readable(part: Path, text: str) -> None:
    """Write a file that the collector, which is another user, may read."""
    part.write_text(text, encoding="utf-8")
    part.chmod(0o644)
