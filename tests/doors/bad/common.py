"""What is drawn for all kinds: command lines that are right but for one thing, and junk."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import yaml

Arguments = list[str]
Maker = Callable[[Random, Path], Arguments]

SPACE = "{size: 60, log2_batch_size: 4, epochs: 1}"
NETWORKS = {"dataset": "synthetic:6:2:40", "architecture": "mlp", "space": SPACE}
OWN = {"objective": "bad_objectives:right", "space": "{rate: {low: 0.1, high: 0.9}}"}
# Too little for one epoch: what is not refused for its own reason is refused for this one.
USUAL = {"budget": "1e-9 J", "meter": "model", "device": "cpu", "workers": "1", "out": "new"}

HYPERPARAMETERS = ("learning_rate", "size", "dropout", "weight_decay", "log2_batch_size", "depth")
CONTROL = ("\x1b[31mred", "a\nb", "nul\x00", "\x7f", "\u202eab", "\r\n\r\n", "\x9b2J")


def line(rng: Random, what: dict[str, str], /, experiment: str = "", **changed: str) -> Arguments:
    """A command line that is right but for what is changed."""
    command = rng.choice(("compare", "compare", "tune"))
    runs = {"strategy": "random"} if command == "tune" else {"strategies": "random", "seeds": "1"}
    given = {**USUAL, **runs, **what, **changed}
    words = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value]
    return [command, *([experiment] if experiment else []), *words]


def text(value: Any) -> str:
    """YAML in one line."""
    return yaml.safe_dump(
        value, default_flow_style=True, width=math.inf, allow_unicode=True, sort_keys=False
    )


def no_number(rng: Random) -> Any:
    """What is no finite number."""
    return rng.choice(
        [
            math.nan,
            math.inf,
            -math.inf,
            [],
            {},
            [1],
            {"a": 1},
            "",
            "many",
            "1e",
            "0x1G",
            True,
            10**400,
            rng.choice(CONTROL),
            [[[]]],
        ]
    )


def word(rng: Random) -> str:
    """A word that nothing is called."""
    letters = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz_") for _ in range(rng.randint(3, 12)))
    return rng.choice((letters, f"q{letters}", letters.upper(), f"{letters}é", "日本" + letters))


def hostile(rng: Random) -> str:
    """A text that nothing is called, and that a terminal should not be given."""
    return rng.choice((word(rng), rng.choice(CONTROL) + word(rng), word(rng) + rng.choice(CONTROL)))
