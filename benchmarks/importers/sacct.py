r"""Jobs that Slurm accounted for: one trial for each job, with the joules of its nodes.

::

    sacct --parsable2 --noconvert --format=JobID,JobName,Comment,State,Start,ElapsedRaw,\
ConsumedEnergyRaw,NNodes,NodeList,AllocTRES,SubmitLine > jobs.txt

``JobID``, ``State``, ``Elapsed`` (or ``ElapsedRaw``) and ``ConsumedEnergyRaw`` (or
``ConsumedEnergy``) are needed; more of the others make more known. ``energy_j`` and ``node_j`` are
the job's own row. Its steps (``.batch``, ``.extern``, ``.0``) run beside each other on the same
nodes, so they are never added, neither to each other nor to the job: where Slurm gives joules of
steps alone, those of the largest are a lower bound.

The joules are those of all nodes of the job, idle included, as the cluster's energy plugin counts
them: whole nodes by pm_counters or IPMI, processors and memory alone by RAPL. sacct does not tell
which, and each is read from the hardware, so ``energy_kind`` is ``measured``. Slurm says that they
are a job's own only if it has its nodes for itself (sacct(1)). ``p.slurm_exclusive`` is true where
the job was submitted with ``--exclusive``, false where another job of the files ran on one of its
nodes at the same time or was given more processors of one, and null where that is not known.
``p.slurm_job``, ``p.slurm_nodes`` and ``p.slurm_n_nodes`` are its number and its nodes.

0 and nothing are what Slurm writes without such a plugin, and of jobs too short for it: unknown. So
is a power that no node can have. Jobs that wait, run or never ran are left out.

``key=value`` in ``JobName`` and ``Comment`` are hyperparameters; what else is in the name is the
run and the strategy, and where there is nothing, the file's name. ``Start`` has no zone and is
taken as UTC. ``message`` is Slurm's state of a job that did not complete; what is odd about joules
is in the notes. There are no scores.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from ...energy.source import Kind
from ...errors import DataError
from ...models.outcome import State
from ..tables.contract import LOWER_BOUND
from ..tables.refusals import listed
from .files import CsvFile, Line, labels
from .registry import ImportOptions
from .sacct_rows import NEEDED, JobRow
from .writing import Notes, Row, Trials

_WHAT = (
    "the output of sacct --parsable2 --noconvert --format=JobID,JobName,State,Start,ElapsedRaw,"
    "ConsumedEnergyRaw,NNodes,NodeList,AllocTRES,SubmitLine"
)
_ALTERNATIVES = (("Elapsed", "ElapsedRaw"), ("ConsumedEnergyRaw", "ConsumedEnergy"))
_FACTS = {
    "p.slurm_job": "text",
    "p.slurm_nodes": "text",
    "p.slurm_n_nodes": "whole",
    "p.slurm_exclusive": "truth",
}
_LEAST_W, _MOST_W = 5.0, 50_000.0  # of a node, by whatever plugin
_NOT_EXCLUSIVE = "other jobs had the same nodes: their joules are in these"
_OF_STEP = "Slurm gives no joules of the job: those of its largest step are a lower bound"
_NO_JOULES = "0 or no joules, as of a cluster without an energy plugin: unknown"
_IMPOSSIBLE = (
    f"less than {_LEAST_W:g} W or more than {_MOST_W:,.0f} W a node is impossible: "
    "the energy is unknown"
)
_MORE_THAN_JOB = "a step has more joules than its job: the energy is unknown"
_Odd = tuple[str, str]  # a sentence, the same for all jobs it is true of; what it was here
_Job = tuple[Line, JobRow, list[JobRow]]


def trials(paths: Sequence[str], options: ImportOptions, notes: Notes) -> Trials:
    """The jobs of the files."""
    names = labels(paths)
    jobs = {
        name: list(_jobs(_open(path, options, notes), notes))
        for path, name in zip(paths, names, strict=True)
    }
    every = [job for found in jobs.values() for _, job, _ in found]
    shared = _find_shared(every)
    types = _types_of(job.params for job in every)
    rows = (
        _row(
            each, name, name if len(names) > 1 else "", each[1].job in shared, types, options, notes
        )
        for name, found in jobs.items()
        for each in found
    )
    columns = {f"p.{key}": kind for key, kind in types.items()}
    return Trials(rows, _FACTS | columns, params=tuple(types))


def _open(path: str, options: ImportOptions, notes: Notes) -> CsvFile:
    file = CsvFile(path, NEEDED, _WHAT, notes, strict=options.strict)
    for names in _ALTERNATIVES:
        if not {*names} & {*file.header}:
            raise DataError(
                f"{path}: no column {' or '.join(names)} among {listed(file.header)}: give {_WHAT}"
            )
    return file


def _jobs(file: CsvFile, notes: Notes) -> Iterator[_Job]:
    """The jobs that are over, each with its steps, which sacct prints below it."""
    held: _Job | None = None
    for line, row in file.read(JobRow.of):
        if not row.step:
            if held is not None:
                yield held
            held = None
            if row.state is None or not row.duration_s:
                notes.add("a job that waits, runs or never ran is left out", line.where)
            else:
                held = (line, row, [])
        elif held is not None and held[1].job == row.job:
            held[2].append(row)
        elif row.state is not None:
            notes.add("a step without its job's row is left out", line.where)
    if held is not None:
        yield held


def _row(
    found: _Job,
    label: str,
    prefix: str,
    is_shared: bool,
    types: dict[str, str],
    options: ImportOptions,
    notes: Notes,
) -> Row:
    line, job, steps = found
    energy_j, kind, odd = _energy(job, steps)
    is_exclusive = False if is_shared else job.is_exclusive or None
    if is_exclusive is False:
        odd.append((_NOT_EXCLUSIVE, ""))
    if job.started_at is not None:
        notes.add("Start of sacct tells no zone: started_at takes it as UTC")
    for sentence, figure in odd:
        notes.add(sentence, f"{line.where}{figure and f', {figure}'}")
    name = job.name or label
    state: State = job.state or State.COMPLETE
    return {
        "run": f"{prefix}:{name}" if prefix else name,
        "strategy": options.strategy or name,
        "state": state.value,
        "energy_j": energy_j,
        "node_j": energy_j,
        "energy_kind": kind,
        "duration_s": job.duration_s,
        "started_at": job.started_at,
        "message": None if state is State.COMPLETE else line.text("State"),
        "p.slurm_job": job.job,
        "p.slurm_nodes": line.text("NodeList"),
        "p.slurm_n_nodes": job.n_nodes,
        "p.slurm_exclusive": is_exclusive,
        **{f"p.{key}": _value(job.params.get(key), kind) for key, kind in types.items()},
    }


def _energy(job: JobRow, steps: Sequence[JobRow]) -> tuple[float | None, str | None, list[_Odd]]:
    """Joules of a job, how they became known, and what is odd about them."""
    of_steps = [s.energy_j for s in steps if s.energy_j is not None and 0 < s.power_w <= _MOST_W]
    energy_j, kind, odd = job.energy_j, Kind.MEASURED.value, list[_Odd]()
    if energy_j is None and of_steps:
        energy_j, kind = max(of_steps), LOWER_BOUND
        odd.append((_OF_STEP, ""))
    elif energy_j is None:
        return None, None, [(_NO_JOULES, "")]
    elif not _LEAST_W <= job.power_w <= _MOST_W:
        return None, None, [(_IMPOSSIBLE, f"{job.power_w:.3g} W")]
    if energy_j < max(of_steps, default=0.0):
        return None, None, [(_MORE_THAN_JOB, "")]
    return energy_j, kind, odd


def _find_shared(jobs: Sequence[JobRow]) -> set[str]:
    """Jobs with a node on which another ran at the same time, or was given more processors."""
    by_node: dict[str, list[JobRow]] = defaultdict(list)
    for job in jobs:
        for node in job.nodes:
            by_node[node].append(job)
    shared: set[str] = set()
    for there in by_node.values():
        most = max((_cpus_a_node(job) for job in there), default=0.0)
        shared |= {j.job for j in there if 0 < _cpus_a_node(j) < most and not j.is_exclusive}
        shared |= _overlapping(there)
    return shared


def _overlapping(jobs: Iterable[JobRow]) -> set[str]:
    """Those of a node's jobs that ran at the same time as another."""
    known = [(j.started_at, j.ended_at, j.job) for j in jobs if j.started_at and j.ended_at]
    found: set[str] = set()
    latest: tuple[Any, Any, str] | None = None  # of those before, the one that ends last
    for one, other in pairwise(sorted(known)):
        latest = one if latest is None or one[1] > latest[1] else latest
        if other[0] < latest[1] and other[2] != latest[2]:
            found |= {latest[2], other[2]}
    return found


def _cpus_a_node(job: JobRow) -> float:
    return (job.n_cpus or 0) / (job.n_nodes or len(job.nodes) or 1)


def _types_of(params: Iterable[dict[str, str]]) -> dict[str, str]:
    """The types of the hyperparameters: the narrowest that holds all their values."""
    values: dict[str, list[str]] = defaultdict(list)
    for each in params:
        for key, text in each.items():
            values[key].append(text)
    return {
        key: next(
            kind for kind in ("whole", "number", "text") if all(_fits(t, kind) for t in texts)
        )
        for key, texts in values.items()
    }


def _fits(text: str, kind: str) -> bool:
    try:
        _value(text, kind)
    except ValueError:
        return False
    return True


def _value(text: str | None, kind: str) -> Any:
    if text is None or kind == "text":
        return text
    return int(text) if kind == "whole" else float(text)
