"""Checks of columns of energy, power and time, whatever they were recorded by."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain, islice, product

import numpy as np
from numpy.typing import NDArray

from ...energy.hardware import MACHINE_W
from ...energy.quantities import JOULES_PER_UNIT
from ..tables.dimensions import MOST_LEVELS
from ..tables.quantities import ENERGY, POWER, TIME, QuantityColumn, as_text
from .catalogue import Evidence, Lacking
from .inputs import TRACE, TRACKER, Subject
from .rounding import half_units

Columns = list[QuantityColumn]
FEWEST_ROWS = 3  # fewest rows from which a pattern over rows is read
_FEWEST_EQUAL = {TRACKER: 3, TRACE: 20}  # so many equal readings are none; else five
_PHASES = ("energy_train_j", "energy_validate_j", "energy_setup_j", "energy_search_j")
_NOTHING = re.compile(r"nan|None|<NA>|[+-]?0*\.?0*")
_FAR = 10.0  # how many times a mean a sum of readings is at least
_SAME, _MOST_OFF = 1e-6, 1e-3  # relative differences of equal figures, and by rounding
_MANY = 20  # rows whose agreement within five times as much is no chance
_TOTALS = ("energy_consumed", "energy_j")
_SUM = ("total", "sum")
_MEAN = ("average", "mean", "avg")


def negative_component(subject: Subject) -> Evidence:
    """One finding for each row and column below zero."""
    for quantity in _known(subject):
        totals = [each for each in subject.of(ENERGY) if each.name in {*_TOTALS} - {quantity.name}]
        total = totals[0] if totals and quantity.what == ENERGY else None
        for row in np.flatnonzero(quantity.values < 0).tolist():
            beside = f", and is part of {total.name} {total.values[row]:.6g}" if total else ""
            evidence = f"{quantity.name} is {quantity.values[row]:.6g} there{beside}"
            yield subject.at([quantity.name], [row]), evidence


def zero_component(subject: Subject) -> Evidence:
    """One finding for each component that is zero throughout, or energy that is zero in rows."""
    for quantity in _known(subject):
        zero, n_known = quantity.values == 0, len(quantity.known)
        if quantity.what == TIME or quantity.name in _PHASES or not zero.any():
            continue
        if "gpu" in quantity.words and not _has_gpu(subject):
            continue
        if (quantity.known == 0).all():
            evidence = f"{quantity.name} is 0 in all {n_known} rows: the sensor was not read"
        elif quantity.what == ENERGY and quantity.name in _TOTALS:
            evidence = f"{quantity.name} is 0 in {zero.sum()} of {n_known} rows"
        else:
            continue
        yield subject.at([quantity.name], np.flatnonzero(zero).tolist()), evidence


def constant_power(subject: Subject) -> Evidence:
    """One finding with all powers that are the same throughout, or energies that are time.

    Throughout is: in all rows, or in all rows of each machine, strategy or whatever tells a few
    sets of rows apart.
    """
    fewest = _FEWEST_EQUAL.get(subject.kind, 5)
    if len(subject.frame) < fewest:
        raise Lacking(f"fewer than {fewest} rows")
    found = [
        (power.name, power.name, partial(_constant, power, fewest)) for power in subject.of(POWER)
    ]
    if not _modelled(subject):
        for energy, time in product(subject.of(ENERGY), subject.of(TIME)):
            called = f"{energy.name} over {time.name}"
            halves = [half_units(subject.frame, subject.mapping, q.name) for q in (energy, time)]
            ratio = partial(_constant_ratio, energy, time, *halves, fewest)
            found.append((energy.name, called, ratio))
    columns, parts = [], []
    for column, called, same in found:
        if words := _throughout(subject, same, fewest):
            columns.append(column)
            parts.append(f"{called} is {words}")
    if parts:
        yield subject.at([*dict.fromkeys(columns)]), "; ".join(parts)


_Same = Callable[[NDArray[np.bool_]], str]  # the constant of some rows, in words; empty if none


def _throughout(subject: Subject, same: _Same, fewest: int) -> str:
    """What is the same in all rows, or in all rows of each value of a column; empty if nothing."""
    n_rows = len(subject.frame)
    if words := same(np.ones(n_rows, dtype=bool)):
        return words
    if subject.kind == TRACKER:
        return ""
    amounts = {each.name for each in subject.quantities}
    for name in map(str, subject.frame):
        if name in amounts:
            continue
        labels = as_text(subject.frame[name])
        sizes = labels.value_counts()
        if not 2 <= len(sizes) <= MOST_LEVELS or sizes.min() < fewest or labels.isna().any():
            continue
        told = {
            label: same((labels == label).to_numpy(dtype=bool)) for label in sorted(sizes.index)
        }
        if all(told.values()):
            return "; ".join(f"{words} of {name} {label}" for label, words in told.items())
    return ""


def _constant(power: QuantityColumn, fewest: int, rows: NDArray[np.bool_]) -> str:
    known = power.values[rows & np.isfinite(power.values)]
    if len(known) < fewest or known[0] == 0 or _varies(known, _SAME):
        return ""
    return f"{known[0] * (power.factor or 1.0):.6g} W in all {len(known)} rows"


def _constant_ratio(
    energy: QuantityColumn,
    time: QuantityColumn,
    energy_half: NDArray[np.float64],
    time_half: NDArray[np.float64],
    fewest: int,
    rows: NDArray[np.bool_],
) -> str:
    """An energy that is a time, as far as the written digits of both tell."""
    e, t = energy.si, time.values * (time.factor or 1.0)
    e_off, t_off = energy_half * (energy.factor or 1.0), time_half * (time.factor or 1.0)
    known = rows & np.isfinite(e) & np.isfinite(t) & (e > 0) & (t > 0)
    if known.sum() < fewest or not _varies(t[known]):
        return ""
    ratio = e[known] / t[known]
    watts, n = f"{np.median(ratio):.6g}{'' if time.factor is None else ' W'}", len(ratio)
    if not _varies(ratio, _SAME):
        return f"{watts} in all {n} rows"
    with np.errstate(divide="ignore"):
        low = (e - e_off)[known] / (t + t_off)[known]
        high = (e + e_off)[known] / np.maximum((t - t_off)[known], 0.0)
    off = np.median(high - low) / 2 / np.median(ratio)
    if (
        off > (_MOST_OFF if n < _MANY else 5 * _MOST_OFF)
        or not _varies(t[known], 20 * off)
        or low.max() > high.min()
    ):
        return ""
    return f"{watts} (as far as the digits tell) in all {n} rows"


def power_times_duration(subject: Subject) -> Evidence:
    """One finding for each energy that is a sum of readings, not their mean, times the duration."""
    powers, times, energies = _all_three(subject)
    sums = [power for power in powers if _is_sum(power, powers)]
    for energy in energies:
        products = _products(subject, energy, product(sums, times))
        yield from islice(chain(products, _far_above_mean(subject, energy, powers, times)), 1)


def energy_as_power(subject: Subject) -> Evidence:
    """One finding for each power that is an energy in another unit, though durations differ."""
    powers, times, energies = _all_three(subject)
    if not all(_varies(time.values) for time in times):
        raise Lacking("all durations are equal, so energy and power cannot be told apart")
    for power, energy in product(powers, energies):
        for unit in ("J", "Wh", "kWh"):
            if _agree(power.values * JOULES_PER_UNIT[unit], energy.si, 1e-9):
                spread = max(np.nanmax(time.values) / np.nanmin(time.values) for time in times)
                yield (
                    subject.at([power.name, energy.name]),
                    f"{power.name} is {energy.name} in {unit} to nine digits in all "
                    f"{len(power.known)} rows, though durations differ by a factor "
                    f"of {spread:.3g}",
                )


def truncated_sums(subject: Subject) -> Evidence:
    """One finding for each sum of a graphics card's watts that is a whole number in all rows."""
    powers = subject.of(POWER)
    sums = [power for power in powers if power.factor == 1 and _is_sum(power, powers)]
    if not sums or not subject.mentions("gpu|nvidia"):
        raise Lacking("neither readings nor sums of readings of a graphics card are in it")
    for total in sums:
        known = total.known
        if len(np.unique(known)) >= 20 and (known == np.floor(known)).all():
            yield (
                subject.at([total.name]),
                f"all {len(known)} values of {total.name} are whole numbers, though nvidia-smi "
                "gives watts with two decimals, and their sums have decimals too",
            )


