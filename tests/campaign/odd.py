"""Trial tables that are valid, and as odd as the contract allows."""

import math
import random
from typing import Any

import pandas as pd

import perjoule
from perjoule.benchmarks.tables.table import Table

EVIL = "<script>document.title='owned'</script>"
TEXTS = (
    EVIL,
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "a\"b'c`",
    "two\nlines\r\tand\x07a bell",
    "=1+1",
    "%{x}<br><b>bold</b>",
    "$x_1$ & 50 % #1 {a} \\n ~^",
    "| pipe | `tick` |",
    "ünïcödé 漢字 \U0001f60a",
    "\u202eright to left",
    "nan",
    "constructor",
    "__proto__",
    "-",
    "x" * 300,
    "a, b",
    "toString",
)
METRICS: tuple[Any, ...] = (
    None,
    "rmse",
    "loss",
    {"name": "reward", "direction": "maximize"},
    {"name": "nll", "direction": "minimize"},
    {"name": "kappa", "direction": "maximize", "low": -1, "high": 1},
    {"name": "<b>f1</b>", "direction": "maximize", "low": 0, "high": 1},
    {"name": "error", "direction": "minimize", "low": 0, "high": 1},
    "r2",
)
KINDS = ("measured", "modelled", "integrated", "apportioned", "measured+modelled", "replayed", None)
PHASES = ("train", "validate", "setup", "search")


def odd_table(seed: int) -> Table:
    """A valid table; the same seed makes the same one."""
    rng = random.Random(seed)
    metric = rng.choice(METRICS)
    frame = _trials(rng, _scores(rng, metric))
    by = _group(rng, frame)
    table = perjoule.load_table(frame, by=by or "none", metric=metric)
    return _with_sides(rng, table, by)


def _scores(rng: random.Random, metric: Any):
    """What draws a score that the metric allows."""
    named = metric if isinstance(metric, str) else (metric or {}).get("name", "accuracy")
    draw = {
        "rmse": lambda: rng.lognormvariate(0, 2),
        "loss": lambda: rng.lognormvariate(0, 1),
        "reward": lambda: rng.gauss(0, 100),
        "nll": lambda: rng.gauss(-2, 3),
        "kappa": lambda: rng.uniform(-1, 1),
        "r2": lambda: 1 - rng.lognormvariate(0, 1),
    }.get(named, rng.random)
    extremes = {
        "rmse": (0.0, 1e-12, 1e12),
        "loss": (0.0, 1e6),
        "reward": (-1e9, 1e9, 0.0),
        "nll": (-1e300, 1e300, -0.0),
        "kappa": (-1.0, 1.0, 0.0),
        "r2": (1.0, -1e8),
    }.get(named, (0.0, 1.0, 1 - 1e-12, 1e-12))
    how = rng.choice(("plain", "plain", "ties", "constant", "extremes", "few"))
    few = [draw() for _ in range(3)]
    if how == "constant":
        return lambda: few[0]
    if how == "ties":
        return lambda: rng.choice(few)
    if how == "extremes":
        return lambda: rng.choice(extremes) if rng.random() < 0.4 else draw()
    if how == "few":
        return lambda: draw() if rng.random() < 0.1 else None
    return draw


def _energies(rng: random.Random):
    draws = {
        "plain": lambda: rng.lognormvariate(1, 1),
        "odd": lambda: rng.choice((0.0, None, 1e-9, 1e12, rng.lognormvariate(0, 1))),
        "tiny": lambda: rng.choice((1e-9, 3e-12, 1e-300)),
        "huge": lambda: rng.choice((1e12, 3e15, 1e290)),
        "unknown": lambda: None if rng.random() < 0.2 else rng.lognormvariate(1, 1),
        "nothing": lambda: rng.choice((0.0, None)),
        "equal": lambda: 2.0,
    }
    return draws[rng.choice(("plain", "plain", *draws))]


