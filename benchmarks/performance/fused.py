"""How many more trials does a joule train as one stack than one after the other?

Candidates of one shape that differ in optimiser, rate and decay are trained both ways on one
thread, in turns: CPU seconds a trial, their ratio, and how far results lie apart. They differ by
rounding alone, which training then enlarges; the last figures are how far the same training by
itself ends up when each of its first weights is changed by a ten millionth.

    python benchmarks/performance/fused.py --pairs 3 --sizes 8
    python benchmarks/performance/fused.py --kernels

What did not pay, in milliseconds of CPU; the first three are of `--kernels`, forward and backward
passes of 8 networks:

- Convolutions, 32 samples, 16 channels, 4x4 pixels, 3x3 kernels, float32: 2.98 one by one, 1.06
  grouped (the stack's), 1.75 by `torch.vmap`, 2.92 unfolded and multiplied by `bmm`; in bfloat16
  2.55, 0.75, 1.14 and 1.11. On 14x14 pixels and 8 channels 8.26, 4.94, 7.86 and 32.4. With 16
  channels and 5x5 kernels there all but `bmm` are alike: 42.6, 38.2, 46.0 and 331.
- Grouped convolutions with channels first: 4.02 in place of 2.30 (bfloat16, 14x14, 8 channels), but
  on 4x4 pixels with 32 channels 5.58 in place of 7.64 (float32, 64 samples).
- Products with samples first, as a network has them: 8.02 in place of 6.53 (64 samples, 350
  features, float32; 7.12 one by one), since gradients come out across and are copied.
- Whole validation batches: 753 in place of 280 (16 networks, 512 images of 28x28).
- Stacks of 2, and products of 350 features and more: `gain` says so, and they are not stacked.
"""

from __future__ import annotations

import math
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor

from perjoule.benchmarks.performance.fused_kernels import show_kernels
from perjoule.benchmarks.performance.options import make_parser, write_figures
from perjoule.benchmarks.performance.timing import take_turn, timed
from perjoule.benchmarks.performance.training import images_28x28
from perjoule.energy import EnergyBudget, EnergyMeter
from perjoule.models.checkpoint import load_checkpoint
from perjoule.models.data import load
from perjoule.models.data.splits import Data
from perjoule.models.fused import train_together
from perjoule.models.fused.paying import gain
from perjoule.models.network_training import NetworkTraining
from perjoule.models.objective import Objective, Slice
from perjoule.models.outcome import SliceResult, StopRule
from perjoule.models.phases import Assignment
from perjoule.models.runtime import Runtime
from perjoule.models.training import Built

SIZES = (2, 4, 8, 16)
LEAST_STEPS = 40  # of a training
SHAPES: list[tuple[str, str, dict[str, Any]]] = [
    ("digits", "cnn", {"conv_blocks": 1, "width": 8}),
    ("digits", "cnn", {"conv_blocks": 2, "width": 16}),
    ("digits", "cnn", {"conv_blocks": 3, "width": 40, "dropout": 0.2}),
    ("digits", "mlp", {"size": 2**14, "dropout": 0.2}),
    ("digits", "mlp", {"size": 2**17}),
    ("28x28", "cnn", {"conv_blocks": 2, "width": 16}),
]
BATCHES = (5, 8)  # log2 of samples


class Nudged(NetworkTraining):
    """The same training from weights that are off by rounding."""

    def build(self, candidate: Any, seed: int) -> Built:
        """Build as ever, and change each weight by a ten millionth."""
        built = super().build(candidate, seed)
        with torch.no_grad():
            for each in built.network.parameters():
                each.mul_(1 + 1e-7 * torch.randn_like(each).sign())
        return built


class Apart(NamedTuple):
    """How far two trainings of a candidate ended apart."""

    score: float
    weights: float  # the norm of their difference over that of the weights


class Measured(NamedTuple):
    """What became of one shape and size."""

    data: str
    architecture: str
    network: dict[str, Any]
    precision: str
    batch_size: int
    size: int
    alone_s: float  # CPU seconds a trial
    fused_s: float
    ratios: list[float]  # of each pair
    foreseen: float  # by `gain`
    apart: Apart  # the largest of all candidates, alone against fused
    moved: Apart  # the same of the first weights nudged


def candidates(network: dict[str, Any], log2_batch_size: int, size: int) -> list[dict[str, Any]]:
    """So many of one shape, that differ in optimiser, rate and decay."""
    optimizers = ("adam", "sgd", "adamw")
    return [
        {
            **network,
            "log2_batch_size": log2_batch_size,
            "optimizer": optimizers[k % 3],
            "learning_rate": 1e-3 * 10 ** (k / size),
            "weight_decay": 1e-5 * 2 ** (k % 8),
        }
        for k in range(size)
    ]