def _all_three(subject: Subject) -> tuple[Columns, ...]:
    """Its columns of power, time and energy."""
    columns = tuple(subject.of(what) for what in (POWER, TIME, ENERGY))
    if not all(columns):
        raise Lacking("no columns of power, duration and energy beside each other, with units")
    return columns


def _known(subject: Subject) -> tuple[QuantityColumn, ...]:
    if not subject.quantities:
        raise Lacking("no number in any column of energy, power or time")
    return subject.quantities


def _has_gpu(subject: Subject) -> bool:
    """Whether anything tells of a graphics card; without one its energy may well be 0."""
    names = [name for name in map(str, subject.frame.columns) if "gpu" in name.lower()]
    if subject.kind == TRACKER:
        names = [name for name in names if name == "gpu_count"]
    cells = (cell for name in names for cell in subject.frame[name].dropna().astype(str).unique())
    return any(not _NOTHING.fullmatch(cell.strip()) for cell in cells)


def _modelled(subject: Subject) -> bool:
    """Whether energies do not pose as measured, or their powers are there to be looked at."""
    if subject.kind in (TRACE, TRACKER):
        return True
    table = subject.table
    return table is not None and bool((table.trials["energy_kind"] == "modelled").all())


def _is_sum(power: QuantityColumn, powers: Columns) -> bool:
    """Whether a total is one of readings: far above the mean, or above what any machine draws."""
    if not _named(power, _SUM):
        return False
    shares = [_ratio(power.si, mean.si) for mean in powers if _named(mean, _MEAN)]
    if any(len(share) >= FEWEST_ROWS and (share >= _FAR).all() for share in shares):
        return True
    return bool(np.nanmedian(power.si) >= MACHINE_W)


