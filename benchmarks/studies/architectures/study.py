"""Xu, Martínez-Fernández, Martinez and Franch, HICSS 2023: architectures, places and meters.

Networks are trained as theirs: see `network`. Their figures are those of ``data/`` in their
repository, taken per training: the rows of their tracker are cumulative within a session. Recorded
trainings go through the same analysis:

    perjoule import xu-hicss2023 data/raw/kaggle/*.csv --out cloud.parquet
    perjoule study architectures --from cloud.parquet
    perjoule import xu-hicss2023 data/raw/grilla/results_summary/*/emissions.csv --out node.parquet
    perjoule study architectures --from node.parquet

Anyone's table will do, with architectures as strategies, and by ``--map`` the columns
``g.dataset``, ``g.place``, ``p.emissions_kg``, ``p.codecarbon_j`` and ``node_j``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..cells import factorial, of_cells
from ..comparing import caveats, repetitions
from ..design import Design, Factors, Options, Part, Study
from ..facts import Claim, Exhibit, Findings
from ..tables import complete
from ..training import load_once, steps_of, train_network
from ..wording import identifier
from .agreement import agreement_plots, agreement_sheet, node_claim
from .claims import PAPER_EPOCHS, claims_of, contradiction_claim
from .contradictions import contradiction_sheet, contradictions, pairs_of
from .efficiency import (
    accuracy_per_kwh,
    efficiency_sheet,
    operations_plot,
)
from .means import stated
from .meters import Windows, joules_by_meter, meters_beside
from .places import PAPERS, between, elsewhere, intensities, places_sheet

if TYPE_CHECKING:
    import pandas as pd

    from ....models.data.splits import Data
    from ....models.trial import Trial
    from ...tables.table import Table

QUICK = (
    "vgg16",
    "resnet50",
    "resnet18",
    "densenet121",
    "mobilenet_v2",
    "efficientnet_b0",
    "squeezenet1_1",
)
FULL = (
    *QUICK,
    "vgg19",
    "shufflenet_v2_x1_0",
    "alexnet",
    "googlenet",
    "mnasnet1_0",
    "mobilenet_v3_small",
    "regnet_y_400mf",
)
WHOLE = ("resnet18", "mobilenet_v2", "efficientnet_b0")
"""Networks that are trained from random weights as well, all layers of them."""
HEAD, ALL_LAYERS = "head", "all layers"
TRAINING = {"optimizer": "adam", "learning_rate": 1e-3}  # Keras's own rate
_RANDOM = (
    "As in the paper only a new head is trained, on frozen convolutions. Theirs had learnt on "
    "ImageNet; those of the quick design are random (He's draw, one for each repetition), so they "
    "need no download. Random features are not the paper's: accuracies are lower, and accuracy per "
    "kilowatt-hour says little of networks that have learnt. They have any scale, so each is "
    "standardised and clipped at three deviations before the head; nothing of that is trained."
)
_IMAGENET = (
    "As in the paper only a new head is trained, on frozen convolutions that learnt on ImageNet. "
    "The weights are torchvision's, the paper's were Keras's."
)
_NOTES = (
    "A first design trained whole networks from random weights for one epoch. There ResNet50 took "
    "0.27 times the energy of VGG16, most of whose 134 million weights are in its classifier, and "
    "VGG16 stayed at chance. The training was then rebuilt as the paper's. Its head takes most of "
    "the energy of small networks, so that three of them are trained from random weights, too, all "
    "layers of them: that part shows what their own operations cost.",
    "Images are not augmented and are normalised by their data set's mean and deviation; the paper "
    "rotated, shifted and mirrored them, and only divided them by 255, which is not what the "
    "weights of its networks had learnt on. In the cloud its repetitions went on with the same "
    "head; ours begin anew.",
    "Operations are those of the forward pass of one image, convolutions and head, as the paper "
    "counts them. A training step adds two passes' worth of the head alone, and the optimiser's "
    "update of its weights: no gradient goes through what is frozen.",
    "All meters run beside the training. CodeCarbon's own CPU-seconds are in those of the process, "
    "and the first training after --resume is charged for its start. A meter of the whole machine "
    "counts what others use, too.",
)
_SIDES = {"mnist": 48}  # pixels, as the paper enlarges it; other images become 32 x 32
_SIDE = 32


@of_cells
def train(trial: Trial) -> None:
    """Train one architecture, with a window of every meter around its epochs."""
    from .network import frozen

    cell = trial.params
    data = load_subset(cell["dataset"], trial.device, cell["images"], cell["validated"])
    params = {**TRAINING, "batch_size": cell["batch_size"], "epochs": cell["epochs"]}
    Windows(trial, cell["meters"])
    name, side = cell["architecture"], cell["side"]
    if cell["training"] == HEAD:
        of_head = {"freeze": True, "name": name, "side": side, "weights": cell["weights"]}
        train_network(trial, data, frozen, params | of_head)
    else:
        whole = {"image_size": side, "stem": "full"}
        train_network(trial, data, f"torchvision:{name}", params | whole)


@lru_cache(maxsize=2)
def load_subset(
    dataset: str, device: str, images: int | None = None, validated: int | None = None
) -> Data:
    """A data set with at most so many images to train on and to validate by; None for all."""
    from ....models.data.splits import Split

    data = load_once(dataset, images, device=device)
    whole = data.validation
    return replace(data, validation=Split(whole.inputs[:validated], whole.labels[:validated]))


def _steps(cell: Factors) -> int:
    data = load_subset(cell["dataset"], "cpu", cell["images"], cell["validated"])
    return steps_of(data, cell["batch_size"], cell["epochs"])


def _design(options: Options) -> Design:
    quick = options.quick
    own = ("fashion-mnist",) if quick else ("cifar10", "mnist")
    datasets = (options.dataset,) if options.dataset else own
    epochs = 1 if quick else PAPER_EPOCHS
    weights = "random" if quick else "imagenet"
    fixed: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": 64 if quick else 32,
        "validated": 512 if quick else None,
        "meters": meters_beside(options.meter, options.device),
    }
    trained = {
        HEAD: (QUICK if quick else FULL, 2560 if quick else None, weights),
        ALL_LAYERS: (WHOLE, 512 if quick else None, "random"),
    }
    parts = tuple(
        Part(
            f"{identifier(dataset)}-{identifier(training)}",
            tuple(
                {
                    **cell,
                    **fixed,
                    "dataset": dataset,
                    "training": training,
                    "side": _SIDES.get(dataset, _SIDE),
                    "images": images,
                    "weights": of_what,
                }
                for cell in factorial(architecture=names)
            ),
            objective=f"{__name__}:train",
            repetitions=5,
            epochs=epochs,
            steps=_steps,
        )
        for dataset in datasets
        for training, (names, images, of_what) in trained.items()
    )
    return Design(
        parts,
        strategy=("architecture",),
        by=("dataset", "training"),
        fixed={
            **TRAINING,
            "weights": weights,
            "head": "flatten, 4,096 and 4,096 units with ReLU, dropout 0.5, classes",
            "workers": "one trial at a time",
        },
        notes=(_RANDOM if quick else _IMAGENET, *_NOTES),
    )


def _analyse(table: Table) -> Findings:
    trials = _named(complete(table))
    if trials.empty:
        none = "No training with known joules was completed."
        return Findings((), notes=(none, *caveats(table, trials)))
    claims: list[Claim] = []
    exhibits: list[Exhibit] = []
    for dataset, part, as_the_paper in _parts(trials):
        pairs = pairs_of(part)
        found = contradictions(pairs)
        if as_the_paper:
            claims += claims_of(dataset, part)
        claims.append(contradiction_claim(dataset, part, pairs, found))
        exhibits.append(efficiency_sheet(part, dataset))
        if part["flops"].notna().any():
            exhibits.append(operations_plot(part, dataset))
        if found:
            exhibits.append(contradiction_sheet(found, dataset))
    claims += between(trials)
    places = intensities([*PAPERS, *_asked_place(table)])
    energies_j = table.trials["energy_j"].astype(float).dropna().tolist()
    claims.append(elsewhere(energies_j, places))
    if places:
        exhibits.append(places_sheet(energies_j, places))
    joules = joules_by_meter(table, trials)
    claims.append(node_claim(joules, trials))
    exhibits += [agreement_sheet(joules), *agreement_plots(joules, trials)]
    return Findings(tuple(claims), tuple(exhibits), tuple(caveats(table, trials)))


def _named(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials with ``architecture``, in torchvision's way of writing, and ``per_kwh``.

    A data set always has a name, and seeds tell all repetitions of a cell apart.
    """
    named = stated(trials.get("p.architecture", trials["strategy"]), trials["strategy"])
    plain = named.str.removeprefix("torchvision:").str.lower()
    scores = accuracy_per_kwh(trials["energy_j"], trials["score"])
    trials = trials.assign(architecture=plain, per_kwh=scores)
    if "g.dataset" in trials:
        trials["g.dataset"] = stated(trials["g.dataset"], "unnamed data")
    known = ("architecture", "g.dataset", "g.training", "g.place")
    return repetitions(trials, [name for name in known if name in trials])


def _parts(trials: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, bool]]:
    """What is compared apart: its name, its trials, and whether they are trained as the paper's."""
    if "g.dataset" not in trials:
        yield "the recorded data", trials, True
        return
    for dataset, part in trials.groupby("g.dataset", sort=False):
        if "g.training" not in part:
            yield str(dataset), part, True
            continue
        for training, own in part.groupby("g.training", sort=False, dropna=False):
            whole = training == ALL_LAYERS
            yield f"{dataset}, all layers trained" if whole else str(dataset), own, not whole


def _asked_place(table: Table) -> list[str]:
    """The place that ``--carbon`` named, if any."""
    study = (table.description or {}).get("study") or {}
    place = (study.get("options") or {}).get("carbon")
    return [place] if place else []


STUDY = Study(
    "architectures",
    "Which architecture gives the most accuracy per kilowatt-hour, where, and by whose meter?",
    "Xu, Martínez-Fernández, Martinez and Franch, HICSS 2023",
    _design,
    _analyse,
    quick_cost="6 minutes",
    full_cost="days on a graphics card",
    link="https://doi.org/10.24251/HICSS.2023.098",
)
