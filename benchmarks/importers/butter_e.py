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

from ...energy.source import Kind
from ...models.outcome import State
from .files import CsvFile, Line
from .registry import ImportOptions
from .writing import Notes, Row, Trials

_HYPERPARAMETERS = {
    "size": "whole",
    "depth": "whole",
    "shape": "text",
    "learning_rate": "number",
    "batch_size": "whole",
    "optimizer": "text",
}
_GROUPS = {"dataset": "text", "is_gpu": "truth", "node": "text"}
_NEEDED = ("run_id", "start_time", *_HYPERPARAMETERS, *_GROUPS, "batch", "energy", "run_time")
_LEAST_W, _MOST_W = 20.0, 20_000.0
"""No node with two processors draws less, or more."""


def trials(paths: Sequence[str], options: ImportOptions, notes: Notes) -> Trials:
    """The trainings of the files.

    Raises:
        DataError: A file is not of the release; also while the trials are read.
    """
    files = [CsvFile(path, _NEEDED, "runs_with_standardized_energy.csv") for path in paths]
    rows = (_row(line, options, notes) for file in files for line in file)
    extra = {f"g.{name}": kind for name, kind in _GROUPS.items()}
    return Trials(rows, extra | {f"p.{name}": kind for name, kind in _HYPERPARAMETERS.items()})


def _row(line: Line, options: ImportOptions, notes: Notes) -> Row:
    read = {"text": line.text, "number": line.number, "whole": line.whole, "truth": line.truth}
    duration_s, energy_j = line.needed("run_time"), line.needed("energy")
    run, sweep = (line.name(name, "training has one") for name in ("run_id", "batch"))
    if not _LEAST_W * duration_s <= energy_j <= _MOST_W * duration_s:
        line.refuse(
            "energy", f"is no energy in joules of a node for {duration_s:g} s: is it in kWh?"
        )
    odd = "rejected by the quality filter of its authors" if line.truth("filter") else None
    if odd:
        notes.add(odd, line.where)
    return {
        "run": run,
        "strategy": options.strategy or sweep,
        "trial": 0,
        "state": State.COMPLETE.value,
        "energy_j": energy_j,
        "node_j": energy_j,
        "energy_kind": Kind.INTEGRATED.value,
        "duration_s": duration_s,
        "started_at": line.moment("start_time"),
        "message": odd,
        **{f"g.{name}": read[kind](name) for name, kind in _GROUPS.items()},
        **{f"p.{name}": read[kind](name) for name, kind in _HYPERPARAMETERS.items()},
    }
