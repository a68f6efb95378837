"""What the trainings of a run folder will take, those in flight included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ...models.outcome import State
from ..statistics.projection import ProjectedTrial, Projections, project_table
from .folder import Folder
from .loading import read_run

RUNNING = "running"


def project_run(path: Path) -> Projections:
    """Project the trials of a run folder, ended, in flight or killed there.

    Raises:
        DataError: There is neither ledger nor table.
        OutputError: The ledger or the description is damaged.
    """
    found = project_table(read_run(path))
    return replace(found, unfinished=(*found.unfinished, *_in_flight(Folder(path))))


def _in_flight(folder: Folder) -> Iterator[ProjectedTrial]:
    state = RUNNING if folder.is_in_use else State.INTERRUPTED.value
    for sign in folder.signs_of_life():
        if sign.projection is not None:
            strategy = sign.run.rpartition("-")[0]
            yield ProjectedTrial(sign.run, strategy, sign.trial, state, sign.projection)
