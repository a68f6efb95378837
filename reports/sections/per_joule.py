"""What a joule buys above a floor, with a slider for the floor."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from ...benchmarks.analysis import naming
from ...benchmarks.analysis.floors import Floors
from ...benchmarks.tables.facts import finite
from ..figures.per_joule import floor_scale, per_joule_chart
from ..format import format_energy, format_score
from .section import Section, Subject
from .targets import score_stops


def per_joule_section(subject: Subject) -> Section | None:
    """Show score per joule above a floor, where the metric has a zero."""
    facts, metric = subject.facts, subject.facts.metric
    floor = facts.target.score
    if not subject.is_scored or not naming.has_zero(metric) or floor is None:
        return None
    floors = Floors.of(subject.table)
    score, energy_j = floors.highest
    if math.isnan(energy_j):
        return None
    data = _data(floors, floor, subject)
    per_joule = naming.per_joule(metric)
    places = {own["name"]: place for place, own in enumerate(data["strategies"])}
    return Section(
        f"per-joule-{subject.number}-section",
        f"{per_joule[0].upper()}{per_joule[1:]}",
        "Only what reaches a floor is compared, for without one a network that learnt next to "
        f"nothing may win: the most {per_joule} of all trials is that of one that reached "
        f"{format_score(score, metric)} for {format_energy(energy_j)}. No verdict rests on it.",
        charts=[per_joule_chart(floors, subject.trials, subject.drawing, floor)],
        template="per_joule",
        content={
            "data": data,
            "at": data["floors"].index(floor),
            "floor": floor,
            "rows": [
                {"name": name, "place": places[name], **asdict(own)}
                for name, own in sorted(
                    floors.at(floor).items(), key=lambda each: -(each[1].trial or 0.0)
                )
            ],
        },
    )


def _data(floors: Floors, floor: float, subject: Subject) -> dict[str, Any]:
    """What the page computes with: the steps of each strategy, and its runs."""
    scores = np.concatenate(
        [floors.runs["score"], *(curve["score"] for curve in floors.curves.values())]
    )
    stops = score_stops(scores, floor)
    scale = floor_scale(floors, subject.facts.metric)
    runs = dict(iter(floors.runs.groupby("strategy", sort=False)))
    return finite(
        {
            "floors": stops,
            "places": scale.place(stops).tolist(),
            "strategies": [
                {
                    "name": name,
                    "scores": curve["score"].tolist(),
                    "most": curve["per_joule"].tolist(),
                    "runs": runs[name][["score", "per_joule"]].to_numpy().tolist(),
                }
                for name, curve in floors.curves.items()
            ],
        }
    )
