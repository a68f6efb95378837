"""The trial table of replayed runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ...errors import DataError
from ...models.outcome import State
from ..tables.contract import COLUMNS, PANDAS_TYPES, REPLAYED, TRIAL_COLUMNS
from .recording import STEPS, Recording
from .runs import Objective, Played
from .simulation import Slice

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Stage:
    """One group of a table, ready to be searched.

    Attributes:
        group: Its values, by name.
        recording: What was recorded of it.
        objective: What is searched.
        budget_j: Joules of each run.
    """

    group: Mapping[str, Any]
    recording: Recording
    objective: Objective
    budget_j: float


def replay_tables(
    stages: Sequence[Stage], played: Sequence[Played]
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The trials of replayed runs, and their slices where a trial has several.

    A trial stands at the place of its last slice. One that was paused and never continued is
    pruned. Joules of searching are null where none were charged.

    Args:
        stages: The groups that were searched.
        played: The runs.

    Raises:
        DataError: No run tried anything.
    """
    rows = [row for each in played for row in _rows(stages[each.play.stage], each)]
    if not rows:
        error = next((each.error for each in played if each.error), "they had no work")
        raise DataError(f"none of the strategies tried anything: {error}; mend them or take others")
    slices = _typed(pd.DataFrame(rows))
    trials = slices
    if slices.duplicated(["run", "trial"]).any():
        added_up = ["energy_j", "energy_search_j"]
        by_trial = slices.groupby(["run", "trial"], sort=False)
        trials = slices.drop_duplicates(["run", "trial"], keep="last").set_index(["run", "trial"])
        trials[added_up] = by_trial[added_up].sum(min_count=1).loc[trials.index]
        # A slice that was cut before its first epoch leaves the accuracy that was known before.
        trials["accuracy"] = by_trial["accuracy"].last().loc[trials.index]
        trials = trials.reset_index()[list(slices)]
    trials = trials.assign(
        state=trials["state"].replace(State.PAUSED.value, State.PRUNED.value),
        accuracy=trials["accuracy"].mask(trials["state"] == State.FAILED),
    )
    return trials, slices if len(slices) > len(trials) else None


def _rows(stage: Stage, played: Played) -> Iterator[dict[str, Any]]:
    """One row per slice."""
    play, recording = played.play, stage.recording
    name = "/".join([*map(str, stage.group.values()), f"{play.strategy}-{play.seed}"])
    groups = {f"g.{key}": value for key, value in stage.group.items()}
    charged = play.watts is not None
    for each in played.slices:
        yield {
            "run": name,
            "strategy": play.strategy,
            "seed": play.seed,
            "trial": each.trial,
            "state": each.state.value,
            "accuracy": each.accuracy,
            "energy_j": each.energy_j,
            "energy_search_j": each.search_j if charged else None,
            "energy_kind": REPLAYED,
            "epochs": _epochs(each, recording),
            **groups,
            **{
                f"p.{'epochs' if key == STEPS else key}": value
                for key, value in each.params.items()
                if recording.has_curves or key != "epochs"
            },
        }


def _epochs(slice_: Slice, recording: Recording) -> int | None:
    """Whole epochs of training that a trial stands for; None if the table does not tell."""
    if recording.has_curves or slice_.epochs == 0:
        return slice_.epochs
    return slice_.params.get(STEPS)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """All columns of the contract, in their order and of their types."""
    # Groups, which are in every row, come first.
    others = [name for name in frame if name not in TRIAL_COLUMNS]
    frame = frame.reindex(columns=[*TRIAL_COLUMNS, *others])
    frame = frame.astype({c.name: PANDAS_TYPES[c.type] for c in COLUMNS if c.type != "time"})
    texts = [column.name for column in COLUMNS if column.type == "text"]
    frame[texts] = frame[texts].where(frame[texts].notna(), None)
    frame["started_at"] = pd.to_datetime(frame["started_at"], utc=True)
    return frame
