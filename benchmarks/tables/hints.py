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
_COMPONENTS = {"cpu", "gpu", "ram", "dram"}
_OTHER_PARTS = _COMPONENTS | {"train", "training", "idle"}
_Guess = tuple[str | Sequence[str], str]  # a column, or several to be added up, and the conversion
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
    find: dict[str, Callable[[Sequence[str]], _Guess | None]] = {
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


def total_of(names: Sequence[str]) -> list[str]:
    """The columns of the contract that make up ``energy_j`` where nothing else tells it.

    None where there is a column of the whole, or of a component that is not among them.
    """
    parts = [name for name in ("cpu_j", "gpu_j", "dram_j") if name in names]
    taken = {_part(name) for name in parts}
    others = [name for name in names if name not in parts and _joules_of(name)]
    known = {"energy_j", "node_j"}.isdisjoint(names) and not misspelt(names, ["energy_j"])
    known &= all(_OTHER_PARTS & _words(n) and _part(n) in {"", *taken} for n in others)
    return parts if known else []


def _joules_of(name: str) -> bool:
    """Whether a column is an energy, of whatever unit."""
    return _unit(name) is not None or "energy" in _words(name)


def _part(name: str) -> str:
    """Which component a column is of; empty if none."""
    return next(iter(_COMPONENTS & _words(name)), "").removeprefix("d")


def _energy(names: Sequence[str]) -> _Guess | None:
    """The likeliest column of joules: with a unit, of the whole rather than of a part.

    Where there is no whole, one of each component together.
    """
    known = [(name, unit) for name in names if (unit := _unit(name)) is not None]
    if not known:
        known = [(name, _FACTOR) for name in names if "energy" in name.lower()]
    if all(_OTHER_PARTS & _words(name) for name, _ in known):
        first = {_part(name): (name, unit) for name, unit in reversed(known) if _part(name)}
        parts = [each for each in known if each in first.values()]
        if len(parts) > 1 and len({unit for _, unit in parts}) == 1:
            return [name for name, _ in parts], parts[0][1]
        if len(parts) > 1:
            return [name + unit for name, unit in parts], ""
    return min(known, key=lambda each: bool(_OTHER_PARTS & _words(each[0])), default=None)


def _unit(name: str) -> str | None:
    """How a column becomes joules, by the unit its name ends with; None without a clear one."""
    unit = (_WORD.findall(name) or [""])[-1]
    return _JOULES_BY_CASE.get(unit, _JOULES.get(unit.lower()))


def _score(names: Sequence[str], metric: Metric) -> _Guess | None:
    """The likeliest column of a metric: on validation rather than on other data."""
    known = [name for name in names if _plain(metric.name) in _plain(name)]
    if metric.name == ACCURACY.name:
        known = [n for n in names if any(w.startswith(("acc", "top")) for w in _words(n))]
    name = min(known, key=_unlikely, default=None)
    if name is None:
        return None
    percent = metric.high == 1 and _words(name) & {"%", "percent", "pct", "percentage"}
    return name, "/100" if percent else ""


def _strategy(names: Sequence[str]) -> _Guess | None:
    return next(((name, "") for name in names if _words(name) & _STRATEGIES), None)


def _unlikely(name: str) -> tuple[bool, bool, bool]:
    """Sorts columns on validation data before those on other data."""
    words = _words(name)
    return "train" in words, "test" in words, not words & {"val", "valid", "validation"}


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(name)}
