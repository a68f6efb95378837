"""Simulated searches on machines that changed or did not: how often it is told, and wrongly."""

import random

from perjoule.benchmarks.comparison.drift import drift_of

from ..benchmarks.comparison.drifting import events


def test_drift_is_told_where_there_is_some_and_nowhere_else(share_of, tally):
    seeds = random.Random(2).sample(range(10_000), share_of(600))
    false_alarms = missed = 0
    for seed in seeds:
        rng = random.Random(seed)
        n, noise = rng.randint(20, 120), rng.uniform(0.02, 0.12)
        moving = rng.choice((0.0, 0.1, 0.5, 0.9))
        honest = drift_of(events(seed, n, noise, moving=moving))
        false_alarms += honest is not None and honest.is_large
        at, size = rng.uniform(0.3, 0.7), rng.choice((1.6, 0.6))
        step = {"level": lambda time, _, at=at, size=size: size if time >= at else 1.0}
        changed = drift_of(events(seed, max(n, 45), noise, **step))
        missed += changed is None or not changed.is_large
    print(f"{false_alarms} false alarms and {missed} missed steps in {len(seeds)}")
    allowed = max(2, len(seeds) // 20)
    tally(
        "drift of joules per operation",
        len(seeds),
        false_alarms_beyond_a_twentieth=max(0, false_alarms - allowed),
        missed_steps_beyond_a_twentieth=max(0, missed - allowed),
    )
