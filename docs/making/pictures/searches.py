"""Figures of searches: chance, tasks, asks, budgets and targets, early epochs, score per joule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from perjoule.benchmarks.performance.gathering import Gathering, Wanted
from perjoule.benchmarks.performance.scores import TaskRuns

from ....benchmarks.replay.ask_cost import load_ask_costs
from ....benchmarks.statistics.expected import Expected
from ....benchmarks.statistics.per_joule import floor_curve
from ....benchmarks.statistics.survival import survival_curve
from .drawing import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    TEMPLATE,
    VERMILION,
    Picture,
)
from .energy import RECORDED, RESULTS, TABLES

RUNS = RESULTS / "strategies-ours-2026-11-27.jsonl.gz"
RIVALS = ("random", "tpe", "asha", "hyperband")
SEEDS = (2, 3, 5, 7, 10, 15)
LOOKS = {
    "random": (SKY, "dash"),
    "tpe": (ORANGE, "dot"),
    "asha": (GREEN, "dashdot"),
    "hyperband": (PURPLE, "longdash"),
    "frugal": (VERMILION, "solid"),
}
TARGET = 0.99
BUDGET_J = 40.0
THINNED = 3
"""Of the trials of a scatter every third is drawn: all would take 100 kB."""


@cache
def tasks() -> dict[str, TaskRuns]:
    """The tasks of the strategies' benchmark with our recorded runs, by name."""
    found = Gathering(Wanted(40.0, 20, 0.0, "epochs"), [], [], [RUNS], None).gather([], 1)
    return {task.facts.task: task for task in found}


def _lcbench() -> Iterator[TaskRuns]:
    return (task for task in tasks().values() if task.facts.family == "lcbench")


@cache
def seeds_needed() -> pd.DataFrame:
    """Chance by seeds: how often fewer than 20 name another leader than all 20 do.

    `frugal` beside Hyperband on the tasks of LCBench where both reached the target: draws of so
    many of the 20 runs of each, without replacement. Also the median over them of the factor by
    which the 95 % interval of the ratio reaches to either side.
    """
    rng, rows = np.random.default_rng(0), []
    pairs = [(each["frugal"], each["hyperband"]) for each in map(_reached, _lcbench())]
    pairs = [pair for pair in pairs if all(own["hit"].any() for own in pair)]
    for n in SEEDS:
        wrong, factors = [], []
        for pair in pairs:
            drawn = [_draws(len(own), n, rng) for own in pair]
            with np.errstate(divide="ignore", invalid="ignore"):
                above, below = map(_expected_j, pair, drawn)
            known = np.isfinite(above) | np.isfinite(below)  # or neither reached it
            truth = Expected.of(pair[0]).over(Expected.of(pair[1])).value
            wrong.append(np.mean((above < below)[known] != (truth < 1)))
            for rows_of in zip(*(each[:3] for each in drawn), strict=True):
                a, b = (Expected.of(own.iloc[at]) for own, at in zip(pair, rows_of, strict=True))
                ratio = a.over(b)
                bounded = ratio.low > 0 and ratio.high < math.inf
                factors.append(math.sqrt(ratio.high / ratio.low) if bounded else math.inf)
        rows.append((n, 100 * np.mean(wrong), np.median(factors), len(pairs)))
    return pd.DataFrame(rows, columns=["seeds", "wrong", "factor", "tasks"])


