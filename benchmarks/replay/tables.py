"""The tables of replayed runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import DataError
from ...tuners.strategy import Earlier
from ..comparison.record import add_up, contract_table, typed_runs
from ..tables.contract import REPLAYED
from .recording import STEPS, Recording
from .runs import Played, RecordedObjective
from .simulation import Slice

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Stage:
    """One group of a table, ready to be searched."""

    group: Mapping[str, Any]  # its values, by name
    recording: Recording
    objective: RecordedObjective
    budget_j: float  # of each run
    earlier: tuple[tuple[Earlier, ...], ...] = ()  # searches that strategies learn from

    def identify(self, played: Played) -> dict[str, Any]:
        """What every row of a run begins with: its name, strategy and seed, and its group."""
        play = played.play
        return {
            "run": "/".join([*map(str, self.group.values()), f"{play.strategy}-{play.seed}"]),
            "strategy": play.strategy,
            "seed": play.seed,
            **{f"g.{name}": value for name, value in self.group.items()},
        }


def where_in(group: Mapping[str, Any]) -> str:
    """Which group a sentence is about, before it; nothing if there is but one."""
    words = ", ".join(f"{name} {value}" for name, value in group.items())
    return f"{words}: " if words else ""


def replay_tables(
    stages: Sequence[Stage], played: Sequence[Played]
) -> tuple[pd.DataFrame, pd.DataFrame | None, pd.DataFrame]:
    """The trials of replayed runs, their slices where a trial has several, and the runs.

    Raises:
        DataError: No run tried anything.
    """
    pairs = [(stages[each.play.stage], each) for each in played]
    runs = typed_runs(
        [
            {
                **stage.identify(each),
                "allotment_j": stage.budget_j,
                "unplaced_j": 0.0,
                "end": each.run.end.value,
                "message": each.run.message,
            }
            for stage, each in pairs
        ]
    )
    rows = [row for stage, each in pairs for row in _slices(stage, each)]
    if not rows:
        error = next((each.run.error for each in played if each.run.error), "they had no work")
        raise DataError(f"none of the strategies tried anything: {error}; mend them or take others")
    slices = contract_table(rows)
    trials = add_up(slices, runs["run"])
    return trials, slices if len(slices) > len(trials) else None, runs


def _slices(stage: Stage, played: Played) -> Iterator[dict[str, Any]]:
    """One row per slice; joules of searching are null where none were charged."""
    recording, identity = stage.recording, stage.identify(played)
    is_charged = played.play.watts is not None
    for each in played.run.slices:
        yield {
            **identity,
            "trial": each.trial,
            "state": each.state.value,
            "score": each.score,
            "energy_j": each.energy_j,
            "energy_search_j": each.search_j if is_charged else None,
            "predicted_j": each.predicted_j,
            "energy_kind": REPLAYED,
            "epochs": _epochs(recording, each),
            **{
                f"p.{'epochs' if name == STEPS else name}": recording.grid[value - 1]
                if name == "epochs"
                else value
                for name, value in each.params.items()
                if recording.has_curves or name != "epochs"
            },
        }


def _epochs(recording: Recording, played: Slice) -> int | None:
    """Whole epochs of training; None if the table does not tell."""
    if played.epochs == 0:
        return 0
    return recording.grid[played.epochs - 1] if recording.grid else played.params.get(STEPS)
