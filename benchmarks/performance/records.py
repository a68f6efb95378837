"""Runs of the strategies' benchmark on file, so that they are scored again without being rerun.

A file is JSON lines, compressed if its name ends with ``.gz``: a line of facts for each task (see
`tasks.TaskFacts`), and a line for each run. A run is kept by the improvements of its incumbent, so
that it takes some hundred bytes. Runs are appended as they end; `Recorder.close` puts them in
order. A last line that was cut off by a kill is passed over.

    {"task": "lcbench/126026", "family": "lcbench", "budget_j": 1.5e6, "fingerprint": "5b…", …}
    {"run": "lcbench/126026", "strategy": "asha", "seed": 0, "joules": [310.2, …], …}
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

from perjoule.benchmarks.performance.tasks import TaskFacts
from perjoule.benchmarks.replay.simulation import Simulation, Slice
from perjoule.benchmarks.tables.facts import Fact
from perjoule.errors import DataError, PerjouleError
from perjoule.files.writing import write_whole
from perjoule.models.metric import Metric
from perjoule.models.outcome import RESULTS, State
from perjoule.plain import read_json

_JOULE_DIGITS, _SCORE_DIGITS = 6, 7
_ENDED = frozenset({State.COMPLETE, State.PAUSED})
"""States of slices that reached the end that they were forecast for."""


@dataclass(frozen=True)
class Forecasts(Fact):
    """How often the score at the end of a slice lay in the 80 % interval that was forecast."""

    n: int = 0  # forecasts of slices that reached their end with a score
    below: int = 0  # scores below the interval
    above: int = 0  # scores above it

    def __add__(self, other: Forecasts) -> Forecasts:
        return Forecasts(self.n + other.n, self.below + other.below, self.above + other.above)

    @property
    def coverage(self) -> float:
        """The share inside; NaN where nothing was forecast."""
        return 1 - (self.below + self.above) / self.n if self.n else math.nan


@dataclass(frozen=True)
class RunRecord(Fact):
    """What is kept of a run.

    Attributes:
        run: Name of the task.
        strategy: Its name.
        version: What ran: our version and a hash of our strategies, or package and version.
        seed: Its seed.
        trials: Its budget in average trainings.
        watts: Of a core, by which its asks and tells were charged; 0 if they were free.
        fidelity: What rungs were made of.
        joules: What it had spent at each improvement of its incumbent.
        scores: The incumbent's scores, in the metric's unit.
        spent_j: Joules that it spent in all.
        trained_j: Those of them without search.
        search_s: CPU-seconds of its asks and tells.
        slices: Their number.
        forecasts: By the least power of 2 of the epochs at the slice's end: ``"4"`` is 4 to 7.
        error: How its strategy failed; empty if it did not.
    """

    run: str
    strategy: str
    version: str
    seed: int
    trials: float
    watts: float
    fidelity: str
    joules: tuple[float, ...]
    scores: tuple[float, ...]
    spent_j: float
    trained_j: float
    search_s: float
    slices: int
    forecasts: Mapping[str, Forecasts] = field(default_factory=dict)
    error: str = ""

    def __post_init__(self) -> None:
        """Check what types do not tell: ValueError."""
        if len(self.joules) != len(self.scores):
            raise ValueError(f"{len(self.joules)} joules for {len(self.scores)} scores")
        if not all(math.isfinite(each) for each in (*self.joules, *self.scores, self.spent_j)):
            raise ValueError("joules and scores are to be finite")
        if not all(first.isdecimal() for first in self.forecasts):
            raise ValueError("forecasts are to be by epochs")

    @property
    def key(self) -> tuple[Any, ...]:
        """What no two runs have in common."""
        return self.run, self.strategy, self.seed, self.trials, self.watts, self.fidelity


def record_of(found: Simulation, metric: Metric, of: RunRecord) -> RunRecord:
    """What is kept of a simulated run, with what is known of it before.

    ``of`` gives the names, the seed and the terms.
    """
    improvements: list[tuple[float, float]] = []
    forecasts: dict[str, Forecasts] = {}
    best: float | None = None
    for slice_ in found.slices:
        counts = slice_.state in RESULTS and not math.isnan(slice_.score)
        if counts and metric.improves(slice_.score, best):
            best = slice_.score
            improvements.append(
                (_round(slice_.spent_j, _JOULE_DIGITS), _round(best, _SCORE_DIGITS))
            )
        if judged := _judge(slice_, metric):
            first = str(1 << (slice_.epochs.bit_length() - 1))
            forecasts[first] = forecasts.get(first, Forecasts()) + judged
    search_s = sum(slice_.search_s for slice_ in found.slices)
    spent_j = found.slices[-1].spent_j if found.slices else 0.0
    trained_j = sum(slice_.energy_j - slice_.search_j for slice_ in found.slices)
    return replace(
        of,
        joules=tuple(joules for joules, _ in improvements),
        scores=tuple(score for _, score in improvements),
        spent_j=_round(spent_j, _JOULE_DIGITS),
        trained_j=_round(trained_j, _JOULE_DIGITS),
        search_s=_round(search_s, 4),
        slices=len(found.slices),
        forecasts=dict(sorted(forecasts.items(), key=lambda item: int(item[0]))),
        error=found.error[:300],
    )


def _judge(slice_: Slice, metric: Metric) -> Forecasts | None:
    """Where the true score lay; None if nothing was forecast or the slice did not reach its end."""
    forecast = slice_.predicted_score
    if forecast is None or slice_.state not in _ENDED or math.isnan(slice_.score):
        return None
    score = metric.oriented(slice_.score)
    return Forecasts(1, int(score < forecast.low), int(score > forecast.high))


def _round(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


class Records:
    """The tasks and runs of some files."""

    def __init__(self) -> None:
        self.tasks: dict[tuple[str, float], TaskFacts] = {}  # by name and trials
        self.paths: dict[tuple[str, float], Path] = {}  # where each was read first
        self.runs: dict[tuple[Any, ...], RunRecord] = {}  # by key

    def read(self, path: Path) -> Records:
        """Add what a file holds.

        Raises:
            DataError: It cannot be read, or a line is none of these.
            StaleError: A task is another one than that of its name known so far.
        """
        lines = _lines(path)
        last = len(lines)
        for number, line in enumerate(lines, 1):
            try:
                data = read_json(line)
            except ValueError as error:
                if number == last and not line.endswith("\n"):
                    break  # cut off by a kill
                raise DataError(
                    f"{path}, line {number}: no JSON ({error}): is it a file of --record?"
                ) from error
            try:
                self._add(data, path)
            except DataError as error:
                raise DataError(
                    f"{path}, line {number}: neither a task nor a run of this benchmark "
                    f"({error}): record it anew"
                ) from error
        return self

    def _add(self, data: Any, path: Path) -> None:
        if isinstance(data, Mapping) and "task" in data:
            facts = TaskFacts.from_dict(data)
            key = facts.task, facts.trials
            self.paths.setdefault(key, path)
            check_same(self.tasks.setdefault(key, facts), facts, path)
            return
        run = RunRecord.from_dict(data)
        if (run.run, run.trials) not in self.tasks:
            raise DataError(f"no line before it tells of its task {run.run}")
        self.runs[run.key] = run


def check_same(here: TaskFacts, recorded: TaskFacts, path: Path) -> None:
    """Refuse runs that were recorded on another task of the same name.

    Raises:
        StaleError: Its fingerprint or the joules of a run differ.
    """
    if recorded.fingerprint != here.fingerprint:
        what = f"another table or surface ({recorded.fingerprint}, not {here.fingerprint})"
    elif not math.isclose(recorded.budget_j, here.budget_j, rel_tol=1e-6):
        what = f"runs of {recorded.budget_j:.6g} J, not {here.budget_j:.6g} J"
    else:
        return
    raise StaleError(
        f"{path}: its runs of {here.task} were recorded on {what}: record them anew, or leave out "
        "the file"
    )


class StaleError(PerjouleError):
    """Recorded runs are of another task than the one of this name."""


class Recorder:
    """A file that runs are added to as they end."""

    def __init__(self, path: Path, records: Records) -> None:
        """Write what is known so far, in place of what the file holds.

        Raises:
            OutputError: The file cannot be written.
        """
        self._path, self._records = path, records
        self._write()
        self._stream = _open(path, "a")

    def add(self, run: RunRecord) -> None:
        """Add a run of a task that was known when the file was opened."""
        self._records.runs[run.key] = run
        self._stream.write(_line(_run_data(run)))
        self._stream.flush()

    def close(self) -> None:
        """Put the file in order: its size is the least then."""
        self._stream.close()
        self._write()

    def _write(self) -> None:
        records = self._records
        lines = [_line(records.tasks[key].to_dict()) for key in sorted(records.tasks)]
        lines += [_line(_run_data(records.runs[key])) for key in sorted(records.runs)]

        def write(new: Path) -> None:
            with _open(new, "w", compressed=self._path.suffix == ".gz") as stream:
                stream.writelines(lines)

        write_whole(self._path, write)


def _run_data(run: RunRecord) -> dict[str, Any]:
    """A run in plain values, without what it has none of."""
    return {key: value for key, value in run.to_dict().items() if value not in ({}, "")}


def _line(data: Mapping[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False) + "\n"


def _open(path: Path, mode: str, *, compressed: bool | None = None) -> IO[str]:
    if path.suffix == ".gz" if compressed is None else compressed:
        return cast("IO[str]", gzip.open(path, f"{mode}t", encoding="utf-8"))
    return path.open(mode, encoding="utf-8")


def _lines(path: Path) -> list[str]:
    lines: list[str] = []
    try:
        with _open(path, "r") as stream:
            lines.extend(_until_torn(stream))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"cannot read {path}: {why}: name a file that --record wrote") from error
    return lines


def _until_torn(stream: Iterable[str]) -> Iterator[str]:
    """Lines up to where a compressed file was cut off."""
    try:
        yield from stream
    except EOFError:
        return
