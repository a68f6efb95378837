"""How much faster is our training loop than others, and does it learn as well?

All train the same network on the same samples, in batches of 64, for the same epochs, on one thread
and in turns: the loop of most tutorials over a DataLoader, that of Optuna's own example, Lightning
and skorch (see `loops`). Ratios are of wall and of CPU time; where others use the machine too, CPU
time says more.

    pip install lightning skorch
    python benchmarks/performance/training.py --turns 8

What was tried and did not pay, on two shared cores of an AMD EPYC 9004, by CPU time:

- `torch.compile`: 31 to 112 s for one network, whose steps then take 1.3 times as long.
- Flushing denormals, `mallopt` with a large trim threshold: within noise; pages are not given back
  at each step (0.02 faults a step).
- Gathering an epoch at once: a step's two gathers take 5 us of its 1,100 (8x8).
- Parameters as views of one flat tensor: the fused kernel takes 10 us instead of 13.
- Images not channels last: max pooling takes ten times as long.
- The pool of 2x2 as maxima of rows and columns: with its gradient 3.8 times as long.
- oneDNN's own layout: its pool is 6 times as fast, but its gradient fails.
- Convolutions as products of matrices: copying the patches takes 0.9 to 3 times as long as the
  convolution.
- Operators traced by `make_fx`: 80 ms a candidate, where recording them takes 4.

On images of 28x28 convolutions, pools and batch-norms take 80 % of a step: without kernels of our
own no loop can be much faster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import mean, median

import torch
from torch import nn

from perjoule.benchmarks.performance.loops import BATCH_SIZE, LEARNING_RATE, Pictures, installed
from perjoule.benchmarks.performance.options import make_parser
from perjoule.benchmarks.performance.timing import ratio_interval, take_turn, timed
from perjoule.errors import DataError
from perjoule.models.data import load
from perjoule.models.data.splits import Data, Normalisation, Split
from perjoule.models.networks.cnn import cnn
from perjoule.models.operations import count_parameters
from perjoule.models.runtime import Runtime
from perjoule.models.training import build, evaluate, train_epoch

N_CLASSES = 10
PLAIN = Runtime(torch.device("cpu"))
OURS = "perjoule"


def prepare_ours(data: Data, epochs: int, seed: int) -> tuple[nn.Module, Callable[[], object]]:
    """A network, and what trains it by our loop, as a search runs it."""
    runtime = Runtime.detect("cpu")
    params = {"learning_rate": LEARNING_RATE, "batch_size": BATCH_SIZE}
    built = build(params, "cnn", data.shape, N_CLASSES, runtime, seed)

    def train() -> None:
        for epoch in range(epochs):
            train_epoch(built, data.train, seed, epoch, should_stop=lambda: False)

    return built.network, train


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


def compare(data: Data, epochs: int, turns: int) -> None:
    """Train in turns and print what came out."""
    pictures, peers = Pictures(data.train), installed()

    def prepare(name: str, epochs: int, seed: int) -> tuple[nn.Module, Callable[[], object]]:
        if name == OURS:
            return prepare_ours(data, epochs, seed)
        torch.manual_seed(seed)
        network = cnn(data.shape, N_CLASSES)
        return network, peers[name](network, pictures, epochs, seed)

    names = [OURS, *peers]
    wall_s: dict[str, list[float]] = {name: [] for name in names}
    cpu_s: dict[str, list[float]] = {name: [] for name in names}
    accuracies: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        prepare(name, 1, 0)[1]()  # the first epoch of a process pays for initialisation
    for seed in range(turns):
        for name in take_turn(names, seed):
            network, train = prepare(name, epochs, seed)
            for times_s, time_s in zip((wall_s, cpu_s), timed(train), strict=True):
                times_s[name].append(time_s)
            result = evaluate(network, data.test, PLAIN, should_stop=lambda: False)
            accuracies[name].append(result.score if result else 0.0)

    n_parameters = count_parameters(cnn(data.shape, N_CLASSES))
    print(
        f"\n{data.name}: {len(data.train)} images of {data.shape}, {epochs} epochs, "
        f"{n_parameters} parameters, {turns} turns"
    )
    seen = epochs * len(data.train)
    for name in names:
        print(
            f"  {name:10} {seen / median(cpu_s[name]):8,.0f} samples per CPU second,"
            f" {seen / median(wall_s[name]):8,.0f} per second;"
            f" test accuracy {mean(accuracies[name]):.3f}"
            f" ({min(accuracies[name]):.3f} to {max(accuracies[name]):.3f})"
        )
    for name in peers:
        by_cpu, by_wall = (ratio_interval(each[name], each[OURS]) for each in (cpu_s, wall_s))
        print(
            f"  {OURS} is {by_cpu.middle:.2f} ({by_cpu.low:.2f} to {by_cpu.high:.2f}) times as fast"
            f" as {name} by CPU time, {by_wall.middle:.2f} ({by_wall.low:.2f} to"
            f" {by_wall.high:.2f}) by wall time"
        )


def main() -> None:
    """Compare the loops on images of 8x8 and of 28x28 pixels."""
    parser = make_parser(__doc__)
    parser.add_argument("--turns", type=int, default=5, help="how often each loop trains")
    turns = parser.parse_args().turns
    torch.set_num_threads(1)
    print(Runtime.detect("cpu").describe())
    compare(load("digits"), epochs=10, turns=turns)
    compare(images_28x28(n_samples=6000), epochs=2, turns=turns)


if __name__ == "__main__":
    main()