def measure(
    data: Data,
    architecture: str,
    network: dict[str, Any],
    log2_batch_size: int,
    runtime: Runtime,
    size: int,
    pairs: int,
) -> Measured:
    """Train both ways in turns."""
    training = NetworkTraining(data, runtime, architecture)
    precision = "float32" if runtime.autocast is None else "bf16"
    given = candidates({**network, "precision": precision}, log2_batch_size, size)
    epochs = math.ceil(LEAST_STEPS / math.ceil(len(data.train) / 2**log2_batch_size))
    foreseen = gain(training, given[0], size)
    results: dict[str, list[SliceResult]] = {}
    times_s: dict[str, list[float]] = {"alone": [], "fused": []}

    def train(way: str, training: NetworkTraining = training) -> None:
        objective = Objective(training)
        with EnergyMeter("model") as meter:
            stop, budget = StopRule(epochs, pause=True), EnergyBudget(math.inf, meter)
            slices = [
                Slice({**each, "epochs": epochs}, Assignment(stop, meter, budget)) for each in given
            ]
            if way == "fused":
                function = partial(train_together, training)
                results[way] = objective.train_together(slices, function, lambda *_: None)
            else:
                results[way] = [objective.train_slice(*each) for each in slices]

    for pair in range(pairs):
        for way in take_turn(times_s, pair):
            times_s[way].append(timed(partial(train, way))[1] / size)
    train("nudged", Nudged(data, runtime, architecture))
    return Measured(
        data.name,
        architecture,
        network,
        str(runtime.autocast or torch.float32).removeprefix("torch."),
        2**log2_batch_size,
        size,
        median(times_s["alone"]),
        median(times_s["fused"]),
        [a / b for a, b in zip(times_s["alone"], times_s["fused"], strict=True)],
        foreseen,
        _apart(results["alone"], results["fused"]),
        _apart(results["alone"], results["nudged"]),
    )


def _apart(some: list[SliceResult], others: list[SliceResult]) -> Apart:
    scores, weights = [], []
    for one, other in zip(some, others, strict=True):
        if one.score is None or other.score is None:
            raise RuntimeError(one.message or other.message)
        first, second = _weights(one), _weights(other)
        scores.append(abs(one.score - other.score))
        weights.append(float((first - second).norm() / first.norm()))
    return Apart(max(scores), max(weights))


def _weights(result: SliceResult) -> Tensor:
    assert result.checkpoint is not None
    network = load_checkpoint(result.checkpoint)["state"]["network"]
    return torch.cat([each.flatten() for each in network.values() if each.is_floating_point()])


def show(found: Measured) -> None:
    """Print one line."""
    network = ",".join(str(value) for value in found.network.values())
    apart, moved = found.apart, found.moved
    print(
        f"{found.data:13} {found.architecture} {network:10} {found.precision:8} "
        f"{found.batch_size:4} {found.size:3}  {1e3 * found.alone_s:7.1f} "
        f"{1e3 * found.fused_s:7.1f}  {median(found.ratios):5.2f} "
        f"({min(found.ratios):.2f} to {max(found.ratios):.2f}) {found.foreseen:5.2f}   "
        f"{apart.score:.3f} {apart.weights:.0e}   {moved.score:.3f} {moved.weights:.0e}",
        flush=True,
    )


def main() -> None:
    """Measure shapes and sizes, or kernels."""
    parser = make_parser(__doc__, json=True)
    parser.add_argument("--pairs", type=int, default=3, help="how often each way trains")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="trials in a stack")
    parser.add_argument("--precision", nargs="+", default=["float32", "bf16"])
    parser.add_argument("--kernels", action="store_true", help="compare kernels instead")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.kernels:
        show_kernels()
        return
    print(Runtime.detect("cpu").describe())
    print("CPU milliseconds a trial, alone and fused; their ratio; the one foreseen by `gain`; how")
    print("far apart in accuracy and in weights; how far by a nudge")
    sets = {"digits": load("digits"), "28x28": images_28x28(n_samples=2_000)}
    found = []
    for name, architecture, network in SHAPES:
        for precision in options.precision:
            runtime = Runtime(torch.device("cpu")).at(precision)
            for batch in BATCHES:
                for size in options.sizes:
                    case = (sets[name], architecture, network, batch, runtime, size)
                    found.append(measure(*case, options.pairs))
                    show(found[-1])
    figures = [{**each._asdict(), "apart": each.apart, "moved": each.moved} for each in found]
    write_figures(options.json, {"shapes": figures})


if __name__ == "__main__":
    main()
