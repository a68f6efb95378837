"""Ledgers of searches whose machine changed in a known way, or did not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from perjoule.benchmarks.comparison.events import Event, SliceEvent
from perjoule.models.outcome import State


def events(
    seed: int,
    n: int = 45,
    noise: float = 0.06,
    level: Callable[[float, int], float] = lambda time, worker: 1.0,
    moving: float = 0.0,
    workers: int = 2,
) -> list[Event]:
    """A search of ``n`` trials.

    A step of few operations costs up to six times more per operation than one of many.

    Args:
        seed: Of all chance.
        n: Trials.
        noise: Standard deviation of the logarithm of joules.
        level: The factor of the machine, by the time from 0 to 1 and the worker.
        moving: From the whole space at first, the strategy comes down to sizes about this one.
        workers: How many train.
    """
    rng = np.random.default_rng(seed)
    found: list[Event] = []
    for place in range(n):
        time = place / (n - 1)
        size, log2_batch = rng.uniform(), rng.uniform(4, 9)
        if moving:
            size = np.clip((1 - time) * size + time * rng.normal(moving, 0.05), 0, 1)
            log2_batch = (1 - time) * log2_batch + 6 * time
        flops, batch = 10 ** (5.5 + 2.5 * size), 2 ** round(log2_batch)
        epochs, worker = int(rng.integers(1, 5)), int(rng.integers(workers))
        operations = 3 * flops * 1500 * epochs
        per_operation_j = 1e-11 * (1 + 2e7 / (flops * batch))
        factor = level(time, worker) * math.exp(rng.normal(0, noise))
        params: dict[str, Any] = {
            "batch": batch,
            "epochs": epochs,
            "learning_rate": 10 ** rng.uniform(-3, -1),
            "optimizer": str(rng.choice(["adam", "sgd"])),
        }
        found.append(
            SliceEvent(
                run=f"tpe-{place % 3}",
                trial=place // 3,
                state=State.COMPLETE,
                params=params,
                energy_j=operations * per_operation_j * factor + 0.01,
                search_j=0.01,
                setup_j=0.0,
                energy_kind="modelled",
                flops=int(flops),
                n_parameters=int(flops**0.7 * math.exp(rng.normal(0, 0.3))),
                started_at=1.8e9 + 60 * place,
                operations=operations,
                worker=f"here:{worker}",
                message="",
            )
        )
    return found
