"""Which layers of a convolutional network cost the energy of its training, and what they gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..cells import factorial, of_cells
from ..design import Design, Options, Part, Study
from ..training import load_once, steps_of, train_network

if TYPE_CHECKING:
    from ....models.trial import Trial
    from ...tables.table import Table
    from ..facts import Findings

BATCH_SIZE = 512
QUICK_IMAGES = 10_000  # of the training split
FEW_IMAGES = 10_000  # a data set below is trained on for more epochs
EPOCHS = {"cifar10": 25}  # of the whole design
_EPOCHS, _QUICK_EPOCHS, _FEW_IMAGES_EPOCHS = 10, 4, 40

_NOTES = (
    "The networks follow the published code of the authors: blocks of a 3x3 convolution, "
    "batch-norm, ReLU and a 2x2 max pool, with three times as many channels from block to block; "
    "then linear layers, half as wide from layer to layer, with no activation between them. "
    "Without ReLU it is left out of the blocks.",
    "Batches of 512 images, Adam with a learning rate of 0.001 and 32-bit floats are the defaults "
    "of that code, which names no others for this experiment. It is published with 25 epochs for "
    "CIFAR-10, and with 10 in an earlier notebook for Fashion-MNIST; --quick has fewer, on fewer "
    "images.",
    "Images lie in memory with channels first, as in that code. perjoule's own networks have them "
    "last, where three channels are slow on a CPU: it made networks with one convolutional layer "
    "so expensive that four used only about 1.4 times their energy on Fashion-MNIST.",
    "Images below 16x16 pixels are padded with zeros to 16x16 in all networks, so that four pools "
    "fit and all networks see the same images.",
    "Accuracy is on a validation split taken from the training data, in the paper on the test "
    "data. Joules are of building, training and validating a network, in the paper of the "
    "graphics card alone while it trains.",
)


@of_cells
def train(trial: Trial) -> None:
    """Train the network of a cell on the data that the cell names."""
    from .network import network

    cell = dict(trial.params)
    data = load_once(cell.pop("dataset"), cell.pop("images"), device=trial.device)
    train_network(trial, data, network, {**cell, "batch_size": BATCH_SIZE, "precision": "float32"})


def _design(options: Options) -> Design:
    """The factorial on one data set: 24 repetitions of whole trainings, or a few of short ones."""
    from ....models.data.registry import check

    dataset = options.dataset or "fashion-mnist"
    n_samples = check(dataset).n_samples
    epochs = _QUICK_EPOCHS if options.quick else EPOCHS.get(dataset, _EPOCHS)
    if n_samples is not None and n_samples < FEW_IMAGES:
        epochs = _FEW_IMAGES_EPOCHS
    images = QUICK_IMAGES if options.quick else None
    common = {"dataset": (dataset,), "images": (images,), "epochs": (epochs,)}
    part = Part(
        "layers",
        factorial(linear=(3, 7), conv=(1, 4), relu=(False, True), **common),
        objective=f"{__name__}:train",
        repetitions=5 if options.quick else 24,
        epochs=epochs,
        steps=lambda _: steps_of(load_once(dataset, images), BATCH_SIZE, epochs),
    )
    return Design(
        (part,),
        fixed={
            "data": dataset,
            "training images": "all" if images is None else f"at most {images:,}",
            "epochs": epochs,
            "batch size": BATCH_SIZE,
            "optimiser": "Adam, learning rate 0.001",
            "precision": "32-bit floats",
        },
        notes=_NOTES,
    )


def _analyse(table: Table) -> Findings:
    from .findings import analyse  # loads pandas

    return analyse(table)


STUDY = Study(
    "layers",
    "Which layers of a convolutional network cost the energy of its training, and what do they "
    "gain?",
    "Yarally, Cruz, Feitosa, Sallou and van Deursen, CAIN 2023",
    _design,
    _analyse,
    quick_cost="4 minutes",
    full_cost="3 hours",
    link="https://arxiv.org/abs/2303.13972",
)
