"""Geissler et al., ARCS 2024: training setups, pretraining and multitask at equal accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ....errors import ConfigurationError
from ..cells import factorial, of_cells
from ..design import Design, Factors, Options, Part, Study
from ..training import load_once, steps_of
from ..wording import write
from .reaching import BOTH, FIRST, SECOND, THEN, TRAININGS, load_both, load_half, reach

if TYPE_CHECKING:
    from ....models.trial import Trial
    from ...tables.table import Table
    from ..facts import Findings

TARGETS = {
    "digits": 0.95,
    "mnist-5k": 0.95,
    "mnist": 0.98,
    "fashion-mnist": 0.85,
    "svhn": 0.85,
    "cifar10": 0.75,
    "cifar100": 0.40,
}
"""The validation accuracy that is to be reached, chosen before anything was measured."""
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "momentum": 0.0},
    "momentum": {"optimizer": "sgd", "momentum": 0.9},
    "adam": {"optimizer": "adam"},
}
"""What an optimiser of a cell is: plain descent, with Nesterov's momentum, and Adam."""


@dataclass(frozen=True)
class _Scale:
    """What differs between the quick design and the whole one."""

    dataset: str
    network: str
    learning_rates: tuple[float, ...]
    batch_sizes: tuple[int, ...]
    repetitions: int  # of each setup
    epochs: int  # that a setup has to reach the target
    recipes: tuple[dict[str, Any], ...]  # of the halves
    pairs: int  # repetitions of the halves
    half_epochs: int  # that a training of halves has
    # Of these epochs, the share that trainings need on the mean: to foresee the study.
    expected_share: float = 0.6
    half_expected_share: float = 0.13


_QUICK = _Scale(
    dataset="digits",
    network="cnn",
    learning_rates=(1e-4, 1e-3, 1e-2, 1e-1, 1.0),
    batch_sizes=(16, 32, 64, 128),
    repetitions=5,
    epochs=20,
    recipes=(
        {"optimizer": "momentum", "learning_rate": 1e-3, "batch_size": 16},
        {"optimizer": "adam", "learning_rate": 3e-4, "batch_size": 32},
    ),
    pairs=10,
    half_epochs=60,
)
_FULL = _Scale(
    dataset="cifar10",
    network="torchvision:resnet18",
    learning_rates=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    batch_sizes=(16, 32, 64, 128, 256, 512),
    repetitions=5,
    epochs=40,
    recipes=(
        {"optimizer": "momentum", "learning_rate": 1e-2, "batch_size": 128},
        {"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 128},
    ),
    pairs=10,
    half_epochs=80,
)


@of_cells
def train_setup(trial: Trial) -> None:
    """Train one setup until its validation accuracy reaches the target."""
    cell = trial.params
    data = load_once(cell["dataset"], device=trial.device)
    reach(trial, data, cell["network"], _settings(cell), cell["target"], trial.epochs())


@of_cells
def train_halves(trial: Trial) -> None:
    """Train one half of the classes, one after the other with one trunk, or both with two heads."""
    cell, epochs = trial.params, trial.epochs()
    dataset, training = cell["dataset"], cell["training"]
    rest = (cell["network"], _settings(cell), cell["target"], epochs)
    if training == BOTH:
        data, own = load_both(dataset, trial.device)
        reach(trial, data, *rest, validation=own)
    elif training == THEN:
        trunk = reach(trial, load_half(dataset, 0, trial.device), *rest, stage=0)
        if trunk is not None:
            reach(trial, load_half(dataset, 1, trial.device), *rest, trunk=trunk, stage=1)
    else:
        half = load_half(dataset, (FIRST, SECOND).index(training), trial.device)
        reach(trial, half, *rest)


def _settings(cell: Factors) -> dict[str, Any]:
    own = {name: cell[name] for name in ("learning_rate", "batch_size")}
    return {**OPTIMIZERS[cell["optimizer"]], **own}


def _design(options: Options) -> Design:
    scale = _QUICK if options.quick else _FULL
    dataset = options.dataset or scale.dataset
    if dataset not in TARGETS:
        raise ConfigurationError(
            f"study setups: no accuracy to reach was chosen for the data set {dataset!r}: take one "
            f"of {', '.join(TARGETS)}"
        )
    common = {"dataset": dataset, "network": scale.network, "target": TARGETS[dataset]}
    grid = factorial(
        optimizer=OPTIMIZERS, batch_size=scale.batch_sizes, learning_rate=scale.learning_rates
    )
    halves = tuple({"training": each, **one} for one in scale.recipes for each in TRAININGS)

    def part(
        name: str, cells: tuple[dict[str, Any], ...], repetitions: int, epochs: int, share: float
    ) -> Part:
        def steps(cell: Factors) -> int:
            return round(share * steps_of(load_once(dataset), cell["batch_size"], epochs))

        return Part(
            name,
            tuple({**cell, **common} for cell in cells),
            objective=f"{__name__}:{'train_setup' if name == 'grid' else 'train_halves'}",
            repetitions=repetitions,
            epochs=epochs,
            steps=steps,
            groups={"part": name},
        )

    return Design(
        (
            part("grid", grid, scale.repetitions, scale.epochs, scale.expected_share),
            part("halves", halves, scale.pairs, scale.half_epochs, scale.half_expected_share),
        ),
        by=("part",),
        fixed={
            "target": f"a validation accuracy of {write(TARGETS[dataset], '%')}, chosen beforehand",
            "epochs": f"at most {scale.epochs} of a setup, {scale.half_epochs} of halves",
        },
        notes=_notes(options.quick),
    )


def _notes(quick: bool) -> tuple[str, ...]:
    notes = (
        "The levels of the grid are this study's own: of the paper its summary was at hand, which "
        "gives a figure for setups, and none for pretraining or multitask training.",
        "How far the worst lies from the best depends on the levels of the grid, and on the epochs "
        "that a setup is given: with more of them more setups reach the target, late.",
        "Accuracy is validated after each epoch, so that the energy to the target is that of whole "
        "epochs, with building the network and validating.",
        "The halves of the classes are learnt with two optimisers, at learning rates at which they "
        "take several epochs: the whole epochs of faster ones would be too coarse a measure.",
        "Fine-tuning takes over all weights but the head's, and trains them all with the settings "
        "that training from scratch has.",
    )
    if not quick:
        return notes
    return (
        *notes,
        "A small network on small images learns a half of the classes in few epochs, so that there "
        "is less to recycle and to share than in the networks of the paper.",
    )


def _analyse(table: Table) -> Findings:
    from .findings import analyse

    return analyse(table)


STUDY = Study(
    "setups",
    "What does a badly set training cost, and what do pretraining and multitask training save?",
    "Geissler et al., ARCS 2024",
    _design,
    _analyse,
    quick_cost="5 minutes",
    full_cost="days; hours on a GPU",
    link="https://arxiv.org/abs/2401.01851",
)