def _products(
    subject: Subject,
    energy: QuantityColumn,
    pairs: Iterable[tuple[QuantityColumn, QuantityColumn]],
) -> Evidence:
    """An energy that is a sum of readings times a duration."""
    for power, time in pairs:
        total_j = power.si * _seconds(energy, power, time)
        if _agree(energy.si, total_j):
            yield (
                subject.at([energy.name, power.name, time.name]),
                f"{energy.name} is {power.name} times {time.name} within 0.1 % in "
                f"{np.isfinite(total_j).sum()} rows, and {power.name} of "
                f"{np.nanmedian(power.si):.4g} W (median) is a sum of readings",
            )


def _far_above_mean(
    subject: Subject, energy: QuantityColumn, powers: Columns, times: Columns
) -> Evidence:
    """An energy many times the mean power times any duration, in every row."""
    if any(time.factor is None for time in times):
        return
    longest_s = np.fmax.reduce([time.si for time in times])
    for power in powers:
        ratio = _ratio(energy.si, power.si * longest_s)
        if _named(power, _MEAN) and len(ratio) >= FEWEST_ROWS and (ratio >= _FAR).all():
            yield (
                subject.at([energy.name, power.name]),
                f"{energy.name} is {np.median(ratio):.4g} times {power.name} times the duration "
                f"(median of {len(ratio)} rows, at least {ratio.min():.4g})",
            )


def _seconds(
    energy: QuantityColumn, power: QuantityColumn, time: QuantityColumn
) -> NDArray[np.float64]:
    """A duration in seconds; in the unit that fits best where it does not say which."""
    if time.factor is not None:
        return time.si
    ratio = np.abs(_ratio(energy.si, power.si * time.values))
    wanted = np.median(ratio) if len(ratio) else 1.0
    return time.values * min((1.0, 60.0, 3600.0, 1e-3), key=lambda unit: abs(wanted / unit - 1))


def _agree(a: NDArray[np.float64], b: NDArray[np.float64], most: float = 1e-3) -> bool:
    """Whether two columns are equal but for rounding, in nine of ten rows and three at least."""
    equal = np.abs(_ratio(a, b) - 1) <= most
    return bool(equal.sum() >= FEWEST_ROWS and equal.mean() >= 0.9)


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quotients of the rows that have both, and are not divided by zero."""
    known = np.isfinite(a) & np.isfinite(b) & (b != 0)
    return a[known] / b[known]


def _varies(values: NDArray[np.float64], least: float = 1e-2) -> bool:
    known = values[np.isfinite(values)]
    return len(known) > 1 and bool(np.ptp(known) > least * abs(np.median(known)))


def _named(quantity: QuantityColumn, words: tuple[str, ...]) -> bool:
    return not set(words).isdisjoint(quantity.words.split())
