"""What each hyperparameter gained and cost on the way from the centre of a space to its best."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from ..format import format_value
from .axes import GREY, TEMPLATE, log_axis
from .chart import Chart
from .palette import JOULES, SCORE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...benchmarks.statistics.ablation import Ablation, Forecast, Stop
    from .chart import Drawing


def ablation_chart(found: Ablation, drawing: Drawing) -> Chart:
    """Draw the score gained and the joules paid by each change, in the order of the way."""
    steps = found.stops[1:]
    metric = drawing.metric
    unit, factor = (" (points)", 100.0) if metric.is_share else ("", 1.0)
    gains = [_scaled(each.gain, factor) for each in steps if each.gain is not None]
    factors = [each.factor for each in steps if each.factor is not None]
    traces = [_dots(steps, gains, SCORE, "circle", "x")]
    layout: dict[str, Any] = {
        "template": TEMPLATE,
        "showlegend": False,
        "hovermode": "closest",
        "xaxis": {
            "title": {"text": f"{escape(metric.name)} gained{unit}"},
            "domain": [0, 0.48] if factors else [0, 1],
            "zeroline": True,
            "zerolinecolor": GREY,
        },
        "yaxis": {
            "range": [len(steps) - 0.4, -0.6],
            "tickvals": list(range(len(steps))),
            "ticktext": [_change(each) for each in steps],
            "ticklabelstandoff": 8,
        },
    }
    if factors:
        traces.append(_dots(steps, factors, JOULES, "diamond", "x2"))
        low, high = min(each.low for each in factors), max(each.high for each in factors)
        axis = log_axis("joules, times those before", min(low, 0.5), max(high, 2.0))
        layout["xaxis2"] = {**axis, "domain": [0.54, 1], "anchor": "y"}
        layout["shapes"] = [
            {
                "type": "line",
                **{"x0": 1, "x1": 1, "xref": "x2", "y0": 0, "y1": 1, "yref": "paper"},
                "line": {"color": GREY, "width": 1},
            }
        ]
    return Chart(
        f"ablation-{drawing.number}",
        "From the centre of the space to the best candidate",
        "From the top, one hyperparameter after the other gets the value of the best candidate, "
        "the one first that gains most. The dots are forecasts by a forest, the whiskers hold 95 % "
        "of its trees.",
        f"Dots of the {metric.name} gained and the joules paid by each change: "
        f"{', '.join(str(each.name) for each in steps)}.",
        go.Figure(data=traces, layout=layout),
        height_rem=7.0 + 2.8 * len(steps),
        width_rem=34.0,
    )


def _change(stop: Stop) -> str:
    values = f"{format_value(stop.before)} → {format_value(stop.value)}"
    return f"{escape(str(stop.name))}<br>{escape(values)}"


def _scaled(found: Forecast, factor: float) -> Forecast:
    return type(found)(found.value * factor, found.low * factor, found.high * factor)


def _dots(
    steps: Sequence[Stop], found: Sequence[Forecast], colour: str, symbol: str, axis: str
) -> dict[str, Any]:
    sign = "+.2f" if axis == "x" else ".3g"
    after = "" if axis == "x" else " times the joules"
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [each.value for each in found],
        "y": list(range(len(found))),
        "xaxis": axis,
        "marker": {"color": colour, "symbol": symbol, "size": 10},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [max(each.high - each.value, 0.0) for each in found],
            "arrayminus": [max(each.value - each.low, 0.0) for each in found],
            "color": colour,
            "thickness": 1.5,
            "width": 3,
        },
        "hoverinfo": "text",
        "hovertext": [
            f"<b>{_change(step)}</b><br>{each.value:{sign}} "
            f"[{each.low:{sign}}, {each.high:{sign}}]{after}, forecast"
            for step, each in zip(steps, found, strict=True)
        ],
    }
