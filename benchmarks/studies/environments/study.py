"""Environments: which networks cost least where (del Rey et al., SEAA 2023)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ....errors import ConfigurationError
from ..cells import of_cells
from ..design import Design, Options, Part, Study
from ..training import load_once, steps_of, train_network
from .here import environments_here, threads_of_torch

if TYPE_CHECKING:
    from torch import nn

    from ....models.data.splits import Data
    from ....models.trial import Trial
    from ...tables.table import Table
    from ..facts import Findings

MODELS = {  # torchvision's; the last two stand in for NASNetMobile and Xception
    "mobilenet_v2": "torchvision:mobilenet_v2",
    "resnet50": "torchvision:resnet50",
    "vgg16": f"{__name__}:vgg16",
    "mnasnet1_0": "torchvision:mnasnet1_0",
    "convnext_tiny": "torchvision:convnext_tiny",
}
QUICK_MODELS = ("mobilenet_v2", "mnasnet1_0", "resnet50", "vgg16")
_OF_TORCHVISION = {name for name in MODELS.values() if name.startswith("torchvision:")}


@dataclass(frozen=True)
class Plan:
    """What one trial trains on, and for how long."""

    dataset: str
    n_train: int  # images of an epoch
    n_validation: int  # images at most
    side: int  # pixels, to which images are enlarged
    batch_size: int
    epochs: int


QUICK = Plan("digits", 24, 16, side=32, batch_size=12, epochs=12)
QUICK_GPU = Plan("digits", 1024, 256, side=64, batch_size=32, epochs=14)  # counters tick at 100 ms
FULL = Plan("fashion-mnist", 23_807, 10_203, side=128, batch_size=32, epochs=20)
PLANS = {"quick": QUICK, "quick-gpu": QUICK_GPU, "full": FULL}


@of_cells
def train(trial: Trial) -> None:
    """Train a cell's model in its environment."""
    factors = trial.params
    plan = replace(PLANS[factors["plan"]], dataset=factors["dataset"])
    data = _data(plan, trial.device)
    params = {
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "batch_size": plan.batch_size,
        "epochs": plan.epochs,
        "precision": factors["precision"],
        "image_size": plan.side,
    }
    architecture = MODELS[factors["model"]]
    if architecture in _OF_TORCHVISION:
        params["stem"] = "full"  # as the paper has it at any size
    with threads_of_torch(factors["threads"]):
        train_network(trial, data, architecture, params)


def vgg16(shape: Sequence[int], n_classes: int, *, image_size: int) -> nn.Module:
    """VGG16 as in the paper: its convolutions, their mean over the image, and one linear layer.

    torchvision's has two layers of 4,096 units more, whose 120 million weights are most of it.
    """
    from torch import nn

    from ....models._torchvision import models
    from ....models.networks.stems import take_channels

    network = nn.Sequential(
        nn.Upsample(size=(image_size, image_size), mode="bilinear"),
        models.vgg.make_layers(models.vgg.cfgs["D"]),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(512, n_classes),
    )
    take_channels(network, shape[0])
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return network


@lru_cache(maxsize=2)
def _data(plan: Plan, device: str) -> Data:
    data = load_once(plan.dataset, train_limit=plan.n_train, device=device)
    if len(data.train) < plan.n_train or len(data.shape) != 3:
        raise ConfigurationError(
            f"data set {plan.dataset} has {len(data.train):,} samples to train on: the study "
            f"environments needs {plan.n_train:,} images: take another by --dataset"
        )
    validation = data.validation
    kept = slice(plan.n_validation)
    return replace(
        data,
        validation=replace(
            validation, inputs=validation.inputs[kept], labels=validation.labels[kept]
        ),
    )


def _steps(plan: Plan, device: str) -> Callable[[object], int]:
    return lambda _: steps_of(_data(plan, device), plan.batch_size, plan.epochs)


def _design(options: Options) -> Design:
    import os

    threads = (1, 2) if options.quick else (1, os.cpu_count() or 1)
    places = environments_here(options.device, threads)
    on_gpu = places[0].threads is None
    name = ("quick-gpu" if on_gpu else "quick") if options.quick else "full"
    plan = replace(PLANS[name], dataset=options.dataset or PLANS[name].dataset)
    cells = tuple(
        {
            "model": model,
            "environment": place.name,
            "threads": place.threads,
            "precision": place.precision,
            "images": plan.epochs * plan.n_train,
            "dataset": plan.dataset,
            "plan": name,
        }
        for place in places
        for model in (QUICK_MODELS if options.quick else MODELS)
    )
    part = Part(
        "environments",
        cells,
        objective=f"{__name__}:train",
        repetitions=5 if options.quick else 30,
        epochs=plan.epochs,
        steps=_steps(plan, options.device or "cpu") if not on_gpu else None,
    )
    fixed = {
        "images": f"{plan.n_train:,} of {plan.dataset}, enlarged to {plan.side} pixels",
        "training": f"Adam at 1e-4, batches of {plan.batch_size}, {plan.epochs} epochs, no "
        "pretrained weights",
    }
    notes = (
        "mnasnet1_0, which was found by an architecture search like NASNetMobile, and "
        "convnext_tiny, which has depthwise convolutions at the cost of a ResNet50 like Xception, "
        "stand in for these two, which torchvision does not have; --quick leaves the latter out.",
        "The paper trains for as many epochs as its early stopping allows (40 to 100), from "
        "weights learnt on ImageNet. Joules per image depend on neither, so fewer epochs do.",
    )
    return Design((part,), strategy=("model",), by=("environment",), fixed=fixed, notes=notes)


def _analyse(table: Table) -> Findings:
    from .analysis import analyse  # loads pandas, which a list of studies needs not

    return analyse(table)


STUDY = Study(
    name="environments",
    question="Which network costs least to train where, and what will a training take in all?",
    paper="del Rey et al., SEAA 2023",
    design=_design,
    analyse=_analyse,
    quick_cost="5 minutes",
    full_cost="hours on a GPU, weeks on a CPU",
    link="https://arxiv.org/abs/2307.05520",
)
