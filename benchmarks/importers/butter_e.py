"""BUTTER-E (Tripp et al., arXiv:2403.08151): one trial for each training.

Read is ``runs_with_standardized_energy.csv`` (unzipped) of OEDI submission 5991, the only file of
the release of 2024 that joins trainings with their energies. Its columns are described in "Readme
for Data.md" of the authors' code, github.com/NREL/BUTTER-E-Empirical-analysis-of-energy-trends-in-
neural-networks-supplementary-code. What is used of them:

- ``run_id`` is the run: trainings are repetitions, not steps of a search;
- ``batch``, the name of the sweep, is the strategy;
- ``energy``, joules of the node by its 1-minute power readings, idle included, is ``energy_j`` and
  ``node_j``. ``std_energy``, which the authors corrected for differences between idle nodes, is
  not used;
- ``run_time`` in seconds and ``start_time``; one without a zone is taken as UTC;
- ``size`` (about the number of parameters), ``depth``, ``shape``, ``learning_rate``, ``batch_size``
  and ``optimizer`` are hyperparameters; ``dataset``, ``is_gpu`` and ``node`` are groups.

Accuracies, epochs and exact sizes are not in that file and stay null. The authors' steps before it
keep ``energy`` in kWh, so a power that no node can have is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ...energy.source import Kind
from ...models.outcome import State
from ..tables.mapping import plain_name
from .files import CsvFile, Line
from .registry import ImportOptions
from .writing import Notes, Row, Trials

_HYPERPARAMETERS = {
    "p.size": "whole",
    "p.depth": "whole",
    "p.shape": "text",
    "p.learning_rate": "number",
    "p.batch_size": "whole",
    "p.optimizer": "text",
}
_GROUPS = {"g.dataset": "text", "g.is_gpu": "truth", "g.node": "text"}
_EXTRA = _GROUPS | _HYPERPARAMETERS
_NEEDED = (
    "run_id",
    "start_time",
    *map(plain_name, _HYPERPARAMETERS | _GROUPS),
    "batch",
    "energy",
    "run_time",
)
_LEAST_W, _MOST_W = 20.0, 20_000.0  # of a node with two processors


def trials(paths: Sequence[str], options: ImportOptions, notes: Notes) -> Trials:
    """The trainings of the files."""
    what = "runs_with_standardized_energy.csv"
    files = [CsvFile(path, _NEEDED, what, notes, strict=options.strict) for path in paths]
    read = partial(_row, options=options, notes=notes)
    return Trials((row for file in files for _, row in file.read(read)), _EXTRA)


def _row(line: Line, options: ImportOptions, notes: Notes) -> Row:
    duration_s, energy_j = line.needed("run_time"), line.known("energy")
    run, sweep = (line.name(name, "training has one") for name in ("run_id", "batch"))
    if energy_j is not None and not _LEAST_W * duration_s <= energy_j <= _MOST_W * duration_s:
        line.refuse(
            "energy", f"is no energy in joules of a node for {duration_s:g} s: is it in kWh?"
        )
    odd = ["rejected by the quality filter of its authors"] if line.truth("filter") else []
    odd += [] if energy_j is not None else ["energy is not known: it is empty or cut short"]
    for sentence in odd:
        notes.add(sentence, line.where)
    return {
        "run": run,
        "strategy": options.strategy or sweep,
        "trial": 0,
        "state": State.COMPLETE.value,
        "energy_j": energy_j,
        "node_j": energy_j,
        "energy_kind": None if energy_j is None else Kind.INTEGRATED.value,
        "duration_s": duration_s,
        "started_at": line.moment("start_time"),
        "message": "; ".join(odd) or None,
        **{column: getattr(line, kind)(plain_name(column)) for column, kind in _EXTRA.items()},
    }
