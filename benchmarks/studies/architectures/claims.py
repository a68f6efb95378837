"""What Xu et al. found of architectures, beside the same of a trial table, data set by data set."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ....energy.quantities import format_percent
from ..comparing import shown_above
from ..facts import Claim, Quantity
from .contradictions import Contradiction, Pair, crossfitted
from .means import mean_ratio

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


def claims_of(dataset: str, trials: pd.DataFrame) -> Iterator[Claim]:
    """The claims about the paper's own architectures on one data set."""
    known = dataset.lower().replace("-", "")
    resnet, vgg = (trials[trials["architecture"] == name] for name in ("resnet50", "vgg16"))
    energy = mean_ratio(resnet, vgg, within=("g.place",), note="ResNet50 over VGG16")
    yield _judged(
        f"Training ResNet50 takes more energy than VGG16 on {dataset}.",
        _published(_ENERGY, known),
        energy,
        "there are no trainings of both in one repetition"
        if energy is None
        else _why_energy(energy, resnet, vgg),
    )
    score = mean_ratio(vgg, resnet, "per_kwh", within=("g.place",), note="VGG16 over ResNet50")
    yield _judged(
        f"VGG16 gives more accuracy per kilowatt-hour than ResNet50 on {dataset}.",
        _published(_SCORE, known),
        score,
        "there are no trainings of both with joules and an accuracy above 0 in one repetition"
        if score is None
        else _why_score(energy, resnet, vgg),
    )


def _judged(statement: str, paper: Quantity, ours: Quantity | None, why: str) -> Claim:
    """A ratio that is claimed to be above 1."""
    if ours is None:
        return Claim(statement, paper, None, None, why)
    holds, doubt = shown_above(ours)
    return Claim(statement, paper, ours, holds, why + doubt)


def _published(figures: dict[str, float], dataset: str) -> Quantity:
    """The paper's figure of a data set, or the range of its two."""
    if dataset in figures:
        return Quantity(figures[dataset])
    return Quantity(None, min(figures.values()), max(figures.values()), note="CIFAR-10, MNIST")


def _why_energy(ratio: Quantity, resnet: pd.DataFrame, vgg: pd.DataFrame) -> str:
    assert ratio.value is not None
    why = f"on the mean it takes {ratio.value:.2f} times as much"
    operations = [part["flops"].astype(float).median() for part in (resnet, vgg)]
    if not any(map(math.isnan, operations)) and min(operations) > 0:
        share = operations[0] / operations[1]
        dearer = sorted(_ENERGY[name] / _OPERATIONS[name] for name in _ENERGY)
        why = (
            f"ResNet50 needs {share:.2f} of VGG16's operations, and each takes "
            f"{ratio.value / share:.1f} times the joules (in the paper's cloud {dearer[0]:.1f} to "
            f"{dearer[-1]:.1f} times, on graphics cards)"
        )
    return why


def _why_score(energy: Quantity | None, resnet: pd.DataFrame, vgg: pd.DataFrame) -> str:
    accuracies = [format_percent(part["score"].astype(float).mean()) for part in (vgg, resnet)]
    reached = f"VGG16 reaches {accuracies[0]} and ResNet50 {accuracies[1]}"
    if energy is not None and energy.value is not None:
        reached += f" at {energy.value:.2f} times the energy"
    epochs = min(part["epochs"].astype(float).median() for part in (vgg, resnet))
    if epochs < PAPER_EPOCHS:
        reached += f", after {epochs:g} of the paper's {PAPER_EPOCHS} epochs"
    paper = ", ".join(
        f"{format_percent(one)} and {format_percent(other)} on {name}"
        for name, (one, other) in _REACHED.items()
    )
    return f"{reached} (on the paper's node {paper})"


def contradiction_claim(
    dataset: str, trials: pd.DataFrame, pairs: Sequence[Pair], found: Sequence[Contradiction]
) -> Claim:
    """Whether some network takes more energy than another with more operations."""
    statement = f"A network can take more energy than another with more operations on {dataset}."
    if trials["flops"].isna().all():
        return Claim(statement, None, None, None, "operations are not in the table")
    ratio, picked = crossfitted(pairs)
    if ratio is None or ratio.value is None:
        why = "no two networks of different operations were trained in one repetition"
        return Claim(statement, None, None, None, why)
    holds, doubt = shown_above(ratio)
    pair, times = picked.most_common(1)[0]
    names = f"{pair.fewer} over {pair.more}"
    ours = Quantity(ratio.value, ratio.low, ratio.high, note=names)
    # The paper's pair has a figure of the paper's; another pair's ratio is no figure of that.
    same = (pair.fewer, pair.more) == ("resnet50", "vgg16") and times == picked.total()
    known = dataset.lower().replace("-", "")
    why = (
        f"of all pairs, {pair.fewer} takes the most energy beside a network with more operations: "
        f"{ratio.value:.2f} times that of {pair.more} at {pair.operations:.2f} of its operations"
    )
    if picked.total() > 1:
        why += ", picked on other repetitions than the ratio is taken of"
    if times < picked.total():
        why += f" (in {times} of {picked.total()}; another pair in the rest)"
    why += f"{doubt}; pairs whose interval lies above 1: {len(found)} of {len(pairs)}"
    return Claim(statement, _published(_ENERGY, known) if same else None, ours, holds, why)
