"""Whether others use the machine while joules are counted.

CPU-seconds on a shared machine are worth different amounts of work, so a study says how busy the
machine was with other work before it and while it ran.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

from pydantic import Field

from ...energy.load import busy, others_cores
from ...files.bounded import TABLE, open_file
from ...plain import read_json
from ..tables.facts import Fact, read_fact

PERIOD_S = 2.0
BUSY_CORES = 0.25
"""Others that use more of a core than this make a period a busy one."""
BUSY_SHARE = 0.05
"""More busy periods than this share are worth a warning."""


@dataclass(frozen=True)
class LoadSample(Fact):
    """How busy others kept the machine in one period."""

    # Unix time of its end.
    at: Annotated[float, Field(ge=0, le=1e12)]
    # Cores that were busy with what is none of ours, on the mean.
    others_cores: Annotated[float, Field(ge=0, le=1e6)]


@dataclass(frozen=True)
class Load(Fact):
    """How busy others kept the machine."""

    before_cores: float | None  # cores, before the study began
    median_cores: float | None  # while it ran
    most_cores: float | None
    busy_share: float | None  # share of the periods in which others used more than `BUSY_CORES`
    samples: int

    @property
    def warning(self) -> str:
        """What is to be said against the numbers; empty if nothing is."""
        if not self.samples or not (self.busy_share or 0.0) > BUSY_SHARE:
            return ""
        return (
            f"Others used the machine: more than {BUSY_CORES:g} cores in {self.busy_share:.0%} of "
            f"the time, at most {self.most_cores:.1f}. CPU-seconds are worth less work then, so "
            "joules may be too high; the shuffled order lets that fall on all cells alike."
        )


class LoadWatch:
    """Writes every two seconds how busy others keep the machine, while its ``with`` block runs.

    Args:
        path: A file of JSON lines, to which is added.
        warn: Is told once if others use the machine.
    """

    def __init__(self, path: Path, warn: Callable[[str], None] | None = None) -> None:
        self._path, self._warn = path, warn
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> LoadWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        in_a_row = 0
        before = busy()
        while not self._over.wait(PERIOD_S):
            now = busy()
            sample = LoadSample(time.time(), others_cores(before, now))
            before = now
            with contextlib.suppress(OSError), self._path.open("a") as file:
                file.write(json.dumps(sample.to_dict()) + "\n")
            in_a_row = in_a_row + 1 if sample.others_cores > BUSY_CORES else 0
            if in_a_row == 3 and self._warn is not None:
                self._warn(
                    f"Others use {sample.others_cores:.1f} cores of this machine: joules by "
                    "CPU-seconds are less certain."
                )
                self._warn = None


def read_load(path: Path, before_cores: float | None) -> Load:
    """Sum up what a watch wrote; unreadable lines are passed over."""
    cores = [sample.others_cores for sample in _samples(path)]
    if not cores:
        return Load(before_cores, None, None, None, 0)
    busy = sum(each > BUSY_CORES for each in cores) / len(cores)
    return Load(before_cores, median(cores), max(cores), busy, len(cores))


def _samples(path: Path) -> Iterator[LoadSample]:
    with contextlib.suppress(OSError), open_file(path, TABLE) as file:
        for line in file:
            with contextlib.suppress(ValueError):
                sample = read_fact(LoadSample, read_json(line))
                if sample is not None:
                    yield sample
