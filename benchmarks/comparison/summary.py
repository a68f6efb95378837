"""What a comparison found, as plain data: `summary.json`, schema 1.

Everything is derived from the ledger and the experiment's description, so it can be made again.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Any

from ...energy.carbon import CarbonIntensity
from ...energy.quantities import total
from .. import statistics
from ..analysis.verdict import TIE, Verdict, compare_strategies
from ..tables.contract import LOWER_BOUND
from .events import Event, Run
from .record import slice_table

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
TARGET_SHARE = 0.95
"""The target accuracy is this share of the best one found."""


def replay_runs(description: dict[str, Any], events: list[Event]) -> dict[str, Run]:
    """All runs of an experiment, brought to where the ledger is."""
    experiment = description["experiment"]
    runs = {
        f"{strategy}-{seed}": Run(f"{strategy}-{seed}", strategy, seed)
        for seed in range(experiment["seeds"])
        for strategy in experiment["strategies"]
    }
    for event in events:
        if "run" in event:
            runs[event["run"]].apply(event)
    return runs


def summarise(
    description: dict[str, Any], events: list[Event], trials: pd.DataFrame
) -> dict[str, Any]:
    """Summarise a comparison.

    Args:
        description: What ``experiment.yaml`` holds.
        events: The ledger's events.
        trials: Their trial table.

    Returns:
        Plain data, fit for JSON: what is not known is None.
    """
    experiment = description["experiment"]
    runs = replay_runs(description, events)
    slices = slice_table(events)
    finished = all(run.end is not None for run in runs.values())
    scored = trials["accuracy"].dropna()
    best = float(scored.max()) if len(scored) else None
    target = None if best is None else TARGET_SHARE * best
    allotment_j = experiment["budget_j"] / len(runs)
    common_j = _common_j(runs, allotment_j)
    strategies = [
        {
            **_strategy(name, trials, slices, runs, target, common_j),
            "prediction_error": _prediction_error(
                events, [r for r in runs.values() if r.strategy == name]
            ),
        }
        for name in experiment["strategies"]
    ]
    return _plain(
        {
            "schema": SCHEMA,
            "name": description["name"],
            "status": "complete" if finished else "interrupted",
            **{key: description[key] for key in ("created", "versions", "machine", "runtime")},
            "experiment": {
                **experiment,
                "space": description["space"],
                "workers": description["workers"],
                "device": description["runtime"]["device"],
            },
            "data": description["data"],
            "budget_j": experiment["budget_j"],
            "allotment_j": allotment_j,
            "common_j": common_j,
            "best_accuracy": best,
            "target_accuracy": target,
            "verdict": _verdict(slices, runs, strategies, common_j, finished=finished),
            "strategies": strategies,
            "runs": [_run(run, slices, allotment_j) for run in runs.values()],
            "provenance": [{**source, "source": source["id"]} for source in description["meter"]],
            "carbon": _carbon(description.get("carbon"), runs),
            **_work(events),
        }
    )


def _common_j(runs: dict[str, Run], allotment_j: float) -> float:
    """Joules that every run has had the chance to spend.

    A run that is over had its whole allotment, even where the rest of it fitted no trial; an
    overdraft, below a hundredth, counts as within. A run whose joules are unknown limits nothing.
    """
    had = [
        run.spent_j if run.end is None else max(allotment_j, run.spent_j)
        for run in runs.values()
        if run.spent_j is not None
    ]
    limit_j = min(had, default=allotment_j)
    return limit_j if limit_j < allotment_j else max(had, default=allotment_j)


def _strategy(
    name: str,
    trials: pd.DataFrame,
    slices: pd.DataFrame,
    runs: dict[str, Run],
    target: float | None,
    common_j: float,
) -> dict[str, Any]:
    own = slices[slices["strategy"] == name]
    whole = trials[trials["strategy"] == name]
    mine = [run for run in runs.values() if run.strategy == name]
    spent = [run.spent_j for run in mine]
    hits: dict[str, Any] | None = None
    if target is not None and len(own):
        reached = statistics.energy_to_target(own, target)
        hits = {
            "hits": int(reached["hit"].sum()),
            "runs": len(mine),
            "ert_j": statistics.expected_energy_to_target(reached),
        }
    # Of trials lost with their worker only the sum is known, not what of it was search.
    split = own[own["energy_search_j"].notna() & own["energy_j"].notna()]
    split_j = float(split["energy_j"].sum())
    per_run = own.groupby("run", sort=False)
    equal = statistics.equal_energy(slices, common_j=common_j)
    anytime = statistics.anytime_score(slices, common_j=common_j)
    per_joule = statistics.accuracies_per_joule(own)
    return {
        "strategy": name,
        "runs": len(mine),
        "trials": len(whole),
        "states": whole["state"].value_counts().to_dict(),
        "accuracy": _interval(per_run["accuracy"].max()),
        "test_accuracy": _interval(_incumbents(own)["test_accuracy"]),
        "energy_j": _interval([math.nan if s is None else s for s in spent]),
        "energy_to_target": hits,
        "search_share": float(split["energy_search_j"].sum()) / split_j if split_j else None,
        "energy_kind": "+".join(sorted(set(own["energy_kind"].dropna()) - {LOWER_BOUND})),
        "accuracy_per_joule": _interval(per_joule),
        "anytime": _interval(_of(anytime, mine)),
        "hypervolume": statistics.hypervolume(whole, float(trials["energy_j"].max())),
        "equal_energy": _interval(_of(equal, mine)),
    }


def _prediction_error(events: list[Event], runs: list[Run]) -> float | None:
    """Median relative error of the joules that a strategy predicted of its slices, if it did."""
    names = {run.name for run in runs}
    errors = [
        abs(event["predicted_j"] / event["energy_j"] - 1)
        for event in events
        if event["event"] == "slice"
        and event["run"] in names
        and event["state"] in ("complete", "paused")
        and event.get("predicted_j") is not None
        and event["energy_j"]
    ]
    return median(errors) if errors else None


def _of(per_run: pd.Series, runs: list[Run]) -> list[float]:
    """The values of some runs; NaN for a run without any."""
    return [float(per_run.get(run.name, math.nan)) for run in runs]


def _interval(values: Any) -> dict[str, Any] | None:
    known = [float(value) for value in values if not math.isnan(value)]
    if not known:
        return None
    found = statistics.interval(known)
    return {"median": found.median, "low": found.low, "high": found.high, "n": found.n}


def _incumbents(slices: pd.DataFrame) -> pd.DataFrame:
    """The slice that gave each run its best network, the first of equals."""
    scored = slices[slices["accuracy"].notna()]
    return scored.loc[scored.groupby("run", sort=False)["accuracy"].idxmax()]


def _run(run: Run, slices: pd.DataFrame, allotment_j: float) -> dict[str, Any]:
    own = slices[slices["run"] == run.name]
    best = _incumbents(own)
    incumbent = None
    if len(best):
        row = best.iloc[0]
        until = own.loc[: row.name]
        incumbent = {
            **{key: row[key] for key in ("trial", "accuracy", "test_accuracy")},
            "energy_j": until.loc[until["trial"] == row["trial"], "energy_j"].sum(skipna=False),
            "found_at_j": until["energy_j"].sum(skipna=False),
            "params": {
                key.removeprefix("p."): row[key] for key in own.columns if key.startswith("p.")
            },
        }
    return {
        "run": run.name,
        "strategy": run.strategy,
        "seed": run.seed,
        "status": "open" if run.end is None else run.end.value,
        "reason": run.message,
        "allotment_j": allotment_j,
        "spent_j": run.spent_j,
        "trials": run.n_trials,
        "incumbent": incumbent,
    }


def _verdict(
    slices: pd.DataFrame,
    runs: dict[str, Run],
    strategies: list[dict[str, Any]],
    common_j: float,
    *,
    finished: bool,
) -> dict[str, Any]:
    """The headline in plain words, and what to hold against it."""
    caveats = [
        f"{run.name} ended early: {run.end.value}{f' ({run.message})' if run.message else ''}"
        for run in runs.values()
        if run.end is not None and run.end.value not in ("spent", "no work")
    ]
    if not finished:
        caveats.insert(0, "The comparison was interrupted; it can be resumed.")
    unscored = [each["strategy"] for each in strategies if each["accuracy"] is None]
    if unscored:
        caveats.append(f"No validated trial at all: {', '.join(unscored)}.")
    if slices["accuracy"].notna().sum() == 0:
        return {
            "sentence": "No trial was validated within the budget: give more joules.",
            "supported": False,
            "winner": None,
            "tie": False,
            "caveats": caveats,
        }
    found = compare_strategies(slices, common_j=common_j)
    return {
        "sentence": _sentence(found),
        "supported": found.supported,
        "winner": found.winner,
        "tie": found.tie,
        "caveats": [found.reason, *caveats] if len(strategies) > 1 else caveats,
    }


def _sentence(found: Verdict) -> str:
    """The verdict in one sentence; a lead that may be chance is not called a win."""
    scores = [f"{name} {100 * interval.median:.1f} %" for name, interval in found.intervals.items()]
    if len(scores) == 1:
        return f"{scores[0]} validation accuracy."
    if found.tie:
        best = found.intervals[str(found.winner)].median
        tied = [name for name, i in found.intervals.items() if best - i.median <= TIE]
        return (
            f"{', '.join(tied[:-1])} and {tied[-1]} found equally accurate networks for the same "
            f"energy: {100 * best:.1f} % validation accuracy; {found.winner} needed the fewest "
            "joules for it."
        )
    if found.supported:
        return (
            f"{found.winner} found the most accurate networks for the same energy: "
            f"{scores[0]} validation accuracy, then {scores[1]}."
        )
    return (
        f"{found.winner} is ahead for the same energy ({scores[0]} validation accuracy, then "
        f"{scores[1]}), but that may be chance."
    )


def _carbon(recorded: dict[str, Any] | None, runs: dict[str, Run]) -> dict[str, Any] | None:
    """Grams of CO2 equivalents of all runs, if the experiment names a place or a figure."""
    if recorded is None:
        return None
    grid = CarbonIntensity(**recorded)
    spent_j = total(run.spent_j for run in runs.values())
    return {**recorded, "intensity": str(grid), "total_g": grid.grams(spent_j)}


def _work(events: list[Event]) -> dict[str, Any]:
    """How busy the workers were, and what was charged to no run, over all sessions.

    Of a session that was killed only the start is known.
    """
    starts, sessions = (
        [event for event in events if event["event"] == kind] for kind in ("start", "session")
    )

    def over_all(key: str, found: list[Event]) -> float | None:
        return total(event[key] for event in found) if found else None

    busy_s, waiting_s = over_all("busy_s", sessions) or 0.0, over_all("waiting_s", sessions) or 0.0
    engaged_s = busy_s + waiting_s
    killed = len(starts) > len(sessions)
    scoring_j = None if killed else over_all("unbilled_j", sessions)
    return {
        "workers": {
            "count": starts[-1]["workers"] if starts else None,
            "wall_s": over_all("wall_s", sessions),
            "wait_share": waiting_s / engaged_s if engaged_s else None,
            "asking_share": (over_all("asking_s", sessions) or 0.0) / engaged_s
            if engaged_s
            else None,
        },
        "overhead": [
            {
                "what": "starting and warming up the workers",
                "energy_j": over_all("startup_j", starts),
            },
            {"what": "scoring incumbents on the test split", "energy_j": scoring_j},
        ],
        "driver_cpu_s": over_all("driver_cpu_s", sessions),
    }


def _plain(value: Any) -> Any:
    """JSON's own types; NaN, infinity and missing become None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if str(value) == "<NA>" else str(value)
