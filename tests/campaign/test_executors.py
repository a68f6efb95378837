"""Executors that run jobs again, lose them or do them twice, in random order and number."""

import json
import random

import pytest

from perjoule.benchmarks.comparison import heartbeat

from ..benchmarks.comparison.careless import Careless, compare
from ..benchmarks.comparison.ledgers import read_ledger, spent_j

STRATEGIES = ("random", "tpe", "asha", "grid", "sobol")


def test_careless_executors_lose_no_joules(tmp_path, monkeypatch, share_of, tally):
    monkeypatch.setattr(heartbeat, "PULSE_S", 0.0)
    cases = random.Random(1).sample(range(100), share_of(100))
    wrong = twice = lost = deaths = 0
    for seed in cases:
        rng = random.Random(seed)
        ways = ("fine", *rng.sample(("rerun", "lost", "cancelled", "twice"), rng.randint(1, 3)))
        executor = Careless(seed, ways)
        width = rng.choice((1, 1, 2))
        result = compare(
            tmp_path / str(seed),
            executor,
            strategies=rng.sample(STRATEGIES, 2),
            budget=f"{rng.uniform(0.2, 0.8):.3f} J",
            parallel_trials=width,
            workers=width,
        )
        events = read_ledger(result.folder)
        wrong += sum(spent_j(result.folder).values()) != pytest.approx(executor.spent_j, rel=1e-9)
        nonces = [event["nonce"] for event in events if event.get("nonce")]
        twice += len(nonces) - len(set(nonces))
        charged = [e for e in events if e["event"] == "interrupted" or e.get("state") == "failed"]
        lost += len(charged) < executor.deaths
        deaths += executor.deaths
        assert json.loads((result.folder / "summary.json").read_text())["status"] == "complete"
    print(f"{deaths} workers died")
    tally(
        "executors that rerun, lose or duplicate jobs",
        len(cases),
        wrong_joules=wrong,
        jobs_charged_twice=twice,
        lost_trials=lost,
    )
