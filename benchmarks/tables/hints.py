"""What a missing column may be called in somebody else's table, and the ``--map`` that says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial

from ...models.metric import ACCURACY, METRICS, Metric
from .mapping import as_option

_WORD = re.compile(r"[A-Za-zµμ]+|%")
_JOULES = {"j": "", "joule": "", "joules": "", "ws": "", "wh": "*3600", "kwh": "*3.6e6"}
_JOULES |= {"kj": "*1e3", "gj": "*1e9", "gwh": "*3.6e12", "uj": "/1e6", "µj": "/1e6", "μj": "/1e6"}
_JOULES_BY_CASE = {"mJ": "/1e3", "MJ": "*1e6", "mWh": "*3.6", "MWh": "*3.6e9"}
_FACTOR = "*FACTOR"
_OTHER_PARTS = {"train", "training", "cpu", "gpu", "ram", "dram", "idle"}
_STRATEGIES = {"sampler", "tuner", "searcher", "algorithm", "algo", "method", "search"}


def misspelt(names: Sequence[str], contract: Sequence[str]) -> dict[str, str]:
    """How columns are called, by what they should be but for capitals, spaces or a plural."""
    absent = {_plain(name): name for name in contract if name not in names}
    odd = [name for name in names if name not in contract and _plain(name) in absent]
    return {absent[_plain(name)]: name for name in odd}


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "_", name).lower().removesuffix("s")


def how_to_map(missing: Sequence[str], names: Sequence[str], metric: Metric) -> str:
    """The ``--map`` that makes missing columns of the contract of those that there are.

    Where none is called like an accuracy but one like another metric, the ``--metric`` besides.
    """
    stated = metric
    if "score" in missing and metric == ACCURACY and _score(names, metric) is None:
        metric = next((each for each in METRICS.values() if _score(names, each)), metric)
    find: dict[str, Callable[[Sequence[str]], tuple[str, str] | None]] = {
        "energy_j": _energy,
        "score": partial(_score, metric=metric),
        "strategy": _strategy,
    }
    guesses = {
        target: find[target](names)
        or next(((near, "") for near in get_close_matches(target, names, n=1)), ("NAME", ""))
        for target in missing
    }
    option = ",".join(as_option(target, *guess) for target, guess in guesses.items())
    option += "" if metric is stated else f" --metric {metric.name}"
    if guesses.get("energy_j", ("", ""))[1] == _FACTOR:
        option += " with the joules of its unit for FACTOR: 3.6e6 for kWh, 1e6 for MJ, 1e-3 for mJ"
    return f"--map {option}"


def _energy(names: Sequence[str]) -> tuple[str, str] | None:
    """The likeliest column of joules: with a unit, of the whole rather than of a part."""
    known = [(name, unit) for name in names if (unit := _unit(name)) is not None]
    if not known:
        known = [(name, _FACTOR) for name in names if "energy" in name.lower()]
    return min(known, key=lambda each: bool(_OTHER_PARTS & _words(each[0])), default=None)


def _unit(name: str) -> str | None:
    """How a column becomes joules, by the unit its name ends with; None without a clear one."""
    unit = (_WORD.findall(name) or [""])[-1]
    return _JOULES_BY_CASE.get(unit, _JOULES.get(unit.lower()))


def _score(names: Sequence[str], metric: Metric) -> tuple[str, str] | None:
    """The likeliest column of a metric: on validation rather than on other data."""
    known = [name for name in names if _plain(metric.name) in _plain(name)]
    if metric.name == ACCURACY.name:
        known = [n for n in names if any(w.startswith(("acc", "top")) for w in _words(n))]
    name = min(known, key=_unlikely, default=None)
    if name is None:
        return None
    percent = metric.high == 1 and _words(name) & {"%", "percent", "pct", "percentage"}
    return name, "/100" if percent else ""


def _strategy(names: Sequence[str]) -> tuple[str, str] | None:
    return next(((name, "") for name in names if _words(name) & _STRATEGIES), None)


def _unlikely(name: str) -> tuple[bool, bool, bool]:
    """Sorts columns on validation data before those on other data."""
    words = _words(name)
    return "train" in words, "test" in words, not words & {"val", "valid", "validation"}


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(name)}
