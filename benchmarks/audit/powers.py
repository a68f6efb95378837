"""Checks of power against what the hardware can draw that is named, or any there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...energy.hardware import CARD_W, MACHINE_W, MEMORY_W, SOCKET_W, SOCKETS
from ...energy.sources.cpu.power import rated_power_w
from ..tables.quantities import ENERGY, POWER, TIME, QuantityColumn, as_text, read_numbers
from .catalogue import Evidence, Lacking
from .energies import are_of_trials
from .inputs import TRACE, Subject

_MOST_CARDS = 16
_MOST_CPU_W = SOCKETS * SOCKET_W
_OVER_RATED, _OVER_RATED_W = 3.5, 50.0  # how far turbo goes above a rated power: times, or watts
_SERVER = re.compile(r"xeon|epyc|opteron|altra|graviton|threadripper", re.I)
_OVER_BOARD = 2.0  # a board of the name may be a larger version of it, and overclocked
_BOARDS = {  # rated watts of well-known cards: the first pattern that a name has
    r"\bT4\b|\bP4\b|\bL4\b|\bA2\b|GTX 1650": 75,
    r"GTX 16\d\d|GTX 10[56]0|RTX [45]060|RTX 2060": 160,
    r"\bA10\b|\bA30\b|RTX 3060|RTX 2070|GTX 1070": 175,
    r"RTX 3070|RTX [45]070|RTX 2080|GTX 1080": 250,
    r"\bL40S?\b|\bA40\b|V100|P100|\bK80\b|TITAN|RTX [345]080|\bA[56]000\b": 360,
    r"RTX [34]090|\bA100\b|MI[12]\d\d": 500,
    r"RTX 5090|\bH100\b|\bH200\b|MI3\d\d": 750,
}
_N_CARDS = re.compile(r"(?i)n_?gpus?|gpu_?count")
_CARD = re.compile(r"\b(gpus?|nvidia|cuda|graphics?|card|board)\b")
_CPU = re.compile(r"\b(cpu|processor|package|pkg|core|socket)\b")
_RAM = re.compile(r"\b(d?ram|memory)\b")
_SUM = re.compile(r"\b(total|sum|all|node|cards|gpus)\b")
_PARTIAL = re.compile(
    r"\b(latency|infer\w*|per|epoch|step|batch|val\w*|test|eval\w*|search|idle)\b"
)
_LEAST_S = 1.0  # shorter windows tell less of power than of their sensor's period
_MODEL = re.compile(r"\b(model|name|type|device|processor)\b")


class _Bound(NamedTuple):
    """The most that something draws, and why."""

    most_w: NDArray[np.float64]  # by row: what is above is impossible
    rated_w: NDArray[np.float64]  # by row: what it is compared with in words
    of: list[str]  # by row: whose watts these are


def impossible_power(subject: Subject) -> Evidence:
    """One finding with all powers that what is named, or any hardware, cannot draw."""
    powers = list(_powers(subject))
    if not powers:
        raise Lacking("neither a power nor an energy with the duration that it took")
    names: list[str] = []
    parts: list[str] = []
    rows: set[int] = set()
    for name, columns, words, power_w in powers:
        bound = _bound(subject, words)
        over = np.isfinite(power_w) & (power_w > bound.most_w)
        if not over.any():
            continue
        worst = int(np.nanargmax(np.where(over, power_w / bound.most_w, np.nan)))
        rated_w = bound.rated_w[worst]
        names += columns
        rows.update(np.flatnonzero(over).tolist())
        parts.append(
            f"{name} is {power_w[worst]:.6g} W in row {worst + 1}, "
            f"{power_w[worst] / rated_w:.3g} times the {rated_w:g} W of {bound.of[worst]} "
            f"({over.sum()} of {np.isfinite(power_w).sum()} rows are too high)"
        )
    if parts:
        yield subject.at([*dict.fromkeys(names)], sorted(rows)), "; ".join(parts)


def _powers(subject: Subject) -> Iterator[tuple[str, list[str], str, NDArray[np.float64]]]:
    """Powers as they are told, and energies over durations: name, columns, words, watts."""
    for power in subject.of(POWER):
        if not (_SUM.search(power.words) and np.nanmedian(power.si) > MACHINE_W):
            yield power.name, [power.name], power.words, power.si  # else a sum of readings
    if subject.kind == TRACE:
        return
    time = _duration(subject)
    if time is None or (subject.table is not None and not are_of_trials(subject.table)):
        return
    for energy in subject.of(ENERGY):
        if _PARTIAL.search(energy.words):
            continue
        with np.errstate(all="ignore"):
            power_w = np.where(time.si >= _LEAST_S, energy.si / time.si, np.nan)
        name = f"{energy.name} over {time.name}"
        yield name, [energy.name, time.name], energy.words, power_w


def _duration(subject: Subject) -> QuantityColumn | None:
    """How long rows took; None unless that is clear."""
    times = [each for each in subject.of(TIME) if each.factor is not None]
    known = [each for each in times if each.name in ("duration_s", "duration")]
    whole = known or [each for each in times if not _PARTIAL.search(each.words)]
    return whole[0] if len(whole) == 1 and (known or len(times) == 1) else None


def _bound(subject: Subject, words: str) -> _Bound:
    n_rows = len(subject.frame)
    of_all = subject.kind == TRACE and subject.mentions(r"nvidia|power\.draw")
    if _CARD.search(words) or (of_all and not _CPU.search(words)):
        return _card_bound(subject, words)
    if _CPU.search(words):
        return _cpu_bound(subject)
    if _RAM.search(words):
        return _any(n_rows, MEMORY_W, "the largest memory")
    return _any(n_rows, MACHINE_W, "the largest machine")


def _any(n_rows: int, watts: float, of: str) -> _Bound:
    """The same bound in every row."""
    return _Bound(np.full(n_rows, watts), np.full(n_rows, watts), [of] * n_rows)


def _cpu_bound(subject: Subject) -> _Bound:
    """What the processors that are named can draw; any processor, where none is."""
    models = _models(subject, _CPU)
    rated = {model: rated_power_w(model) for model in {*models}}
    most: dict[str, float] = {}
    for model, watts in rated.items():
        if watts is not None:
            sockets = SOCKETS if _SERVER.search(model) else 1
            most[model] = sockets * max(_OVER_RATED * watts, watts + _OVER_RATED_W)
    return _Bound(
        np.array([most.get(model, _MOST_CPU_W) for model in models]),
        np.array([rated[model] or _MOST_CPU_W for model in models]),
        [model if model in most else "the largest processors" for model in models],
    )


def _card_bound(subject: Subject, words: str) -> _Bound:
    """What the cards that are named can draw; any card, where none is."""
    models = _models(subject, _CARD)
    rated = {model: watts for model in {*models} if (watts := _board_w(model))}
    counts = [n for n in map(str, subject.frame) if _N_CARDS.fullmatch(n)]
    count = read_numbers(subject.frame[counts[0]]) if counts else np.full(len(models), np.nan)
    stated = [re.match(r"\s*(\d+)\s*x\s", model) for model in models]
    named = np.array([float(found[1]) if found else np.nan for found in stated])
    several = _MOST_CARDS if _SUM.search(words) else 1
    count = np.where(count > 0, count, np.where(named > 0, named, several))
    each_w = np.array([rated.get(model, CARD_W) for model in models]) * count
    over = np.array([_OVER_BOARD if model in rated else 1.0 for model in models])
    return _Bound(
        each_w * over, each_w, [model if model in rated else "any card" for model in models]
    )


def _board_w(model: str) -> float | None:
    return next((watts for name, watts in _BOARDS.items() if re.search(name, model)), None)


def _models(subject: Subject, what: re.Pattern[str]) -> list[str]:
    """The hardware's name in each row; empty where nothing tells it."""
    for name in map(str, subject.frame):
        plain = " ".join(
            re.findall(r"[^\W\d_]+", name.removeprefix("g.").removeprefix("p."))
        ).lower()
        if what.search(plain) and (_MODEL.search(plain) or what.fullmatch(plain)):
            texts = as_text(subject.frame[name]).fillna("").tolist()
            if any(re.search("[A-Za-z]", text) for text in texts):
                return texts
    return [""] * len(subject.frame)
