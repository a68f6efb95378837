"""Metrics, and what a training function reports of them."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Any

from .common import NETWORKS, OWN, Arguments, Maker, hostile, line, no_number, text, word


def given(rng: Random) -> Any:
    """What is no metric."""
    name = rng.choice(("f1", "kappa", "loss"))
    return rng.choice(
        [
            {},
            {"direction": "maximize"},
            {"name": rng.choice([None, 3, "", " ", [], {}, True, math.nan, *("a\nb", "\x1b[2J")])},
            {"name": name, "direction": rng.choice(["max", "MAXIMIZE", "", None, 3, [], {}, True])},
            {"name": name, "low": no_number(rng)},
            {"name": name, "high": no_number(rng)},
            {"name": name, "low": 1, "high": rng.choice([1, 0.5, -1e300])},
            {"name": name, hostile(rng): 1},
            {"name": name, rng.choice([3, None, True, math.nan]): 1},
            {"nmae": name},
        ]
    )


def named(rng: Random, folder: Path) -> Arguments:
    names = ("acuracy", "", " ", "F1", "[f1]", "3", "{", "{name", "{name: f1", "{name: f1, low: }}")
    name = rng.choice((*names, word(rng), hostile(rng).replace("\x00", ""))) or " "
    return line(rng, rng.choice((NETWORKS, OWN)), metric=name)


def written(rng: Random, folder: Path) -> Arguments:
    return line(rng, rng.choice((NETWORKS, OWN)), metric=text(given(rng)))


def not_computed(rng: Random, folder: Path) -> Arguments:
    """Those that the training of networks cannot compute."""
    made_up = [{"name": word(rng)}, {"name": "kappa", "low": -1, "high": 1}]
    metric = rng.choice(["r2", "rmse", "mae", *made_up])
    return line(rng, NETWORKS, metric=metric if isinstance(metric, str) else text(metric))


def misreported(rng: Random, folder: Path) -> Arguments:
    """Those that a training function reports another value of."""
    bounds = {"name": "right", "low": rng.choice([2, 0.95]), "high": rng.choice([2.5, 1e9])}
    metric = rng.choice(["f1", "rmse", text({"name": word(rng)}), text(bounds)])
    return line(rng, OWN, metric=metric)


def target(rng: Random, folder: Path) -> Arguments:
    asked = rng.choice(
        ["0", "-1", "1.5", "nan", "inf", "101%", "0%", "%", "x%", "1e400", "9" * 400]
    )
    return line(rng, NETWORKS, target=rng.choice([asked, hostile(rng).replace("\x00", "")]))


MAKERS: list[Maker] = [named, written, written, written, not_computed, misreported, target]
