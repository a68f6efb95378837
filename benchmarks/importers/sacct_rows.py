"""What a row of Slurm's ``sacct --parsable2`` says: a job or one of its steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from ...models.outcome import State
from .files import Line

NEEDED = ("JobID", "State")
_ELAPSED = re.compile(r"(?:(\d+)-)?(\d{1,2}):(\d\d):(\d\d)(?:\.\d+)?")
_ENERGY = re.compile(r"(\d+(?:\.\d+)?)([KMGTPE]?)")
_PAIR = re.compile(r"([A-Za-z][\w.]*)=([^\s,;=]+?)(?=[\s,;]|$|[_-][A-Za-z][\w.]*=)")
_TRES = re.compile(r"(?:^|,)(\w+)=(\d+)(?=,|$)")
_BRACKETS = re.compile(r"([^,\[\]]*)\[([\d,-]+)\]([^,\[\]]*)|([^,\[\]]+)")
_EXCLUSIVE = re.compile(r"^(?:(?!--wrap).)*?(?<=\s)--exclusive(?=\s|$)")  # of the submission
_MOST_NODES = 20_000  # no list of one job names more
_STATES = {
    "COMPLETED": State.COMPLETE,
    **dict.fromkeys(("FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL"), State.FAILED),
    **dict.fromkeys(("CANCELLED", "TIMEOUT", "DEADLINE", "PREEMPTED"), State.INTERRUPTED),
    **dict.fromkeys(("REVOKED", "SPECIAL_EXIT"), State.FAILED),
}


class JobRow(NamedTuple):
    """A job, or a step of it; None is not known."""

    job: str  # its number, with that of the task in an array
    step: str  # empty for the job itself
    state: State | None  # None while it is not over
    duration_s: float
    energy_j: float | None  # None where sacct writes nothing, or 0
    started_at: datetime | None
    n_nodes: int | None
    nodes: tuple[str, ...]
    n_cpus: int | None  # allocated, on all nodes
    name: str  # of the job, without its hyperparameters
    params: dict[str, str]  # key=value of the job's name and comment
    is_exclusive: bool  # whether it asked for whole nodes

    @property
    def power_w(self) -> float:
        """Mean power of one of its nodes, in watts; 0 if it is not known."""
        n_nodes = self.n_nodes or len(self.nodes) or 1
        return (self.energy_j or 0.0) / n_nodes / self.duration_s if self.duration_s else 0.0

    @property
    def ended_at(self) -> datetime | None:
        """When it ended."""
        return self.started_at and self.started_at + timedelta(seconds=self.duration_s)

    @classmethod
    def of(cls, line: Line) -> JobRow:
        """Read a row."""
        job, _, step = line.name("JobID", "job has one").partition(".")
        name, comment = line.text("JobName") or "", line.text("Comment") or ""
        tres = dict(_TRES.findall(line.text("AllocTRES") or ""))
        started = line.text("Start")
        n_cpus = tres.get("cpu") or line.text("AllocCPUS") or line.text("NCPUS")
        return cls(
            job,
            step,
            _STATES.get(line.name("State", "job has one").split()[0]),  # CANCELLED by 1000
            _duration_s(line),
            _energy_j(line),
            None if started in (None, "Unknown", "None") else line.moment("Start"),
            line.whole("NNodes") if line.text("NNodes") else _whole(tres.get("node")),
            tuple(_expand(line)),
            _whole(n_cpus),
            _PAIR.sub("", name).strip(" ,;_-"),
            dict(_PAIR.findall(comment)) | dict(_PAIR.findall(name)),
            _EXCLUSIVE.search(line.text("SubmitLine") or "") is not None,
        )


def _duration_s(line: Line) -> float:
    if line.text("ElapsedRaw"):
        return line.needed("ElapsedRaw")
    match = _ELAPSED.fullmatch(line.name("Elapsed", "job has one"))
    if match is None:
        line.refuse("Elapsed", "is no time such as 1-02:03:04")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _energy_j(line: Line) -> float | None:
    """Joules above zero; those without ``Raw`` may have the prefix of a unit, in thousands."""
    for column in ("ConsumedEnergyRaw", "ConsumedEnergy"):
        text = line.text(column)
        if text is None:
            continue
        match = _ENERGY.fullmatch(text)
        if match is None:
            line.refuse(column, "is no energy in joules")
        return float(match[1]) * 1_000.0 ** " KMGTPE".index(match[2] or " ") or None
    return None


def _expand(line: Line) -> Iterator[str]:
    """The nodes of a list such as ``nid[001-003,7],login1``; those behind two brackets whole."""
    count = 0
    text = line.text("NodeList") or ""
    for prefix, ranges, suffix, single in _BRACKETS.findall(
        "" if text == "None assigned" else text
    ):
        if single:
            yield single
        for part in filter(None, ranges.split(",")):
            first, _, last = part.partition("-")
            if not first.isdecimal() or (last and not last.isdecimal()):
                line.refuse("NodeList", "names no nodes")
            for number in range(int(first), int(last or first) + 1):
                count += 1
                if count > _MOST_NODES:
                    line.refuse("NodeList", f"names more than {_MOST_NODES:,} nodes")
                yield f"{prefix}{number:0{len(first)}}{suffix}"


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
