"""What the same training takes in joules by CPU time while others use the machine.

One network is trained for the same steps from the same seed, again and again, on one thread. Beside
it, processes that do the same keep the machine busy: none, one, two, four, and none again. Joules
are CPU-seconds of the training's process times watts per core; also counted are the cores that
all others keep busy.

    python benchmarks/performance/loaded.py --write benchmarks/results/loaded-2026-11-27.csv
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from perjoule.benchmarks.performance.options import make_parser
from perjoule.energy import EnergyMeter
from perjoule.energy.load import busy, others_cores
from perjoule.files.writing import write_whole

BLOCKS = (0, 1, 2, 4, 0)
"""Processes beside the training, by turns."""
WATTS = 4.0
HEADS = ("beside", "others_cores", "duration_s", "energy_j")
BUSY, MEASURED = "--busy", "--measured"
_STARTED_S = 6.0  # by then the processes beside it train


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a line for each training or write them; returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.busy or options.measured:
        train = training(options.steps)
        train()  # warm
        while options.busy:
            train()
        _print_rows(train, options.repeats)
        return 0
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADS)
    for beside in BLOCKS:
        writer.writerows([beside, *row] for row in _block(beside, options))
    if options.write is None:
        sys.stdout.write(text.getvalue())
    else:
        write_whole(options.write, lambda part: part.write_text(text.getvalue(), "utf-8"))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=20, metavar="N", help="of each block")
    parser.add_argument("--steps", type=int, default=20, metavar="N", help="of a training")
    parser.add_argument("--write", type=Path, metavar="FILE", help="a CSV of it")
    parser.add_argument(BUSY, action="store_true", help="train without an end, as a load")
    parser.add_argument(MEASURED, action="store_true", help="train and print what it took")
    return parser


def training(steps: int) -> Callable[[], None]:
    """The training: a small convolutional network on random images of 16 by 16, one thread."""
    import torch
    from torch import nn

    torch.set_num_threads(1)
    images, labels = torch.rand(64, 1, 16, 16), torch.randint(10, (64,))

    def train() -> None:
        torch.manual_seed(0)
        network = nn.Sequential(
            *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU()),
            *(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 36, 10)),
        )
        optimizer = torch.optim.Adam(network.parameters())
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(images), labels).backward()
            optimizer.step()

    return train


def _print_rows(train: Callable[[], None], repeats: int) -> None:
    meter = EnergyMeter(f"cpu_time:{WATTS:g}")
    for _ in range(repeats):
        before = busy()
        with meter.window() as window:
            train()
        others, reading = others_cores(before, busy()), window.reading
        print(f"{others:.3g},{reading.duration_s:.4g},{reading.total_j:.4g}", flush=True)


def _block(beside: int, options: argparse.Namespace) -> Iterator[list[str]]:
    """Trainings beside so many processes, none of which is a child of theirs."""
    own = [sys.executable, __file__, "--steps", str(options.steps)]
    with contextlib.ExitStack() as stack:
        for _ in range(beside):
            stack.callback(stack.enter_context(subprocess.Popen([*own, BUSY])).kill)
        if beside:
            time.sleep(_STARTED_S)
        command = [*own, MEASURED, "--repeats", str(options.repeats)]
        found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return csv.reader(found.stdout.splitlines())


if __name__ == "__main__":
    sys.exit(main())
