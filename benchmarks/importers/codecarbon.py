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
too small, is of the kind ``lower bound``. A total that is itself negative or 0 is null. Where total
and components contradict each other, all of them are null; a total that is multiplied by ``pue``
does not contradict them.

Rows that are lost to damage may have been of any tracker that wrote before and after: the next
difference of such a tracker is null.

CodeCarbon does not say how its energies became known. Memory is always modelled. A processor is
modelled if its power is a round figure (a share of its TDP; a measured one has all its digits) and
the mean power of the trial agrees with it. A graphics card was read from its counter in versions
that do not write ``codecarbon_version``; later ones may have integrated its power. ``energy_kind``
is given where all of them are known, else null.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...energy.quantities import JOULES_PER_UNIT
from ...energy.source import Kind
from ...models.outcome import State
from ..tables.contract import LOWER_BOUND
from .codecarbon_rows import COMPONENTS, Amounts, restore_dropped
from .files import CsvFile, Line, labels
from .registry import ImportOptions
from .writing import Notes, Row, Trials

_NEEDED = ("timestamp", "project_name", "duration", "energy_consumed")
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
_MOST_TRACKERS = 100_000
_SAME_START_S = 2.0
_MAY_HOLD_MORE = "rows before it are lost, whose energy it may hold too: the energies are unknown"
_SAME_POWER = 0.01  # largest relative difference of a constant power and the mean of a trial


@dataclass(slots=True)
class _Session:
    """Rows of a tracker between two resets."""

    number: int  # among the sessions of the tracker, from 1
    latest: Amounts  # what its latest row says
    n_rows: int = 0
    n_lost: int = 0  # how often rows of the file were lost until then

    def goes_on_with(self, row: Amounts, *, same_tracker: bool) -> bool:
        """Whether a row belongs to the session."""
        before = self.latest
        now, then = row.energy_kwh, before.energy_kwh
        fell = now is not None and then is not None and now < then
        falls = (row.duration_s < before.duration_s, fell)
        if same_tracker:
            return not all(falls)
        apart = row.started_at - before.started_at
        return not any(falls) and abs(apart.total_seconds()) <= _SAME_START_S


def trials(paths: Sequence[str], options: ImportOptions, notes: Notes) -> Trials:
    """The trials of the files."""
    files = [_open(path, notes, strict=options.strict) for path in paths]
    rows = (
        row
        for file, label in zip(files, labels(paths), strict=True)
        for row in _rows(file, label, f"{label}:" if len(files) > 1 else "", options, notes)
    )
    known = {name for file in files for name in file.header}
    groups = [f"g.{name}" for name in _GROUPS if name in known]
    texts = ["g.file", *groups, *(["p.task_name"] if "task_name" in known else [])]
    return Trials(rows, {**dict.fromkeys(texts, "text"), "p.emissions_kg": "number"})


def read_rows(path: str, *, strict: bool = False) -> tuple[list[int], list[dict[str, str]], Notes]:
    """The rows that trials are made of, as they are written, with their numbers from 1."""
    notes = Notes()
    file = _open(path, notes, strict=strict)
    rows = [(int(line.place.split()[1]), line.cells) for line, _ in file.read(_read)]
    return [number for number, _ in rows], [cells for _, cells in rows], notes


def _open(path: str, notes: Notes, *, strict: bool) -> CsvFile:
    what = "an emissions.csv of CodeCarbon"
    return CsvFile(path, _NEEDED, what, notes, strict=strict, mend=restore_dropped)


def _rows(
    file: CsvFile, label: str, prefix: str, options: ImportOptions, notes: Notes
) -> Iterator[Row]:
    notes.add("timestamps of CodeCarbon tell no zone: started_at takes them as UTC")
    sessions: dict[str, _Session] = {}
    are_tasks = "task_name" in file.header
    groups = [name for name in _GROUPS if name in file.header]
    n_lost, cumulative = 0, False  # whether any tracker wrote several rows
    for line, (tracker, project, row) in file.read(_read):
        n_lost += line.follows_damage
        amounts = row
        session = sessions.pop(tracker, None) or _Session(1, row)
        doubtful = session.n_lost != n_lost if session.n_rows else bool(n_lost and cumulative)
        if session.n_rows and not are_tasks:
            cumulative = True
            if session.goes_on_with(row, same_tracker=line.text("run_id") is not None):
                amounts = row.since(session.latest)
            else:
                session = _Session(session.number + 1, row)
        if doubtful and not are_tasks:
            amounts = amounts.unknown(_MAY_HOLD_MORE)
        session.n_lost = n_lost
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


def _read(line: Line) -> tuple[str, str, Amounts]:
    """The tracker and project of a row, and what it says."""
    project = line.name("project_name", "tracker has one")
    return line.text("run_id") or project, project, Amounts.of(line)


def _energies(line: Line, amounts: Amounts, notes: Notes) -> dict[str, Any]:
    """Joules of the trial, how they became known, and what is odd about them."""
    short, full = amounts.odd
    odd: list[str] = [full] if full else []
    joules: dict[str, float | None] = {}
    for name, column in COMPONENTS.items():
        kwh = amounts.others[name]
        is_there = name != "gpu_energy" or (line.known("gpu_count") or 0) > 0
        joules[column] = kwh * _J_PER_KWH if kwh is not None and kwh > 0 else None
        if kwh is not None and (kwh < 0 or (kwh == 0 and is_there)):
            odd.append(
                f"{name} is {'negative' if kwh < 0 else '0'}: {column} is unknown, energy_j is too "
                "small"
            )
    energy_kwh = amounts.energy_kwh
    if energy_kwh is None:
        energy_j = kind = None
    elif energy_kwh <= 0:
        odd.append("energy_consumed is negative or 0: energy_j is unknown")
        energy_j = kind = None
    else:
        energy_j = energy_kwh * _J_PER_KWH
        kind = LOWER_BOUND if odd else _kind(line, joules, amounts.duration_s)
    if (line.known("pue") or 1) != 1:
        odd.append("the energies are multiplied by the pue of a data centre")
    for sentence in odd:
        notes.add(short if sentence == full else sentence, line.where)
    message = "; ".join(odd) or None
    return {"energy_j": energy_j, **joules, "energy_kind": kind, "message": message}


def _kind(line: Line, joules: dict[str, float | None], duration_s: float) -> str | None:
    """How the energy became known; None where CodeCarbon does not let us know."""
    power_w, cpu_j = line.known("cpu_power"), joules["cpu_j"]
    if power_w is None or cpu_j is None or round(power_w, 2) != power_w:
        return None
    if abs(cpu_j - power_w * duration_s) > _SAME_POWER * cpu_j:
        return None
    if joules["gpu_j"] is None:
        return Kind.MODELLED.value
    if line.text("codecarbon_version"):
        return None
    return f"{Kind.MEASURED}+{Kind.MODELLED}"