def _draws(runs: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Places of ``n`` of the runs, without replacement, in each of 400 draws."""
    return rng.random((400, runs)).argsort(axis=1)[:, :n]


def _expected_j(own: pd.DataFrame, drawn: np.ndarray) -> np.ndarray:
    energy_j, hit = (
        own[name].to_numpy(dtype=float)[drawn].sum(axis=1) for name in ("energy_j", "hit")
    )
    return energy_j / hit


@cache
def _reached(task: TaskRuns) -> dict[str, pd.DataFrame]:
    """What each run needed to the target, by strategy."""
    return task.reached(TARGET)


def _seeds() -> go.Figure:
    found = seeds_needed()
    figure = go.Figure(layout={"template": TEMPLATE})
    figure.add_bar(
        x=[str(n) for n in found["seeds"]], y=found["wrong"], marker={"color": BLUE}, width=0.5,
        text=[f"{wrong:.0f} %" for wrong in found["wrong"]],
        textposition="outside", textfont={"color": INK}, cliponaxis=False,
    )  # fmt: skip
    figure.update_xaxes(title="seeds of each of the two strategies", type="category")
    figure.update_yaxes(title="names another leader than 20 seeds (%)", range=[0, 30])
    return figure


def task_ratios() -> pd.DataFrame:
    """Expected joules of `frugal` over those of the best of four rivals, by task of LCBench."""
    rows = []
    for task in _lcbench():
        reached = _reached(task)
        expected = {name: Expected.of(reached[name]) for name in ("frugal", *RIVALS)}
        rival = min(RIVALS, key=lambda name: expected[name].value)
        ratio = expected["frugal"].over(expected[rival])
        name = task.facts.task.removeprefix("lcbench/")
        rows.append((f"{name}, {rival}", ratio.value, ratio.low, ratio.high, ratio.hits[0]))
    found = pd.DataFrame(rows, columns=["task", "ratio", "low", "high", "hits"])
    return found.sort_values("ratio", ascending=False, ignore_index=True)


def _by_task() -> go.Figure:
    found = task_ratios()
    figure = go.Figure(layout={"template": TEMPLATE, "showlegend": False})
    known = found[np.isfinite(found["ratio"])]
    never = found[~np.isfinite(found["ratio"])]
    figure.add_scatter(
        x=known["ratio"], y=known["task"], mode="markers", marker={"color": VERMILION, "size": 8},
        error_x={
            "array": known["high"] - known["ratio"], "arrayminus": known["ratio"] - known["low"],
            "color": VERMILION, "thickness": 1.2, "width": 0,
        },
    )  # fmt: skip
    figure.add_scatter(
        x=[18.0] * len(never), y=never["task"], mode="markers+text", text=["never"] * len(never),
        textposition="middle left", marker={"symbol": "triangle-right", "color": VERMILION},
    )  # fmt: skip
    figure.add_vline(1, line={"color": INK, "width": 1, "dash": "dot"})
    ticks = {"type": "log", "tickvals": [0.1, 0.2, 0.5, 1, 2, 5, 10], "range": [-1.2, 1.3]}
    figure.update_xaxes(title="expected joules of frugal over the best of four", **ticks)
    order = [*known["task"][::-1], *never["task"]]
    figure.update_yaxes(categoryorder="array", categoryarray=order, tickfont={"size": 12})
    return figure


def ask_costs(told: int) -> pd.Series:
    """CPU-milliseconds of an ask with its tell after so many results, the dearest last."""
    costs = load_ask_costs()
    found = {name: costs.of(name) for name in costs.cpu_s}
    known = {name: 1e3 * cost(told) for name, cost in found.items() if cost is not None}
    return pd.Series(known).sort_values(kind="stable")


def _asks() -> go.Figure:
    found = ask_costs(50)
    figure = go.Figure(layout={"template": TEMPLATE, "showlegend": False})
    colours = [VERMILION if "frugal" in name else BLUE for name in found.index]
    figure.add_scatter(
        x=found, y=list(found.index), mode="markers+text", textposition="middle right",
        text=[f"{each:.3g}" for each in found], cliponaxis=False,
        marker={"size": 9, "color": colours},
    )  # fmt: skip
    ticks = {"type": "log", "tickvals": [0.01, 0.1, 1, 10, 100, 1_000], "range": [-2.1, 3.2]}
    figure.update_xaxes(title="CPU-milliseconds of an ask with its tell, 50 results told", **ticks)
    figure.update_yaxes(tickfont={"size": 12}, dtick=1)
    return figure


def _budget() -> go.Figure:
    """Anytime curves of recorded runs on digits: the median of 20 runs."""
    task = tasks()["digits"]
    at_j = np.geomspace(task.facts.budget_j / 100, task.facts.budget_j, 50)
    figure = go.Figure(layout={"template": TEMPLATE})
    for name, (colour, dash) in LOOKS.items():
        runs = [f"{name}-{run.seed}" for run in task.runs[name]]
        levels = [float(task.curves.levels_at(each).reindex(runs).median()) for each in at_j]
        line = {"color": colour, "dash": dash, "shape": "hv", "width": 2}
        figure.add_scatter(x=at_j, y=levels, name=name, mode="lines", line=line)
    target, all_j = task.facts.target(TARGET), task.facts.budget_j
    marks = {"mode": "lines+text", "showlegend": False, "textposition": "top right"}
    marks |= {"line": {"color": INK, "width": 1, "dash": "dot"}}
    figure.add_scatter(x=[all_j / 100, all_j], y=[target] * 2, text=["a fixed target"], **marks)
    figure.add_scatter(x=[BUDGET_J] * 2, y=[0.9, 1], text=["a fixed budget"], **marks)
    figure.update_xaxes(
        title="joules spent, search included", type="log", tickvals=[2, 5, 10, 20, 50, 100, 200]
    )
    figure.update_yaxes(title="best validation accuracy, median", range=[0.9, 1.0])
    return figure


def _survival() -> go.Figure:
    task = tasks()["lcbench/167168"]
    figure = go.Figure(layout={"template": TEMPLATE})
    for name, own in _reached(task).items():
        if name not in LOOKS:
            continue
        colour, dash = LOOKS[name]
        curve = survival_curve(own["energy_j"], own["hit"])
        x = [0.0, *(curve["energy_j"] / 1e3)]
        y = [100.0, *(100 * curve["share"])]
        expected = Expected.of(own)
        ert = f"{expected.value / 1e3:,.0f} kJ" if expected.hits else "none"
        figure.add_scatter(
            x=x, y=y, mode="lines", line={"color": colour, "dash": dash, "shape": "hv"},
            name=f"{name}: {expected.hits} of {expected.runs}, ERT {ert}",
        )  # fmt: skip
    figure.update_xaxes(title="kilojoules spent")
    figure.update_yaxes(title="runs that have not reached the target (%)", range=[0, 103])
    return figure


def first_epochs(name: str) -> pd.Series:
    """Spearman's correlation of the accuracy at each epoch with the last, of a recorded search."""
    curves = pd.read_parquet(RECORDED / name / "curves.parquet")
    score = "score" if "score" in curves else "accuracy"
    table = curves.pivot_table(index=["run", "trial"], columns="epoch", values=score)
    return table.corr("spearman").iloc[:, -1]


def _fidelity() -> go.Figure:
    figure = go.Figure(layout={"template": TEMPLATE})
    for name, dash in zip(TABLES, ("solid", "dash", "dot", "dashdot"), strict=True):
        found = first_epochs(name)
        x = [100 * epoch / len(found) for epoch in found.index]
        figure.add_scatter(x=x, y=found, name=name, mode="lines+markers", line={"dash": dash})
    figure.update_xaxes(title="of the epochs (%)", range=[0, 102])
    figure.update_yaxes(title="rank correlation with the last epoch", range=[0.6, 1.01])
    return figure


def epochs_of(name: str) -> pd.DataFrame:
    """Every epoch of every trial of a recorded search as if it had ended there."""
    curves = pd.read_parquet(RECORDED / name / "curves.parquet")
    curves = curves.rename(columns={"score": "accuracy"})
    return curves.assign(per_joule=curves["accuracy"] / curves["energy_j"])


def _per_joule() -> go.Figure:
    """Trials of digits at their end, what each floor leaves, and the toy."""
    epochs = epochs_of("digits")
    last = epochs[epochs["epoch"] == epochs["epoch"].max()].iloc[::THINNED]
    toy, best = (epochs.iloc[int(epochs[by].argmax())] for by in ("per_joule", "accuracy"))
    curve = floor_curve(epochs["energy_j"], epochs["accuracy"])
    figure = go.Figure(layout={"template": TEMPLATE})
    figure.add_scatter(
        x=last["accuracy"], y=last["per_joule"], mode="markers", name="trials, all 16 epochs",
        marker={"color": BLUE, "size": 4, "opacity": 0.5},
    )  # fmt: skip
    figure.add_scatter(
        x=curve["score"], y=curve["per_joule"], mode="lines", line={"shape": "vh", "color": INK},
        name="the most above each floor, any epoch",
    )  # fmt: skip
    figure.add_scatter(
        x=[toy["accuracy"], best["accuracy"]], y=[toy["per_joule"], best["per_joule"]],
        mode="markers+text", textposition=["top left", "middle right"], name="",
        text=[f"one epoch: {toy['accuracy']:.1%}", f"the best: {best['accuracy']:.1%}"],
        marker={"color": VERMILION, "size": 10, "symbol": "diamond"}, showlegend=False,
    )  # fmt: skip
    figure.update_xaxes(
        title="validation accuracy",
        tickformat=".0%",
        tickvals=[0.2, 0.4, 0.6, 0.8, 1],
        range=[0.08, 1.22],
    )
    figure.update_yaxes(title="accuracy per joule (1/J)", type="log", dtick=1)
    return figure


PICTURES = (
    Picture("seeds", "How often few seeds name another leader than twenty do.", _seeds, 340),
    Picture(
        "tasks",
        "Expected joules of frugal over the best of four searches, on each task of LCBench.",
        _by_task,
        560,
    ),
    Picture("asks", "What an ask with its tell costs each strategy.", _asks, 640),
    Picture("budget-and-target", "Anytime curves of five strategies on digits.", _budget),
    Picture("survival", "Runs that have not reached a target, by joules.", _survival),
    Picture("fidelity", "How much early epochs tell of the last.", _fidelity),
    Picture("per-joule", "Accuracy per joule falls as accuracy grows.", _per_joule, 420),
)
