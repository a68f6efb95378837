"""The training loops that ours is measured beside: they all train the same network by Adam.

A loop is given a network, samples and a seed for their order, and is timed as a whole.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

from perjoule.models._torchvision import torchvision
from perjoule.models.data.splits import Split

LEARNING_RATE = 1e-3
BATCH_SIZE = 64

Loop = Callable[[nn.Module, "Pictures", int, int], Callable[[], object]]
"""Of a network, samples, epochs and a seed: what trains the network."""


class Pictures(Dataset):
    """Samples as most tutorials hold them: one PIL image and one label at a time."""

    def __init__(self, split: Split) -> None:
        self.split = split
        low, high = split.inputs.aminmax()
        grey = (split.inputs[:, 0] - low) / (high - low)
        self.pictures = [Image.fromarray(each) for each in (255 * grey).round().byte().numpy()]
        self.labels = split.labels.tolist()
        transforms = torchvision.transforms
        self.transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(grey.mean().item(), grey.std().item())]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(self.pictures[index]), self.labels[index]


def usual(network: nn.Module, samples: Pictures, epochs: int, seed: int) -> Callable[[], object]:
    """The loop of most tutorials: float32, `loss.item()` at each step."""

    def train() -> None:
        torch.manual_seed(seed)
        optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
        loader = DataLoader(samples, batch_size=BATCH_SIZE, shuffle=True)
        running_loss = 0.0
        for _ in range(epochs):
            network.train()
            for images, labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(network(images), labels)
                loss.backward()
                optimizer.step()
                running_loss += loss.item()

    return train


def optuna(network: nn.Module, samples: Pictures, epochs: int, seed: int) -> Callable[[], object]:
    """The loop of Optuna's example `pytorch_simple.py`: flat images, log-softmax, `nll_loss`."""
    flat = nn.Sequential(nn.Unflatten(1, samples.split.inputs.shape[1:]), network, nn.LogSoftmax(1))

    def train() -> None:
        torch.manual_seed(seed)
        device = torch.device("cpu")
        optimizer = torch.optim.Adam(flat.parameters(), lr=LEARNING_RATE)
        loader = DataLoader(samples, batch_size=BATCH_SIZE, shuffle=True)
        for _ in range(epochs):
            flat.train()
            for data, target in loader:
                images, labels = data.view(data.size(0), -1).to(device), target.to(device)
                optimizer.zero_grad()
                loss = F.nll_loss(flat(images), labels)
                loss.backward()
                optimizer.step()

    return train


def lightning(
    network: nn.Module, samples: Pictures, epochs: int, seed: int
) -> Callable[[], object]:
    """Lightning's trainer without logger, checkpoints, progress bar and summary."""
    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            images, labels = batch
            return F.cross_entropy(self.network(images), labels)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=LEARNING_RATE)

    def train() -> None:
        torch.manual_seed(seed)
        names = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
        options: dict[str, Any] = dict.fromkeys(names, False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of few workers
            trainer = lightning.Trainer(accelerator="cpu", max_epochs=epochs, **options)
            trainer.fit(Module(), DataLoader(samples, batch_size=BATCH_SIZE, shuffle=True))

    return train


def skorch(network: nn.Module, samples: Pictures, epochs: int, seed: int) -> Callable[[], object]:
    """skorch, silent and without its split for validation, on the arrays it is made for."""
    classifier = import_module("skorch").NeuralNetClassifier  # which type checkers may lack

    options: dict[str, Any] = {
        "criterion": nn.CrossEntropyLoss,
        "optimizer": torch.optim.Adam,
        "lr": LEARNING_RATE,
        "batch_size": BATCH_SIZE,
        "max_epochs": epochs,
        "iterator_train__shuffle": True,
        "train_split": None,
        "verbose": 0,
    }
    net = classifier(network, **options)
    inputs, labels = samples.split.inputs.contiguous().numpy(), samples.split.labels.numpy()

    def train() -> None:
        torch.manual_seed(seed)
        net.fit(inputs, labels)

    return train


_PEERS: dict[str, tuple[Loop, str | None]] = {
    "usual": (usual, None),
    "optuna": (optuna, None),
    "lightning": (lightning, "lightning"),
    "skorch": (skorch, "skorch"),
}


def installed() -> dict[str, Loop]:
    """The loops whose packages are there; of others a line is printed."""
    found = {}
    for name, (loop, package) in _PEERS.items():
        if package is not None and find_spec(package) is None:
            print(f"{name} is left out: pip install {package}")
        else:
            found[name] = loop
    return found
