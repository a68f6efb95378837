"""What does metering cost a training, and how long does each of its steps take?

The same loop trains a small network on digits bare, and metered as a search meters it: with a
window per epoch and the budget asked before every step. The two take turns by epochs, in both
orders, so that other load falls on both alike. CPU time feels it less and stands beside wall time.

    python benchmarks/performance/overhead.py --pairs 200
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import torch

from perjoule.benchmarks.performance.options import make_parser
from perjoule.benchmarks.performance.powercap import make_zone
from perjoule.benchmarks.performance.timing import microseconds, ratio_interval, take_turn, timed
from perjoule.energy import EnergyBudget, EnergyMeter
from perjoule.energy.sources import rapl
from perjoule.energy.sources.cpu.time import CpuTimeSource
from perjoule.energy.sources.resolve import Machine, resolve
from perjoule.models.data import load
from perjoule.models.networks.cnn import cnn
from perjoule.models.runtime import Runtime
from perjoule.models.training import build, train_epoch

PARAMS = {"learning_rate": 1e-3, "log2_batch_size": 6}
UNLIMITED_J = 1e12

Sides = dict[str, tuple[float, float]]
"""Wall and CPU seconds of one epoch, by side."""


class Training:
    """One network in training, bare or metered."""

    def __init__(self) -> None:
        data, self._runtime = load("digits"), Runtime.detect("cpu")
        self._split = data.train
        self._built = build(PARAMS, cnn, data.shape, data.n_classes, self._runtime, seed=0)
        self.n_steps = 0

    def epoch(self, should_stop: Callable[[], bool]) -> None:
        """Train for one epoch."""
        self.n_steps = train_epoch(self._built, self._split, 0, 0, should_stop).steps


def train_by_turns(training: Training, meter: EnergyMeter, pairs: int) -> list[Sides]:
    """Train one epoch bare and one metered, again and again."""
    budget = EnergyBudget(UNLIMITED_J, meter)
    window = meter.window()

    def bare() -> None:
        training.epoch(lambda: False)

    def metered() -> None:
        budget.begin_phase()
        training.epoch(budget.should_stop)
        window.lap()

    sides = {"bare": bare, "metered": metered}
    for work in sides.values():
        work()  # the first epoch of a process pays for initialisation
    return [{name: timed(sides[name]) for name in take_turn(sides, pair)} for pair in range(pairs)]


@contextmanager
def powercap() -> Iterator[Path]:
    """A powercap tree of two packages with DRAM, on files: what sysfs takes on top is not seen."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        zones = {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1"}
        for zone, name in {**zones, "intel-rapl:0:0": "dram", "intel-rapl:1:0": "dram"}.items():
            make_zone(root / zone, name, register_uj=123_456_789)
        yield root


def print_costs(root: Path) -> None:
    """The time that each step of metering takes, by meter."""
    meters: dict[str, Callable[[], EnergyMeter]] = {
        "model": lambda: EnergyMeter("model"),
        "cpu_time": lambda: EnergyMeter([CpuTimeSource()]),
        "rapl (files)": lambda: EnergyMeter(resolve("rapl", Machine(rapl_root=root))),
        "rapl + cpu_time": lambda: EnergyMeter([*rapl.discover(root).sources, CpuTimeSource()]),
    }
    steps = ("start-up", "lap", "budget check", "full spent_j")
    print("\nMicroseconds, median (95th percentile)")
    print(f"{'meter':16}" + "".join(f"{step:>22}" for step in steps))
    for name, make in meters.items():
        startup = microseconds(lambda make=make: make().close(), rounds=50)
        with make() as meter:
            budget = EnergyBudget(UNLIMITED_J, meter)
            window = meter.window()
            costs = (
                startup,
                microseconds(window.lap),
                microseconds(budget.should_stop),
                microseconds(lambda budget=budget: budget.spent_j),
            )
        print(f"{name:16}" + "".join(f"{f'{m:,.1f} ({p:,.1f})':>22}" for m, p in costs))


def main() -> None:
    """Compare, and print the tables."""
    parser = make_parser(__doc__)
    parser.add_argument("--pairs", type=int, default=200, help="epochs of each side")
    pairs = parser.parse_args().pairs
    torch.set_num_threads(1)
    print(Runtime.detect("cpu").describe())
    training = Training()
    print(f"Metered over bare training, {pairs} pairs of epochs: median (95 % interval)")
    with powercap() as root:
        meters = {
            "cpu_time": EnergyMeter("cpu_time"),
            "rapl (files)": EnergyMeter(resolve("rapl", Machine(rapl_root=root))),
        }
        for name, meter in meters.items():
            with meter:
                found = train_by_turns(training, meter, pairs)
            epoch_s = median(sides["bare"][0] for sides in found)
            for clock, what in enumerate(("wall", "CPU")):
                metered, bare = ([sides[s][clock] for sides in found] for s in ("metered", "bare"))
                middle, low, high = (ratio - 1 for ratio in ratio_interval(metered, bare))
                print(f"  {name:12} {what:4} time {middle:+7.2%} ({low:+.2%} to {high:+.2%})")
            print(
                f"  {'':12} an epoch of {training.n_steps} steps takes {1e3 * epoch_s:.1f} ms, "
                f"a step {1e3 * epoch_s / training.n_steps:.2f} ms"
            )
        print_costs(root)


if __name__ == "__main__":
    main()
