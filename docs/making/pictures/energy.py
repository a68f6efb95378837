"""Figures of metering: short windows, cooling, load, and the order of trials."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from perjoule.benchmarks.performance.options import DIGITS as DIGITS_TABLE

from ....benchmarks.statistics.drift import excess
from ....energy import EnergyMeter, Kind, Scope, Source, SourceInfo
from .drawing import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    TEMPLATE,
    VERMILION,
    Picture,
)

RESULTS, RECORDED = DIGITS_TABLE.parents[1] / "results", DIGITS_TABLE.parent
CARD = RESULTS / "nvml-nvidia-h100-80gb-hbm3-2026-11-26.json"
LOADED = RESULTS / "loaded-2026-11-27.csv"
LENGTHS_S = (0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30)
RAPL_S = 1e-3  # RAPL moves every millisecond
TABLES = ("digits", "fashion-14", "fashion-mnist", "mnist-5k")


@dataclass
class _Stepping(Source):
    """A counter of constant power that moves in steps, on a clock that is told."""

    period_s: float
    power_w: float
    now: float = 0.0
    info: SourceInfo = field(init=False)

    def __post_init__(self) -> None:
        self.info = SourceInfo(
            *("step", "gpu", Kind.MEASURED, Scope.BOARD, "steps"),
            update_period_s=self.period_s,
            gain_error=0.0,
        )

    def read(self) -> float:
        return self.power_w * self.period_s * math.floor(self.now / self.period_s)

    def clock(self) -> float:
        return self.now


def window_errors(period_s: float, lengths_s: tuple[float, ...]) -> pd.DataFrame:
    """How far windows are off, in % of the truth, and the bound that their readings state.

    Each length has 200 windows, a tenth shorter to a tenth longer, which begin anywhere between two
    steps of the counter.
    """
    rng, source = np.random.default_rng(0), _Stepping(period_s, 695.0, now=1_000.0)
    meter = EnergyMeter([source], clock=source.clock)
    rows = []
    for length_s in lengths_s:
        off, bounds = [], []
        for _ in range(200):
            for _ in range(4):  # the meter knows the power by the steps before
                source.now += period_s
                meter.snapshot()
            source.now += float(rng.uniform(0, period_s))
            window = meter.window()
            really_s = length_s * float(rng.uniform(0.9, 1.1))
            source.now += really_s
            part = window.close().components[0]
            truth_j = source.power_w * really_s
            if part.energy_j is not None and part.bound_j is not None:
                off.append(100 * abs(part.energy_j - truth_j) / truth_j)
                bounds.append(100 * part.bound_j / truth_j)
        rows.append((length_s, np.quantile(off, 0.95), np.median(bounds), len(off)))
    return pd.DataFrame(rows, columns=["length_s", "off", "bound", "known"])


def _short_windows() -> go.Figure:
    steps = json.loads(CARD.read_text("utf-8"))["tick_ms"][1] / 1e3
    figure = go.Figure(layout={"template": TEMPLATE})
    for name, period_s, colour in (
        (f"H100's counter, {1e3 * steps:.0f} ms", steps, VERMILION),
        ("RAPL's, 1 ms", RAPL_S, BLUE),
    ):
        found = window_errors(period_s, LENGTHS_S)
        shown = {"x": found["length_s"], "mode": "lines+markers"}
        line = {"color": colour, "width": 2}
        figure.add_scatter(y=found["off"], name=f"{name}: error", line=line, **shown)
        figure.add_scatter(
            y=found["bound"], name=f"{name}: what the reading states", **shown,
            line=line | {"dash": "dot"}, marker={"symbol": "circle-open", "size": 8},
        )  # fmt: skip
    ticks = {"tickvals": [0.1, 0.3, 1, 3, 10, 30], "type": "log"}
    figure.update_xaxes(title="length of the window (s)", **ticks)
    y = {"tickvals": [0.001, 0.01, 0.1, 1, 10, 100], "type": "log", "range": [-3.2, 2.4]}
    figure.update_yaxes(title="of the joules (%)", **y)
    return figure


def _two_meters() -> go.Figure:
    card = json.loads(CARD.read_text("utf-8"))
    states = ["under load", "cooling down after it"]
    figure = go.Figure(layout={"template": TEMPLATE, "barmode": "group", "bargap": 0.4})
    for name, key, colour in (
        ("NVML's energy counter (measured)", "counter_j", BLUE),
        ("its power over time (integrated)", "power_j", ORANGE),
    ):
        joules = [card[each][key] for each in ("load", "idle")]
        labels = [f"{each:,.0f} J" for each in joules]
        figure.add_bar(
            y=states, x=joules, name=name, orientation="h", text=labels, cliponaxis=False,
            marker={"color": colour}, textposition="outside", textfont={"color": INK},
        )  # fmt: skip
    figure.update_xaxes(title="joules of the same 8 s", range=[0, 6_400])
    figure.update_yaxes(autorange="reversed")
    return figure


def _load() -> go.Figure:
    found = pd.read_csv(LOADED)
    found["block"] = (found["beside"] != found["beside"].shift()).cumsum()
    figure = go.Figure(layout={"template": TEMPLATE})
    least = found.groupby("block")["energy_j"].median().min()
    colours = {0: GREEN, 1: BLUE, 2: ORANGE, 4: VERMILION}
    for _, own in found.groupby("block"):
        beside = int(own["beside"].iloc[0])
        figure.add_scatter(
            x=own.index + 1, y=own["energy_j"] / least, mode="markers", showlegend=False,
            name=f"{beside} beside it", marker={"color": colours[beside], "size": 7},
        )  # fmt: skip
        first, last = own.index[0] + 1, own.index[-1] + 1
        middle = float(own["energy_j"].median() / least)
        figure.add_scatter(
            x=[first, last], y=[middle, middle], mode="lines", showlegend=False,
            line={"color": colours[beside], "width": 2}, name=f"median, {beside} beside it",
        )  # fmt: skip
        figure.add_scatter(
            x=[(first + last) / 2], y=[0.76], mode="text", showlegend=False,
            text=[f"{beside} beside it,<br>median {middle:.2f}"], name="labels",
        )  # fmt: skip
    figure.update_xaxes(title="trainings in their order, all alike")
    top = float((found["energy_j"] / least).max())
    figure.update_yaxes(title="joules, least median = 1", range=[0.7, 1.05 * top])
    return figure


def order_excess(name: str) -> pd.Series:
    """Joules per operation over those of like trials of a recorded search, by order of trials."""
    table = pd.read_parquet(RECORDED / name / "trials.parquet")
    table = table.sort_values(["trial", "run"], kind="stable").reset_index(drop=True)
    own_j = table["energy_j"] - table["energy_search_j"].fillna(0)
    costs = (own_j / (table["flops"] * table["epochs"])).to_numpy(dtype=float)
    told = [each for each in map(str, table) if each.startswith("p.")]
    return pd.Series(np.exp(excess(costs, table[[*told, "flops", "n_parameters"]])))


def _order() -> go.Figure:
    figure = go.Figure(layout={"template": TEMPLATE})
    dashes = ("solid", "dash", "dot", "dashdot")
    for name, dash in zip(TABLES, dashes, strict=True):
        excesses = order_excess(name)
        eighths = np.array_split(excesses.to_numpy(), 8)
        figure.add_scatter(
            x=[100 * (place + 0.5) / 8 for place in range(8)],
            y=[float(np.median(each) / np.median(excesses)) for each in eighths],
            name=f"{name}, {len(excesses)} trials", mode="lines+markers", line={"dash": dash},
        )  # fmt: skip
    figure.update_xaxes(title="place in the search (% of its trials)", range=[0, 100])
    figure.update_yaxes(title="joules per operation of like trials, median = 1")
    return figure


PICTURES = (
    Picture(
        "short-windows",
        "The shorter a window against the step of its counter, the more its joules may be off.",
        _short_windows,
    ),
    Picture(
        "two-meters",
        "Two meters of one card agree within 0.6 % under load and differ by 4.3 % as it cools.",
        _two_meters,
        260,
    ),
    Picture(
        "load",
        "The same training takes different joules by CPU time on a busy machine.",
        _load,
    ),
    Picture(
        "order",
        "Joules per counted operation of like trials over the course of four recorded searches.",
        _order,
    ),
)
