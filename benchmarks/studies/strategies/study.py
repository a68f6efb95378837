"""Search strategies by energy, after the first question of Yarally et al., CAIN 2023."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..design import Design, Options, Part, Study
from .paper import BATCH_SIZE, EPOCHS, NETWORKS, ROUNDS, SPACES

if TYPE_CHECKING:
    from ...tables.table import Table
    from ..facts import Findings

GRID = "perjoule.tuners.strategies.grid:GridStrategy(levels=5)"
"""Five levels of each hyperparameter, as theirs, which are tried in random order."""
SUBSET = 2_000  # samples that the quick design trains on, of the larger data sets
QUICK_ROUNDS, QUICK_EPOCHS, QUICK_BATCH_SIZE = 32, 4, 64


def _design(options: Options) -> Design:
    datasets = ("digits", "fashion-mnist") if options.quick else ("fashion-mnist", "cifar10")
    if options.dataset is not None:
        datasets = (options.dataset,)
    searches = [
        (dataset, network, size)
        for dataset in datasets
        for size in SPACES
        for network in NETWORKS
        if not options.quick or _is_quick(dataset, network, size)
    ]
    return Design(
        tuple(_part(*search, quick=options.quick) for search in searches),
        by=("dataset", "network", "hyperparameters"),
        fixed={
            "optimiser": "Adam",
            "hyperparameters": "learning rate, beta1, beta2; of five also epsilon, weight decay",
            "selection": "by accuracy on validation data",
        },
        notes=_notes(options.quick),
    )


def _is_quick(dataset: str, network: str, size: int) -> bool:
    """Whether a search is in the quick design: without the dearest ones."""
    if dataset == "digits":
        return size == 3 or network == "dense linear"
    return size == 3 and network != "simple CNN"


def _part(dataset: str, network: str, size: int, *, quick: bool) -> Part:
    fixed = {"batch_size": BATCH_SIZE, "epochs": EPOCHS}
    experiment = {
        "dataset": dataset,
        "architecture": NETWORKS[network],
        "strategies": [GRID, "random", "skopt-gp", "gp"],
        "trials": ROUNDS,
    }
    if quick:
        fixed = {"batch_size": QUICK_BATCH_SIZE, "epochs": QUICK_EPOCHS}
        experiment |= {"strategies": [GRID, "random", "skopt-gp"], "trials": QUICK_ROUNDS}
        experiment |= {} if dataset == "digits" else {"train_limit": SUBSET}
    return Part(
        f"{dataset}-{network}-{size}".lower().replace(" ", "-"),
        repetitions=5 if quick else 8,
        experiment={**experiment, "space": {**SPACES[size], **fixed}},
        workers=None,
        groups={"dataset": dataset, "network": network, "hyperparameters": size},
        labels={GRID: "grid"},
    )


def _notes(quick: bool) -> tuple[str, ...]:
    smaller = (
        f"The quick design is smaller than the paper's: {QUICK_ROUNDS} rounds in place of "
        f"{ROUNDS}, {QUICK_EPOCHS} epochs in place of {EPOCHS}, batches of {QUICK_BATCH_SIZE} in "
        f"place of {BATCH_SIZE}, digits and {SUBSET:,} training images of Fashion-MNIST in "
        "place of Fashion-MNIST and CIFAR-10. That "
        "makes many times fewer steps of training, and may change which candidates are good. "
        "The CNN is searched on digits alone, and five hyperparameters with the dense linear "
        "network on digits alone. Optuna's Gaussian process is left to the whole design.",
    )
    return (
        *(smaller if quick else ()),
        "The authors select and score candidates on test data, by the mean of 8 trainings of each, "
        "and ran each search once. Here each candidate is trained once and scored on validation "
        "data, and each search is repeated with other seeds.",
        "The authors' beta2 never reaches Adam, so that one of their hyperparameters does nothing; "
        "here all are used.",
        "The authors' Bayesian search is a Gaussian process of scikit-learn with a kernel that is "
        "never fitted and the probability of improvement over 10,000 random candidates, from the "
        "second round on. Here it is scikit-optimize's, with a fitted kernel and expected "
        "improvement, after a few random rounds.",
        "The grid has five levels of each hyperparameter, as the authors', of which as many points "
        "as there are rounds are tried in random order; the levels include the upper ends here.",
        "The dense networks have no activation between their layers, as in the authors' code: what "
        "they can express is linear. Three linear layers and two convolutions are the defaults of "
        "that code; which depth gave the published rounds it does not say.",
    )


def _analyse(table: Table) -> Findings:
    from .findings import analyse  # lists of studies do without pandas

    return analyse(table)


STUDY = Study(
    "strategies",
    "Which search strategy finds good hyperparameters for the least energy?",
    "Yarally, Cruz, Feitosa, Sallou and van Deursen, CAIN 2023",
    _design,
    _analyse,
    quick_cost="7 minutes",
    full_cost="days on CPUs, hours on a GPU",
    link="https://arxiv.org/abs/2303.13972",
)
