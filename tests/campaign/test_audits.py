"""Trial tables of many shapes, each sound or with one fault: all faults found, none made up."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from perjoule.benchmarks.audit import audit
from perjoule.errors import PerjouleError

WHOLE = 400
Rows = pd.DataFrame
Generator = np.random.Generator

STRATEGIES = ("random", "tpe", "bo", "asha", "grid", "cma-es")
CPUS = ("Intel(R) Core(TM) i5-10400 CPU @ 2.90GHz", "AMD Ryzen 7 5800X 8-Core Processor")


class Made(NamedTuple):
    """A table in joules, seconds and shares, and what belongs to it."""

    rows: Rows
    by: str = ""


def sound(rng: Generator) -> Made:
    """A comparison in which nothing is wrong: measured joules, equal energies, many seeds."""
    names = list(rng.choice(STRATEGIES, rng.integers(2, 5), replace=False))
    sets = ["a", "b"][: rng.integers(1, 3)]
    n_seeds, n_trials = int(rng.integers(5, 9)), int(rng.integers(6, 26))
    watts, spread = rng.uniform(15, 180), rng.uniform(0.04, 0.25)
    runs = []
    for data in sets:
        scale = rng.uniform(10, 400)
        for name in names:
            for seed in range(n_seeds):
                run = _run(rng, n_trials)
                cost = (run["width"] / 32) ** rng.uniform(0.1, 0.6) * np.exp(
                    rng.normal(0, 0.3, n_trials)
                )
                energy_j = cost / cost.sum() * n_trials * scale * rng.uniform(0.95, 1.05)
                power_w = watts * np.exp(rng.normal(0, spread, n_trials))
                own = {"strategy": name, "seed": seed, "trial": range(n_trials), "dataset": data}
                runs.append(run.assign(**own, energy_j=energy_j, duration_s=energy_j / power_w))
    rows = pd.concat(runs, ignore_index=True)
    peak = -((np.log10(rows["lr"]) + 2.5) ** 2) / 12
    rows["score"] = np.clip(0.85 + peak + rng.normal(0, 0.03, len(rows)), 0.1, 0.99)
    rows["test_score"] = np.clip(rows["score"] - 0.01 + rng.normal(0, 0.01, len(rows)), 0, 1)
    return Made(rows, "dataset" if len(sets) > 1 else "")


def _run(rng: Generator, n: int) -> Rows:
    return pd.DataFrame(
        {
            "lr": 10 ** rng.uniform(-4, -1, n),
            "batch": rng.choice([16, 32, 64], n),
            "width": rng.integers(8, 257, n),
            "optimizer": rng.choice(["sgd", "adam"], n),
            "dropout": rng.uniform(0, 0.5, n),
        }
    )


def _beside(rng: Generator, rows: Rows) -> Rows:
    """What else stands in tables: results, names, moments, hardware."""
    n = len(rows)
    columns: dict[str, Callable[[], Any]] = {
        "f1": lambda: rows["score"] * rng.uniform(0.9, 1),
        "co2_kg": lambda: rows["energy_j"] * 1e-7,
        "run_id": lambda: [f"{i:04x}-demo" for i in range(n)],
        "timestamp": lambda: pd.date_range("2026-05-04", periods=n, freq="min").astype(str),
        "epochs": lambda: rng.integers(1, 30, n),
        "gpu_model": lambda: "NVIDIA GeForce RTX 3090",
        "cpu_model": lambda: rng.choice(CPUS),
        "energy_kind": lambda: "measured",
        "comment": lambda: np.nan,
    }
    for name in rng.choice(list(columns), rng.integers(0, 5), replace=False):
        rows = rows.assign(**{name: columns[name]()})
    return rows


# Faults: what each does to a sound table, and the check that has to find it ----------------------


def cumulative_by_run(rng: Generator, rows: Rows) -> Rows:
    keys = ["dataset", "strategy", "seed"]
    return rows.assign(energy_j=rows.groupby(keys, sort=False)["energy_j"].cumsum())


def cumulative_by_strategy(rng: Generator, rows: Rows) -> Rows:
    keys = ["dataset", "strategy"]
    return rows.assign(energy_j=rows.groupby(keys, sort=False)["energy_j"].cumsum())


def cumulative_throughout(rng: Generator, rows: Rows) -> Rows:
    return rows.assign(energy_j=rows["energy_j"].cumsum())


def constant(rng: Generator, rows: Rows) -> Rows:
    return rows.assign(energy_j=round(rng.uniform(5, 900), 3), duration_s=np.nan)


def constant_by_strategy(rng: Generator, rows: Rows) -> Rows:
    each = {name: round(rng.uniform(50, 58), 3) for name in rows["strategy"].unique()}
    return rows.assign(energy_j=rows["strategy"].map(each), duration_s=np.nan)


def slipped(rng: Generator, rows: Rows) -> Rows:
    one = rows["strategy"] == rng.choice(rows["strategy"].unique())
    factor = rng.choice([1e3, 3600.0, 1e6, 3.6e6, 1e-3, 1 / 3600, 1e-6])
    slip = rows["energy_j"].where(~one, rows["energy_j"] * factor)
    return rows.assign(energy_j=slip, duration_s=np.nan)


def slipped_runs(rng: Generator, rows: Rows) -> Rows:
    slip = rows["energy_j"].where(rows["seed"] > 1, rows["energy_j"] * 1000)
    return rows.assign(energy_j=slip, duration_s=np.nan)


def milliwatts(rng: Generator, rows: Rows) -> Rows:
    power_w = rng.uniform(1.8, 2.2, len(rows)) * 1000 * rng.uniform(2, 6)
    return rows.assign(**{rng.choice(["gpu_power_w", "gpu power (W)"]): power_w})


def millijoules(rng: Generator, rows: Rows) -> Rows:
    least_w = (rows["energy_j"] / rows["duration_s"]).min()
    factor = rng.uniform(8e4, 3e5) / least_w
    return rows.assign(energy_j=rows["energy_j"] * 40 * factor, duration_s=rows["duration_s"] * 40)


def rated_times_cores(rng: Generator, rows: Rows) -> Rows:
    power_w = rng.uniform(250, 400, len(rows))
    return rows.assign(cpu_model=CPUS[0], cpu_power_w=power_w)


def time_by_another_name(rng: Generator, rows: Rows) -> Rows:
    duration_s = (rows["duration_s"] * 30).round(2)
    return rows.assign(duration_s=duration_s, energy_j=(duration_s * rng.uniform(40, 300)).round(3))


def time_on_two_machines(rng: Generator, rows: Rows) -> Rows:
    big = rng.random(len(rows)) < 0.5
    duration_s = (rows["duration_s"] * 30).round(2)
    watts = np.where(big, 130.0, 62.5)
    exact = {"duration_s": duration_s, "energy_j": (duration_s * watts).round(2)}
    return rows.assign(**exact, machine=np.where(big, "big", "small"))


def negative(rng: Generator, rows: Rows) -> Rows:
    few = rng.random(len(rows)) < 0.1
    few[int(rng.integers(len(rows)))] = True
    return rows.assign(energy_j=rows["energy_j"].where(~few, -rows["energy_j"]))


def nothing_used(rng: Generator, rows: Rows) -> Rows:
    few = rng.random(len(rows)) < 0.05
    few[int(rng.integers(len(rows)))] = True
    return rows.assign(energy_j=rows["energy_j"].where(~few, 0.0), duration_s=np.nan)


def on_test_data(rng: Generator, rows: Rows) -> Rows:
    return rows.assign(test_score=rows["score"])


def few_seeds(rng: Generator, rows: Rows) -> Rows:
    return rows[rows["seed"] < rng.integers(1, 5)]


def unequal(rng: Generator, rows: Rows) -> Rows:
    one = rows["strategy"] == rng.choice(rows["strategy"].unique())
    dear = rng.uniform(1.4, 4)
    return rows.assign(
        energy_j=rows["energy_j"].where(~one, rows["energy_j"] * dear),
        duration_s=rows["duration_s"].where(~one, rows["duration_s"] * dear),
    )


def mixed(rng: Generator, rows: Rows) -> Rows:
    return rows.assign(energy_kind=rng.choice(["measured", "modelled"], len(rows)))


def dead(rng: Generator, rows: Rows) -> Rows:
    """Candidates that differ in one hyperparameter alone, and score the same."""
    even = rows["trial"] % 2 == 0
    twins = rows[even & (rows["trial"] < rows["trial"].max())]
    copies = twins.assign(trial=twins["trial"] + 1, dropout=0.5 - twins["dropout"] / 2)
    copies["energy_j"] *= rng.uniform(0.9, 1.1, len(copies))
    order = ["dataset", "strategy", "seed", "trial"]
    pairs = pd.concat([twins, copies]).sample(frac=1.0, random_state=rng)  # apart in time
    pairs["trial"] = pairs.groupby(order[:3], sort=False).cumcount()
    pairs = pairs.sort_values(order, kind="stable").reset_index(drop=True)
    total_j = pairs.groupby(order[:3])["energy_j"].transform("sum")
    same = pairs["energy_j"] / total_j * pairs["energy_j"].sum() / pairs[order[:3]].nunique().prod()
    return pairs.assign(energy_j=same)


FAULTS: dict[Callable[[Generator, Rows], Rows], str] = {
    cumulative_by_run: "cumulative-energies",
    cumulative_by_strategy: "cumulative-energies",
    cumulative_throughout: "cumulative-energies",
    constant: "constant-energies",
    constant_by_strategy: "constant-energies",
    slipped: "unit-slip",
    slipped_runs: "unit-slip",
    milliwatts: "impossible-power",
    millijoules: "impossible-power",
    rated_times_cores: "impossible-power",
    time_by_another_name: "constant-power",
    time_on_two_machines: "constant-power",
    negative: "negative-component",
    nothing_used: "zero-component",
    on_test_data: "test-selection",
    few_seeds: "few-repetitions",
    unequal: "unequal-energy",
    mixed: "mixed-kinds",
    dead: "dead-hyperparameter",
}
_KINDS = [*FAULTS, *[None] * len(FAULTS)]  # as many sound tables as tables with a fault


def written(rng: Generator, made: Made, path: Any) -> dict[str, Any]:
    """Write a table as somebody might; return the options it is read by."""
    rows, mapping = made.rows, []
    unit, factor = [("kwh", 3.6e6), ("e_wh", 3600.0), ("energy_j", 1.0)][rng.integers(3)]
    rows = rows.rename(columns={"energy_j": unit}).assign(**{unit: rows["energy_j"] / factor})
    if factor != 1.0:
        mapping.append(f"energy_j={unit}*{factor:g}")
    if rng.random() < 0.5:
        rows = rows.rename(columns={"score": "val_acc"})
        mapping.append("score=val_acc")
    if rng.random() < 0.3 or rows["duration_s"].isna().all():
        if not rows["duration_s"].isna().all() and "machine" not in rows:
            rows = rows.rename(columns={"duration_s": "minutes"})
            rows["minutes"] /= 60
            mapping.append("duration_s=minutes*60")
        elif rows["duration_s"].isna().all():
            rows = rows.drop(columns="duration_s")
    if not made.by:
        rows = rows.drop(columns="dataset")
    if path.suffix == ".csv":
        rows.to_csv(path, index=False, sep=rng.choice([",", ";"]))
    else:
        rows.to_parquet(path)
    return {"by": made.by, "mapping": ",".join(mapping)}


def test_planted_faults_are_found_and_sound_tables_have_none(tmp_path, share_of, tally):
    """One table of each kind in turn, its shape by its own seed."""
    whole = range(WHOLE)
    missed, invented, crashed, wrong = [], [], [], []
    cases = np.random.default_rng(0).permutation(whole)[: share_of(WHOLE)]
    for case in map(int, cases):
        rng, fault = np.random.default_rng(case), _KINDS[case % len(_KINDS)]
        made = sound(rng)
        rows = made.rows if fault is None else fault(rng, made.rows)
        made = made._replace(rows=_beside(rng, rows) if fault is not mixed else rows)
        path = tmp_path / f"{case}.{rng.choice(['csv', 'parquet'])}"
        options = written(rng, made, path)
        try:
            found = audit(path, **options)
            json.dumps(found.to_dict(), allow_nan=False)
        except PerjouleError as error:
            wrong.append((case, fault and fault.__name__, str(error)))
            continue
        except Exception as error:  # noqa: BLE001 - what a campaign counts
            crashed.append((case, fault and fault.__name__, repr(error)))
            continue
        names = [each.check for each in found.findings]
        expected = [FAULTS[fault]] if fault else []
        if not {*expected} <= {*names}:
            missed.append((case, fault and fault.__name__, names))
        if others := [each for each in found.findings if each.check not in expected]:
            invented.append(
                (case, fault and fault.__name__, [(o.check, o.evidence) for o in others])
            )
        if len(names) != len({*names}):
            wrong.append((case, fault and fault.__name__, names))
    for each in (*missed, *invented, *crashed, *wrong):
        print(*each)
    tally(
        "audits",
        len(cases),
        missed=len(missed),
        invented=len(invented),
        tracebacks=len(crashed),
        refused_or_twice=len(wrong),
    )
