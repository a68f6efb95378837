"""A recorded search as an objective: a candidate gets the curve of the nearest recorded one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from ..errors import DataError
from ..models.space import Space
from ..tuners.encoding import Encoding
from .simulation import Curve

if TYPE_CHECKING:
    import pandas as pd


class TableObjective:
    """Replays candidates that were each trained for the longest number of epochs.

    A `benchmarks.simulation.Simulated`. The nearest candidate is that of the least Euclidean
    distance between features (`Encoding.features`), so a choice that differs counts for more than a
    range from end to end. Its curve is taken whatever the seed: the table has it once.

    Args:
        trials: The trial table; only complete and failed trials are taken.
        curves: Its curves.
        space: What was searched, with `epochs` fixed at the longest.
        n_samples: Images of one epoch.

    Attributes:
        space: The same with `epochs` to be chosen, from 1 to the longest.
        n_samples: Images of one epoch.
        best_accuracy: The best of all recorded epochs.
        cheapest_j: Joules of the cheapest candidate's setup and first epoch.

    Raises:
        DataError: No candidate was trained to the end.
    """

    def __init__(
        self, trials: pd.DataFrame, curves: pd.DataFrame, space: Space, n_samples: int
    ) -> None:
        epochs = {"low": 1, "high": space.longest(), "log": True}
        self.space = Space.parse({**space.to_mapping(), "epochs": epochs})
        self.n_samples = n_samples
        self._encoding = Encoding(space)
        rows = trials[trials["state"].isin(["complete", "failed"])]
        if not (rows["state"] == "complete").any():
            raise DataError("the table holds no complete trial: record some first")
        columns = [f"p.{name}" for name in space.distributions]
        self._features = np.array(
            [
                self._encoding.features(dict(zip(space.distributions, values, strict=True)))
                for values in rows[columns].itertuples(index=False, name=None)
            ]
        )
        points = {
            key: list(zip(own["energy_j"], own["accuracy"], strict=True))
            for key, own in curves.sort_values("epoch").groupby(["run", "trial"])
        }
        self._curves = [
            _curve(row, points.get((row["run"], row["trial"]), []))
            for row in rows.to_dict("records")
        ]
        self._costs = [
            (float(flops), float(count))
            for flops, count in zip(rows["flops"], rows["n_parameters"], strict=True)
        ]
        self.best_accuracy = float(curves["accuracy"].max())
        setup_j, first = self.curve(self.space.cheapest(), 0, 0)
        self.cheapest_j = setup_j + first[0][0]

    @classmethod
    def read(cls, folder: str | Path) -> TableObjective:
        """Read `trials.parquet`, `curves.parquet` and `experiment.yaml` of a run folder.

        Raises:
            DataError: A file is missing, or no candidate was trained to the end.
        """
        import pandas as pd

        folder = Path(folder)
        try:
            description = yaml.safe_load((folder / "experiment.yaml").read_text("utf-8"))
            trials, curves = (
                pd.read_parquet(folder / f"{name}.parquet") for name in ("trials", "curves")
            )
        except FileNotFoundError as error:
            raise DataError(
                f"{folder}: {Path(error.filename).name} is missing: give a run folder of "
                "`perjoule compare` that ended or was stopped by Ctrl-C"
            ) from error
        space = Space.parse(description["space"])
        return cls(trials, curves, space, description["data"]["train"])

    def cost_of(self, params: Mapping[str, Any]) -> tuple[float, float]:
        """Operations of the forward pass of one image, and parameters, of the nearest candidate."""
        return self._costs[self._nearest(params)]

    def curve(self, params: Mapping[str, Any], trial: int, seed: int) -> Curve:
        """Setup and all epochs of the nearest candidate."""
        return self._curves[self._nearest(params)]

    def _nearest(self, params: Mapping[str, Any]) -> int:
        gaps = self._features - self._encoding.features(params)
        return int(np.einsum("ij,ij->i", gaps, gaps).argmin())


def _curve(row: Mapping[Any, Any], points: list[tuple[float, float]]) -> Curve:
    """Joules by epoch from cumulative ones; a failed trial's last epoch is what it had besides."""
    setup_j = float(row["energy_setup_j"])
    totals_j = [setup_j, *(energy_j for energy_j, _ in points)]
    epochs = [
        (after_j - before_j, accuracy)
        for before_j, after_j, (_, accuracy) in zip(totals_j, totals_j[1:], points, strict=False)
    ]
    if row["state"] == "failed":
        trained_j = row["energy_j"] - row["energy_search_j"]
        epochs.append((max(trained_j - totals_j[-1], 0.0), math.nan))
    return setup_j, epochs
