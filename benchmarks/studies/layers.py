"""A draft, to be replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cells import factorial, of_cells
from .comparing import paired_ratio
from .design import Design, Options, Part, Study
from .facts import Claim, Findings, Quantity
from .tables import complete
from .training import load_once, steps_of, train_network

if TYPE_CHECKING:
    from ...models.trial import Trial
    from ..tables.table import Table


@of_cells
def train(trial: Trial) -> None:
    """Train one cell."""
    params = {"conv_blocks": trial.params["conv"], "batch_size": 64, "epochs": 2}
    train_network(trial, load_once("digits"), "cnn", params)


def _design(options: Options) -> Design:
    part = Part(
        "layers",
        factorial(conv=(1, 2), relu=(False, True)),
        objective=f"{__name__}:train",
        repetitions=3,
        epochs=2,
        steps=lambda _: steps_of(load_once("digits"), 64, 2),
    )
    return Design((part,))


def _analyse(table: Table) -> Findings:
    ours = paired_ratio(complete(table), {"p.conv": 2}, {"p.conv": 1}, within=["p.relu"])
    return Findings((Claim("More convolutions cost more.", Quantity(1.95), ours, None, "it is"),))


STUDY = Study("layers", "Which layers cost most?", "Yarally et al.", _design, _analyse)
