"""What Xu et al. found of architectures, beside the same of a trial table, data set by data set."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..facts import Claim, Quantity
from .efficiency import Contradiction
from .means import is_above_one, mean_ratio

if TYPE_CHECKING:
    import pandas as pd

PAPER_EPOCHS = 50
# The paper's, per training: joules in the cloud, and operations, of ResNet50 over VGG16; accuracy
# per kilowatt-hour on the node of VGG16 over ResNet50.
_ENERGY = {"cifar10": 1.06, "mnist": 1.11}
_OPERATIONS = {"cifar10": 0.314, "mnist": 0.352}
_SCORE = {"cifar10": 2.42, "mnist": 1.55}
_REACHED = {"CIFAR-10": (0.614, 0.306), "MNIST": (0.937, 0.882)}
"""Mean accuracies of VGG16 and ResNet50 on the paper's node."""


def claims_of(dataset: str, trials: pd.DataFrame, found: list[Contradiction]) -> Iterator[Claim]:
    """The claims about architectures on one data set."""
    known = dataset.lower().replace("-", "")
    resnet, vgg = (trials[trials["architecture"] == name] for name in ("resnet50", "vgg16"))
    energy = mean_ratio(resnet, vgg, within=("g.place",), note="ResNet50 over VGG16")
    yield Claim(
        f"Training ResNet50 takes more energy than VGG16 on {dataset}.",
        _published(_ENERGY, known),
        energy,
        is_above_one(energy),
        _why_energy(energy, resnet, vgg),
    )
    score = mean_ratio(vgg, resnet, "per_kwh", within=("g.place",), note="VGG16 over ResNet50")
    yield Claim(
        f"VGG16 gives more accuracy per kilowatt-hour than ResNet50 on {dataset}.",
        _published(_SCORE, known),
        score,
        is_above_one(score),
        _why_score(score, energy, resnet, vgg),
    )
    yield _contradiction_claim(dataset, trials, found, _published(_OPERATIONS, known))


def _published(figures: dict[str, float], dataset: str) -> Quantity:
    """The paper's figure of a data set, or the range of its two."""
    if dataset in figures:
        return Quantity(figures[dataset])
    return Quantity(None, min(figures.values()), max(figures.values()), note="CIFAR-10, MNIST")


def _why_energy(ratio: Quantity | None, resnet: pd.DataFrame, vgg: pd.DataFrame) -> str:
    if ratio is None:
        return "there are no trainings of both in one repetition"
    why = _how_sure(ratio, resnet, vgg)
    operations = [part["flops"].astype(float).median() for part in (resnet, vgg)]
    if ratio.value is not None and not any(map(math.isnan, operations)):
        share = operations[0] / operations[1]
        dearer = sorted(_ENERGY[name] / _OPERATIONS[name] for name in _ENERGY)
        why += (
            f"; ResNet50 needs {share:.2f} of VGG16's operations, and each takes "
            f"{ratio.value / share:.1f} times the joules (in the paper's cloud {dearer[0]:.1f} to "
            f"{dearer[-1]:.1f} times, on graphics cards)"
        )
    return why


def _why_score(
    ratio: Quantity | None, energy: Quantity | None, resnet: pd.DataFrame, vgg: pd.DataFrame
) -> str:
    if ratio is None:
        return "there are no trainings of both with joules and accuracy in one repetition"
    accuracies = [part["score"].astype(float).mean() for part in (vgg, resnet)]
    reached = f"VGG16 reaches {accuracies[0]:.1%} and ResNet50 {accuracies[1]:.1%}"
    if energy is not None and energy.value is not None:
        reached += f" at {energy.value:.2f} times the energy"
    epochs = min(part["epochs"].astype(float).median() for part in (vgg, resnet))
    if epochs < PAPER_EPOCHS:
        reached += f", after {epochs:g} of the paper's {PAPER_EPOCHS} epochs"
    paper = ", ".join(
        f"{one:.1%} and {other:.1%} on {name}" for name, (one, other) in _REACHED.items()
    )
    return f"{reached} (on the paper's node {paper}); {_how_sure(ratio, resnet, vgg)}"


def _how_sure(ratio: Quantity, *parts: pd.DataFrame) -> str:
    """How many repetitions there are, and whether they tell the ratio from 1."""
    n = min(part["seed"].nunique() for part in parts)
    if n < 2:
        return "one repetition has no interval"
    side = "holds 1" if is_above_one(ratio) is None else "lies on one side of 1"
    return f"the interval over {n} repetitions {side}"


def _contradiction_claim(
    dataset: str, trials: pd.DataFrame, found: list[Contradiction], paper: Quantity
) -> Claim:
    """Whether some network takes more energy than another with fewer operations."""
    statement = f"A network can take more energy than another with fewer operations on {dataset}."
    note = "ResNet50's operations over VGG16's"
    paper = replace(paper, note=f"{note}, {paper.note}" if paper.note else note)
    if trials["flops"].isna().all():
        return Claim(statement, paper, None, None, "operations are not in the table")
    if trials["seed"].nunique() < 2:
        return Claim(statement, paper, None, None, "one repetition gives no interval")
    if not found:
        why = "no pair has an energy ratio whose interval lies above 1 with fewer operations"
        return Claim(statement, paper, None, False, why)
    best = found[0]
    ours = Quantity(best.operations, note=f"{best.dearer} over {best.cheaper}")
    energy = best.energy
    why = (
        f"{best.dearer} takes {energy.value:.2f} [{energy.low:.2f}, {energy.high:.2f}] times the "
        f"energy of {best.cheaper} at {best.operations:.2f} of its operations"
        + (f", the clearest of {len(found)} such pairs" if len(found) > 1 else "")
    )
    return Claim(statement, paper, ours, True, why)