def _trials(rng: random.Random, score: Any) -> pd.DataFrame:
    names = [
        rng.choice(TEXTS) + f" {i}" if rng.random() < 0.2 else f"s{i}"
        for i in range(rng.choice((1, 1, 2, 2, 3, 3, 5, 5, 7, 7, 12, 30)))
    ]
    most = rng.choice((1, 2, 5, 20, 60))
    most = min(most, 300 // len(names))
    params = _params(rng)
    kinds = rng.sample(KINDS, rng.choice((1, 1, 1, 2, 3)))
    failing = rng.choice((0.0, 0.0, 0.1, 0.6, 1.0))
    split, parts = rng.random() < 0.5, rng.random() < 0.4
    timed = rng.random() < 0.6
    rows = []
    for name in names:
        energy = _energies(rng)
        for seed in range(rng.randint(1, 8 if most < 30 else 3)):
            for trial in range(rng.randint(1, most)):
                state = "complete"
                if rng.random() < failing:
                    state = rng.choice(("failed", "failed", "pruned", "truncated", "interrupted"))
                row: dict[str, Any] = {
                    "strategy": name,
                    "seed": seed,
                    "trial": trial,
                    "state": state,
                    "score": None if state == "failed" else score(),
                    "energy_j": energy(),
                    "energy_kind": "lower bound" if rng.random() < 0.02 else rng.choice(kinds),
                    "message": rng.choice((*TEXTS[:8], "out of memory"))
                    if state == "failed"
                    else None,
                    "epochs": rng.choice((None, 0, 1, 9)),
                }
                if timed:
                    row["duration_s"] = rng.choice((None, 0.0, rng.lognormvariate(0, 2)))
                    row["started_at"] = f"2026-01-01T00:{trial % 60:02}:{seed:02}Z"
                if split and row["energy_j"] is not None:
                    left = row["energy_j"]
                    for phase in PHASES[: rng.randint(1, 4)]:
                        row[f"energy_{phase}_j"] = left * rng.choice((0.0, 0.3, 1.0))
                        left -= row[f"energy_{phase}_j"]
                if parts and row["energy_j"] is not None:
                    row["cpu_j"] = row["energy_j"] * rng.choice((0.0, 0.5))
                    row["gpu_j"] = rng.choice((None, row["energy_j"] * 0.25))
                row |= {param: draw(len(rows)) for param, draw in params.items()}
                rows.append(row)
    return pd.DataFrame(rows)


def _params(rng: random.Random):
    """What draws the value of each hyperparameter for a row of a number."""
    draws = {
        "lr": lambda _: 10 ** rng.uniform(-5, 0),
        "width": lambda _: rng.randint(8, 256),
        "opt": lambda _: rng.choice(("adam", "sgd", EVIL)),
        "momentum": lambda _: rng.choice((None, rng.random())),
        "constant": lambda _: 3,
        "nothing": lambda _: None,
        "huge": lambda _: rng.randint(10**17, 9 * 10**18),
        "deep": lambda _: rng.choice((True, False)),
        "maybe": lambda _: rng.choice((True, False, None)),
        "unique": lambda row: f"candidate {row} {rng.choice(TEXTS[:6])}",
        EVIL: lambda _: rng.choice(TEXTS),
        "odd, name\n=1": lambda _: rng.choice((0.0, 1e-300, 1e300, -5.0)),
        "mixed": lambda _: rng.choice(("1", "x", "2.5")),
        "__proto__": lambda _: rng.random(),
        "constructor": lambda _: rng.choice(TEXTS[-6:]),
        "score_of": lambda _: rng.randint(0, 3),
    }
    if rng.random() < 0.15:
        return {}
    return {name: draws[name] for name in rng.sample(list(draws), rng.randint(1, len(draws)))}


def _group(rng: random.Random, frame: pd.DataFrame) -> list[str]:
    """Add columns to group by; the names of these."""
    by = rng.choice(([], [], ["data"], ["data", "machine"]))
    values: dict[str, tuple[Any, ...]] = {
        "data": rng.choice((("a", "b"), (EVIL, None, "z"), (1, 2, 3), (0.5, math.nan), ("one",))),
        "machine": ("m\n1", None, "m2"),
    }
    for name in by:
        chosen = {}
        frame[name] = [
            chosen.setdefault((strategy, seed), rng.choice(values[name]))
            for strategy, seed in zip(frame["strategy"], frame["seed"], strict=True)
        ]
    return by


def _with_sides(rng: random.Random, table: Table, by: list[str]) -> Table:
    trials, given = table.trials, {}
    if rng.random() < 0.4:
        given["curves"] = _curves(rng, trials)
    if rng.random() < 0.25:
        halves = trials.assign(energy_j=trials["energy_j"] / 2)
        first = halves.assign(state="paused")
        given["slices"] = pd.concat([first, halves], ignore_index=True)
    if rng.random() < 0.4:
        groups = [name for name in trials if name.startswith("g.")]
        runs = trials.drop_duplicates("run")[["run", "strategy", "seed", *groups]]
        most = trials.groupby("run")["energy_j"].sum().max()
        given["runs"] = runs.assign(
            allotment_j=rng.choice((None, float(most), 5.0)),
            unplaced_j=rng.choice((0.0, 0.5, None)),
            end=rng.choice(("spent", None, "exhausted")),
            message=rng.choice((None, EVIL)),
        )
    described = dict(table.description or {})
    if rng.random() < 0.5:
        described |= _description(rng)
    whole = Table(
        trials,
        name=rng.choice(("table", EVIL, "../odd name", "ünï", "")),
        description=described or None,
        notes=rng.choice(((), (f"A note of {EVIL}.",))),
        **given,
    )
    return perjoule.load_table(whole, by=by or "none")


def _curves(rng: random.Random, trials: pd.DataFrame) -> pd.DataFrame:
    rows = []
    step = rng.choice((1, 1, 5))
    gaps = rng.random() < 0.3
    for row in trials.itertuples():
        if not rng.random() < 0.7 or pd.isna(row.score) or pd.isna(row.energy_j):
            continue
        last = rng.choice((1, 3, 4))
        for place in range(1, last + 1):
            if gaps and rng.random() < 0.3:
                continue
            score = row.score if rng.random() < 0.9 else None
            loss = rng.choice((None, rng.gauss(0, 1)))
            rows.append(
                (row.run, row.trial, place * step, row.energy_j * place / last, score, loss)
            )
    names = ["run", "trial", "epoch", "energy_j", "score", "loss"]
    return pd.DataFrame(rows, columns=names)


def _description(rng: random.Random) -> dict[str, Any]:
    whole = {
        "created": rng.choice(("2026-11-20T14:05:00+00:00", "yesterday", 3)),
        "experiment": rng.choice(({"dataset": EVIL, "budget_j": 400.0}, {}, [], "x")),
        "meter": rng.choice(([], [{"id": EVIL, "component": "gpu", "kind": "measured"}], "x")),
        "versions": rng.choice(({"perjoule": "0.1.0", EVIL: EVIL}, None, 3)),
        "carbon": rng.choice(
            ({"g_per_kwh": 56.0, "place": EVIL, "year": 2023, "source": "a table"}, {}, "x")
        ),
        "work": rng.choice(({"workers": 4, "wall_s": 38.2, "overhead": []}, {}, None)),
        "space": rng.choice(({"lr": {"low": 1e-5, "high": 1.0, "log": True}}, {}, "x")),
        EVIL: [EVIL],
    }
    return {name: whole[name] for name in rng.sample(list(whole), rng.randint(1, len(whole)))}
