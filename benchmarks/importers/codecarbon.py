"""``emissions.csv`` of CodeCarbon 1 to 3: one trial for each row, rows of a tracker differenced.

A tracker that writes several rows (``flush``, or ``stop`` after each of several trainings) never
resets its counters, so each row holds all that the rows before it hold. Such rows are a session;
its trials are the differences of neighbouring rows. The tracker decides which rows are a session:

- Rows with the same ``run_id`` are of one tracker, wherever in the file they stand. Where both its
  duration and its energy fall, it was reset, and a new session starts. Where only the duration
  falls, only its clock was started again, and its energies go on: ``start`` after ``stop`` and
  ``start_task`` do that (``emissions_tracker.py``, version 3.3).
- Rows with different ``run_id`` are of different trackers and never differenced, even if their
  durations happen to grow.
- Version 1 has no ``run_id``. There, a row goes on with the row before of its project if neither
  duration nor energy falls and ``timestamp`` less ``duration`` is the same moment to two seconds.
- Rows with a ``task_name`` (``emissions_<experiment>_<run>.csv``) are differences already.

A tracker is remembered until 100,000 others have written after it; should it still write then, its
trials would be numbered twice, which reading the table refuses.

A session is a run, ``project_name`` its strategy. kWh become joules, ``emissions`` is kept as
``p.emissions_kg``. ``timestamp`` is when a trial ended; it has no zone and is taken as UTC.

A component that is negative in a trial is impossible; one of 0 kWh was not read, if the row lists
its hardware. Either becomes null and is told in ``message``, and the recorded total, which is then
too small, is of the kind ``lower bound``. A total that is itself negative or 0 is null.

CodeCarbon does not say how its energies became known. Memory is always modelled. A processor is
modelled if its power is a round figure (a share of its TDP; a measured one has all its digits) and
the mean power of the trial agrees with it. A graphics card was read from its counter in versions
that do not write ``codecarbon_version``; later ones may have integrated its power. ``energy_kind``
is given where all of them are known, else null.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ...energy.quantities import JOULES_PER_UNIT
from ...energy.source import Kind
from ...models.outcome import State
from ..tables.contract import LOWER_BOUND
from .files import CsvFile, Line, labels
from .registry import ImportOptions
from .writing import Notes, Row, Trials

_NEEDED = ("timestamp", "project_name", "duration", "energy_consumed")
_COMPONENTS = {"cpu_energy": "cpu_j", "gpu_energy": "gpu_j", "ram_energy": "dram_j"}
_GROUPS = (
    "country_iso_code",
    "region",
    "cloud_provider",
    "cloud_region",
    "cpu_model",
    "gpu_model",
    "tracking_mode",
    "codecarbon_version",
)
_J_PER_KWH = JOULES_PER_UNIT["kWh"]
_LONGEST_S = 1e10
_FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
_MOST_TRACKERS = 100_000
_SAME_START_S = 2.0
_SAME_POWER = 0.01  # largest relative difference of a constant power and the mean of a trial


class _Amounts(NamedTuple):
    """What a row says, or the difference of two."""

    ended_at: datetime
    duration_s: float
    energy_kwh: float
    others: dict[str, float | None]  # kWh of components, kg of emissions; None in an empty cell

    @classmethod
    def of(cls, line: Line) -> _Amounts:
        ended_at, duration_s = line.moment("timestamp"), line.needed("duration")
        if ended_at is None:
            line.refuse("timestamp", "is empty: every row needs one")
        if not 0 <= duration_s < min(_LONGEST_S, (ended_at - _FIRST_MOMENT).total_seconds()):
            line.refuse("duration", "is no time in seconds")
        energy_kwh = line.needed("energy_consumed")
        others = {name: line.number(name) for name in (*_COMPONENTS, "emissions")}
        return cls(ended_at, duration_s, energy_kwh, others)

    @property
    def started_at(self) -> datetime:
        return self.ended_at - timedelta(seconds=self.duration_s)

    def since(self, before: _Amounts) -> _Amounts:
        """What was added since an earlier row of the same tracker."""
        goes_on = self.duration_s >= before.duration_s  # else its clock was started again
        pairs = ((name, now, before.others[name]) for name, now in self.others.items())
        return _Amounts(
            self.ended_at,
            self.duration_s - before.duration_s if goes_on else self.duration_s,
            self.energy_kwh - before.energy_kwh,
            {n: None if now is None or then is None else now - then for n, now, then in pairs},
        )


@dataclass(slots=True)
class _Session:
    """Rows of a tracker between two resets."""

    number: int  # among the sessions of the tracker, from 1
    latest: _Amounts  # what its latest row says
    n_rows: int = 0

    def goes_on_with(self, row: _Amounts, *, same_tracker: bool) -> bool:
        """Whether a row belongs to the session."""
        before = self.latest
        falls = (row.duration_s < before.duration_s, row.energy_kwh < before.energy_kwh)
        if same_tracker:
            return not all(falls)
        apart = row.started_at - before.started_at
        return not any(falls) and abs(apart.total_seconds()) <= _SAME_START_S


def trials(paths: Sequence[str], options: ImportOptions, notes: Notes) -> Trials:
    """The trials of the files."""
    files = [CsvFile(path, _NEEDED, "an emissions.csv of CodeCarbon") for path in paths]
    rows = (
        row
        for file, label in zip(files, labels(paths), strict=True)
        for row in _rows(file, label, f"{label}:" if len(files) > 1 else "", options, notes)
    )
    known = {name for file in files for name in file.header}
    groups = [f"g.{name}" for name in _GROUPS if name in known]
    texts = ["g.file", *groups, *(["p.task_name"] if "task_name" in known else [])]
    return Trials(rows, {**dict.fromkeys(texts, "text"), "p.emissions_kg": "number"})


def _rows(
    file: CsvFile, label: str, prefix: str, options: ImportOptions, notes: Notes
) -> Iterator[Row]:
    notes.add("timestamps of CodeCarbon tell no zone: started_at takes them as UTC")
    sessions: dict[str, _Session] = {}
    are_tasks = "task_name" in file.header
    groups = [name for name in _GROUPS if name in file.header]
    for line in file:
        project, run_id = line.name("project_name", "tracker has one"), line.text("run_id")
        tracker = run_id or project
        row = amounts = _Amounts.of(line)
        session = sessions.pop(tracker, None) or _Session(1, row)
        if session.n_rows and not are_tasks:
            if session.goes_on_with(row, same_tracker=run_id is not None):
                amounts = row.since(session.latest)
            else:
                session = _Session(session.number + 1, row)
        sessions[tracker] = session
        session.latest = row
        session.n_rows += 1
        if len(sessions) > _MOST_TRACKERS:
            del sessions[next(iter(sessions))]
        yield {
            "run": prefix + tracker + (f"#{session.number}" if session.number > 1 else ""),
            "strategy": options.strategy or project,
            "trial": session.n_rows - 1,
            "state": State.COMPLETE.value,
            **_energies(line, amounts, notes),
            "duration_s": amounts.duration_s,
            "started_at": amounts.started_at,
            "g.file": label,
            **{f"g.{name}": line.text(name) for name in groups},
            "p.task_name": line.text("task_name"),
            "p.emissions_kg": amounts.others["emissions"],
        }


def _energies(line: Line, amounts: _Amounts, notes: Notes) -> dict[str, Any]:
    """Joules of the trial, how they became known, and what is odd about them."""
    odd: list[str] = []
    joules: dict[str, float | None] = {}
    for name, column in _COMPONENTS.items():
        kwh = amounts.others[name]
        is_there = name != "gpu_energy" or (line.number("gpu_count") or 0) > 0
        joules[column] = kwh * _J_PER_KWH if kwh is not None and kwh > 0 else None
        if kwh is not None and (kwh < 0 or (kwh == 0 and is_there)):
            odd.append(
                f"{name} is {'negative' if kwh < 0 else '0'}: {column} is unknown, energy_j is too "
                "small"
            )
    kind = LOWER_BOUND if odd else _kind(line, joules, amounts.duration_s)
    energy_j = amounts.energy_kwh * _J_PER_KWH if amounts.energy_kwh > 0 else None
    if energy_j is None:
        odd.append("energy_consumed is negative or 0: energy_j is unknown")
        kind = None
    if (line.number("pue") or 1) != 1:
        odd.append("the energies are multiplied by the pue of a data centre")
    for sentence in odd:
        notes.add(sentence, line.where)
    message = "; ".join(odd) or None
    return {"energy_j": energy_j, **joules, "energy_kind": kind, "message": message}


def _kind(line: Line, joules: dict[str, float | None], duration_s: float) -> str | None:
    """How the energy became known; None where CodeCarbon does not let us know."""
    power_w, cpu_j = line.number("cpu_power"), joules["cpu_j"]
    if power_w is None or cpu_j is None or round(power_w, 2) != power_w:
        return None
    if abs(cpu_j - power_w * duration_s) > _SAME_POWER * cpu_j:
        return None
    if joules["gpu_j"] is None:
        return Kind.MODELLED.value
    if line.text("codecarbon_version"):
        return None
    return f"{Kind.MEASURED}+{Kind.MODELLED}"
