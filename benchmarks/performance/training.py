"""How much faster is our training loop than the usual one, and does it learn as well?

Both train the same network on the same samples, in batches of 64, for the same epochs, on one
thread and in turns. The usual loop is that of most tutorials: PIL images, ToTensor and Normalize in
a DataLoader, float32, the optimiser as it comes, `loss.item()` at each step.

    python benchmarks/performance/training.py --pairs 5
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import mean, median
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

from perjoule.benchmarks.performance.options import make_parser
from perjoule.benchmarks.performance.timing import take_turn
from perjoule.errors import DataError
from perjoule.models._torchvision import torchvision
from perjoule.models.data import load
from perjoule.models.data.splits import Data, Normalisation, Split
from perjoule.models.networks.cnn import cnn
from perjoule.models.operations import count_parameters
from perjoule.models.runtime import Runtime
from perjoule.models.training import build, evaluate, train_epoch

LEARNING_RATE = 1e-3
LOG2_BATCH_SIZE = 6
N_CLASSES = 10
PLAIN = Runtime(torch.device("cpu"))

Trained = tuple[float, nn.Module]
"""Samples per second, and the network."""


class Pictures(Dataset):
    """Samples as most tutorials hold them: one PIL image and one label at a time."""

    def __init__(self, split: Split) -> None:
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


def train_usual(dataset: Pictures, shape: tuple[int, ...], epochs: int, seed: int) -> Trained:
    """The usual loop."""
    torch.manual_seed(seed)
    network = cnn(shape, N_CLASSES)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    loader = DataLoader(dataset, batch_size=2**LOG2_BATCH_SIZE, shuffle=True)
    running_loss = 0.0
    start = time.perf_counter()
    for _ in range(epochs):
        network.train()
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(network(images), labels)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
    return epochs * len(dataset) / (time.perf_counter() - start), network


def train_ours(split: Split, shape: tuple[int, ...], epochs: int, seed: int) -> Trained:
    """Our loop, as a search runs it."""
    runtime = Runtime.detect("cpu")
    params = {"learning_rate": LEARNING_RATE, "log2_batch_size": LOG2_BATCH_SIZE}
    built = build(params, cnn, shape, N_CLASSES, runtime, seed)
    start = time.perf_counter()
    for epoch in range(epochs):
        train_epoch(built, split, seed, epoch, should_stop=lambda: False)
    return epochs * len(split) / (time.perf_counter() - start), built.network


def images_28x28(n_samples: int) -> Data:
    """Fashion-MNIST cut to some samples, or noise of its size where it cannot be had."""
    try:
        data = load("fashion-mnist")
    except DataError as error:
        print(f"{error}\nNoise takes its place: compare speeds, not accuracies.")
        images = torch.randn(n_samples, 1, 28, 28).contiguous(memory_format=torch.channels_last)
        split = Split(images, torch.randint(N_CLASSES, (n_samples,)))
        names = tuple(map(str, range(N_CLASSES)))
        plain = Normalisation((0.0,), (1.0,))
        return Data("noise", split, split, split, N_CLASSES, "torch.randn", "", plain, names)
    chosen = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))[:n_samples]
    return replace(data, train=Split(data.train.inputs[chosen], data.train.labels[chosen]))


def compare(data: Data, epochs: int, pairs: int) -> None:
    """Train in pairs and print what came out."""
    pictures = Pictures(data.train)
    loops: dict[str, Callable[[int, int], Trained]] = {
        "usual": lambda epochs, seed: train_usual(pictures, data.shape, epochs, seed),
        "ours": lambda epochs, seed: train_ours(data.train, data.shape, epochs, seed),
    }
    speeds: dict[str, list[float]] = {name: [] for name in loops}
    accuracies: dict[str, list[float]] = {name: [] for name in loops}
    for loop in loops.values():
        loop(1, 0)  # the first epoch of a process pays for initialisation
    for seed in range(pairs):
        for name in take_turn(loops, seed):
            speed, network = loops[name](epochs, seed)
            result = evaluate(network, data.test, PLAIN, should_stop=lambda: False)
            speeds[name].append(speed)
            accuracies[name].append(result.score if result else 0.0)

    ratios = [ours / usual for usual, ours in zip(*speeds.values(), strict=True)]
    n_parameters = count_parameters(cnn(data.shape, N_CLASSES))
    print(
        f"\n{data.name}: {len(data.train)} images of {data.shape}, {epochs} epochs, "
        f"{n_parameters} parameters, {pairs} pairs"
    )
    for name in loops:
        print(
            f"  {name:6} {median(speeds[name]):9,.0f} samples/s"
            f"   test accuracy {mean(accuracies[name]):.3f}"
            f" ({min(accuracies[name]):.3f} to {max(accuracies[name]):.3f})"
        )
    print(f"  ours is {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times as fast")


def main() -> None:
    """Compare the loops on images of 8x8 and of 28x28 pixels."""
    parser = make_parser(__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="how often each loop trains")
    pairs = parser.parse_args().pairs
    torch.set_num_threads(1)
    print(Runtime.detect("cpu").describe())
    compare(load("digits"), epochs=10, pairs=pairs)
    compare(images_28x28(n_samples=6000), epochs=2, pairs=pairs)


if __name__ == "__main__":
    main()
