"""Search spaces."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from .common import HYPERPARAMETERS, NETWORKS, OWN, Arguments, Maker, hostile, line, no_number, text

RIGHT: dict[Any, Any] = {"size": 60, "log2_batch_size": 4, "epochs": 1}
OF_RANGE = ("low", "high", "step", "log", "type", "value", "choices", "when")


def name(rng: Random) -> str:
    return rng.choice(HYPERPARAMETERS)


def a_range(rng: Random, **changed: Any) -> dict[str, Any]:
    low = rng.choice((0.1, 1e-3, 1, 8))
    return {"low": low, "high": low * rng.choice((2, 10)), **changed}


def reversed_range(rng: Random) -> Any:
    low = rng.uniform(-5, 5)
    return {"low": low, "high": low - rng.choice((1e-9, 1, 1e300))}


def log_of_none(rng: Random) -> Any:
    return {"low": rng.choice((0, 0.0, -1, -1e-9)), "high": rng.choice((1, 0.5)), "log": True}


def bound(rng: Random) -> Any:
    return a_range(rng, **{rng.choice(("low", "high", "step")): no_number(rng)})


def kind_of_range(rng: Random) -> Any:
    return rng.choice(
        [
            {"low": 0.5, "high": 1.5, "type": "int"},
            {"low": 1, "high": 2, "type": rng.choice(["Float", "uniform", "", 3, True, [], {}])},
            {"low": 1, "high": 2, "log": rng.choice(["yes", 1, "true", [], math.nan])},
            {"low": 0.1, "high": 1.0, "log": True, "step": 0.1},
            {"low": 0, "high": 1, "step": rng.choice([0, -1, 0.0, 5])},
            {"low": 1},
            {"high": 1},
            {"type": "int"},
            {"choices": [1, 2], "type": "float", "low": 1},
            {},
            {"low": 1, "high": 2, "value": 1},
        ]
    )


def unknown_key(rng: Random) -> Any:
    key = rng.choice(["hihg", "Low", "", "min", 3, True, math.nan, hostile(rng)])
    return a_range(rng, **{}) | {key: 1}


def choices(rng: Random) -> Any:
    return rng.choice(
        [
            [],
            {"choices": rng.choice([[], "ab", 3, {}, {"a": 1}, True, math.inf])},
            [1, 1.0],
            [True, 1],
            ["a", "a"],
            [None, 1],
            [1, math.nan],
            [[1], [2]],
            [{"a": 1}],
            [1, [2]],
            [math.inf],
            [10**400, 1],
        ]
    )


def scalar(rng: Random) -> Any:
    return rng.choice([math.nan, math.inf, [[]], [[[1]]], {"value": [1]}, {"value": None}, None])


def nested(rng: Random) -> Any:
    value: Any = rng.choice([1, [], {}, "x"])
    for _ in range(rng.randint(2, 60)):
        value = rng.choice(([value], {"low": value}, {"when": value}, {"choices": value}))
    return {"low": value, "high": value}


def when(rng: Random) -> dict[Any, Any]:
    """A whole space, of which a condition cannot be."""
    optimizer = {"optimizer": ["sgd", "adam"]}
    wrong = rng.choice(
        [
            *(None, [], {}, "sgd", 3, ["optimizer"], math.nan),
            {hostile(rng): "sgd"},
            {3: 1},
            {"momentum": 0.5},
            {"optimizer": rng.choice(["adamw", "", 3, None, [], [[]], {}, ["sgd", "x"], math.nan])},
            {"epochs": 1},
            {"size": 61},
            {"learning_rate": 0.1},
        ]
    )
    return rng.choice(
        [
            optimizer | {"momentum": {"low": 0.1, "high": 0.9, "when": wrong or {}}}
            if wrong is not None
            else optimizer | {"momentum": {"low": 0.1, "high": 0.9, "when": [None]}},
            optimizer | {"epochs": {"low": 1, "high": 2, "when": {"optimizer": "sgd"}}},
            {"dropout": {"value": 0.1, "when": {"depth": 2}}}
            | {"depth": {"value": 2, "when": {"dropout": 0.1}}},
            {"schedule": {"choices": ["cosine", "step"], "when": {"dropout": 0.1}}}
            | {"dropout": {"choices": [0.1, 0.2], "when": {"depth": 2}}}
            | {"depth": {"choices": [2, 3], "when": {"schedule": "step"}}},
            {
                "optimizer": ["sgd", "adam"],
                "depth": {"choices": [2, 3], "when": {"optimizer": "sgd"}},
            }
            | {"dropout": {"value": 0.1, "when": {"optimizer": "adam", "depth": 2}}},
        ]
    )


def of_training(rng: Random) -> dict[Any, Any]:
    """Values that a hyperparameter of the training or of the network cannot have."""
    big = 10 ** rng.choice((30, 400))
    return rng.choice(
        [
            {"epochs": rng.choice([0, -1, 1.5, "four", True, [0, 1], {"low": 0, "high": 3}, big])},
            {"epochs": {"low": 1.0, "high": 3.5, "type": "float"}},
            {"batch_size": rng.choice([16, [8, 16], 0])},
            {"log2_batch_size": rng.choice([-1, 0, 31, 64, 2.5, "4", {"low": 1, "high": 40}])},
            {"optimizer": rng.choice(["sgdd", "", 3, ["adam", "x"], hostile(rng), True])},
            {"optimizer": "adam", "momentum": rng.choice([0.5, [0.1, 0.2]])},
            {"optimizer": ["sgd", "adam"], "beta1": {"low": 0.1, "high": 0.9}},
            {"momentum": rng.choice([1, 1.5, -0.1, "x"]), "optimizer": "sgd"},
            {"learning_rate": rng.choice([-0.1, "fast", True, {"low": -1, "high": 1}, big])},
            {"weight_decay": rng.choice([-1e-9, [0.1, -1], "no", False])},
            {"label_smoothing": rng.choice([1, 2.5, -1, "x"])},
            {"gradient_clip": rng.choice([0, -1, "x", [0, 1]])},
            {"warmup_share": rng.choice([1, -0.5, {"low": 0.5, "high": 1.5}])},
            {"schedule": rng.choice(["cosin", "", 1, ["constant", "x"], hostile(rng)])},
            {"precision": rng.choice(["fp16", 16, "", ["auto", "half"]])},
            {"augmentation": rng.choice(["flipp", "flip+", "+", 3, ["none", "x"]])},
            {"patience": rng.choice([-1, 0.5, "x"])},
            {"freeze": rng.choice([1, "yes", 0.5, [True, 3]])},
            {hostile(rng): rng.choice([1, [1, 2], {"low": 1, "high": 2}])},
            {"widht": 8},
            {"conv_blocks": 2},
            {rng.choice([3, 1.5, True, None, math.nan]): 1},
            {"size": rng.choice([0, -5, 1, 2.5, "big", True, [0, 60], big])},
            {"depth": rng.choice([1, 0, -1, 2.5, "deep", big])},
            {"dropout": rng.choice([1, -0.1, "x", True, {"low": 1.0, "high": 1.5}, big])},
            {"profile": rng.choice(["square", "", 3, True, "x"])},
        ]
    )


NO_SPACES = (
    *("[]", "[1, 2]", "3", "x", "{", "{a", "{a: [}", "{a: 1, a: 2}", "{? [1] : 2}", "true", "{}"),
    *("{a: *b}", "{a: !!python/object:os.system x}", "{a: 2024-13-45}", "{a: !!binary x}"),
    *("none.yaml", "../none.yml", "\x00.yaml", f"{'x' * 5000}.yaml", f"{{a: {'9' * 5000}}}"),
    *("{" + "a: {" * 3000, f"{{a: {'[' * 3000}{']' * 3000}}}", "{a: 1}}", "{\x07: 1}"),
)


def axis(make: Callable[[Random], Any]) -> Maker:
    """A space of which one hyperparameter cannot be, of networks or of an own objective."""

    def maker(rng: Random, folder: Path) -> Arguments:
        if rng.random() < 0.3:
            return line(rng, OWN, space=text({"rate": make(rng)}))
        return line(rng, NETWORKS, space=text({**RIGHT, name(rng): make(rng)}))

    return maker


def mapping(make: Callable[[Random], dict[Any, Any]]) -> Maker:
    """A space of which some part cannot be, in the command line or in a file."""

    def maker(rng: Random, folder: Path) -> Arguments:
        space = text({**RIGHT, **make(rng)})
        if rng.random() < 0.5:
            (folder / "space.yaml").write_text(space)
            space = str(folder / "space.yaml")
        return line(rng, NETWORKS, space=space)

    return maker


MAKERS: list[Maker] = [
    *map(axis, (reversed_range, log_of_none, bound, kind_of_range, unknown_key, choices, scalar)),
    axis(nested),
    *map(mapping, (when, when, of_training, of_training, of_training)),
    lambda rng, _: line(rng, rng.choice((NETWORKS, OWN)), space=rng.choice(NO_SPACES)),
]
