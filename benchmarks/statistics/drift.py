"""Whether joules for like work changed: over time, and between workers.

Candidates differ in what an operation costs them (small networks pay more overhead), and a strategy
moves from one kind to another. So each trial is held against what those like it cost, whenever they
were trained; what is left is no matter of the kind. What like ones cost is kernel ridge regression
of the logarithm (Saunders, Gammerman and Vovk, ICML 1998) on the features that tell most of it, by
Spearman's correlation, each trial left out where it is told (by the hat matrix).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

FEWEST = 20
"""Nothing is said of fewer trials."""
FEWEST_OF_A_WORKER = 5
MOST_FEATURES = 4
LOGARITHMIC = 4.0
"""A feature is taken as its logarithm if its greatest value is so many times its smallest."""
RIDGE, LINEAR, LEVEL = 0.2, 0.5, 10.0
"""Noise, slope and level of the regression; of simulated searches, the clearest without alarms."""
LEAST_SHARE = 0.15
"""The least share of trials before a change, and after it."""
PERMUTATIONS = 400
CHANCE = 0.005
"""A change is told if no larger a share of shuffled trials shows one as clear."""


class Change(NamedTuple):
    """By which factor joules for like work changed, and whether that is more than chance."""

    ratio: float  # later over earlier, or of the dearest worker over the cheapest
    is_clear: bool


def excess(costs: np.ndarray, features: pd.DataFrame) -> np.ndarray:
    """How much more than like trials each one cost, as a logarithm.

    Args:
        costs: Joules per operation of each trial, above 0.
        features: What may make an operation dear, one row each.
    """
    logs = np.log(costs)
    space = _space(logs, features)
    squares = ((space[:, None, :] - space[None, :, :]) ** 2).sum(axis=2)
    kernel = np.exp(-squares / 2) + LINEAR * space @ space.T + LEVEL
    hat = kernel @ np.linalg.inv(kernel + RIDGE * np.eye(len(logs)))
    return (logs - hat @ logs) / (1 - np.diag(hat))


def over_time(excesses: np.ndarray, seed: int = 0) -> Change | None:
    """The clearest change of level in trials in the order of their time; None of too few.

    Where none is clear: the second half over the first.
    """
    n = len(excesses)
    if n < FEWEST:
        return None
    values = _without_outliers(excesses)
    places = np.arange(math.ceil(LEAST_SHARE * n), math.floor((1 - LEAST_SHARE) * n) + 1)
    found = _clearness(values[None, :], places)[0]
    rng = np.random.default_rng(seed)
    shuffled = np.array([rng.permutation(values) for _ in range(PERMUTATIONS)])
    chance = _clearness(shuffled, places).max(axis=1)
    is_clear = float((chance >= found.max()).mean()) <= CHANCE
    place = int(places[np.argmax(found)]) if is_clear else n // 2
    step = float(np.median(values[place:]) - np.median(values[:place]))
    return Change(math.exp(step), is_clear)


def between_workers(excesses: np.ndarray, workers: pd.Series, seed: int = 0) -> Change | None:
    """The dearest worker over the cheapest, of those with enough trials; None of less than two."""
    counts = workers.value_counts()
    chosen = workers.isin(counts.index[counts >= FEWEST_OF_A_WORKER]).to_numpy()
    codes, names = pd.factorize(workers[chosen])
    if len(names) < 2 or chosen.sum() < FEWEST:
        return None
    values = _without_outliers(excesses[chosen])

    def spread(given: np.ndarray) -> tuple[float, float]:
        """Of the levels of workers: the range, and how much of all variation is between them."""
        means = np.bincount(codes, given) / np.bincount(codes)
        return float(np.ptp(means)), float((means[codes] ** 2).sum())

    found, clearness = spread(values - values.mean())
    rng = np.random.default_rng(seed)
    chance = [spread(rng.permutation(values) - values.mean())[1] for _ in range(PERMUTATIONS)]
    return Change(math.exp(found), float(np.mean(np.array(chance) >= clearness)) <= CHANCE)


def _clearness(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Steps of the mean at each place of each row, over their standard errors but for a factor."""
    n = rows.shape[1]
    before = rows.cumsum(axis=1)[:, places - 1]
    whole = rows.sum(axis=1, keepdims=True)
    step = (whole - before) / (n - places) - before / places
    return np.abs(step) / np.sqrt(1 / places + 1 / (n - places))


def _without_outliers(values: np.ndarray) -> np.ndarray:
    """The same with what is far out drawn in, so that a single trial makes no change."""
    middle = np.median(values)
    far = 3 * 1.4826 * float(np.median(np.abs(values - middle)))
    return np.clip(values, middle - far, middle + far) if far > 0 else values


def _space(logs: np.ndarray, features: pd.DataFrame) -> np.ndarray:
    """The features that tell most of the costs, on one scale: shape (trials, features)."""
    ranks = pd.Series(logs).rank().to_numpy()
    told: list[tuple[float, np.ndarray]] = []
    for name in features:
        values = _numbers(features[name])
        if np.ptp(values) > 0:
            own = np.corrcoef(pd.Series(values).rank().to_numpy(), ranks)[0, 1]
            told.append((abs(own), (values - values.mean()) / values.std()))
    told.sort(key=lambda each: -np.nan_to_num(each[0]))
    chosen = [values for _, values in told[:MOST_FEATURES]]
    return np.column_stack(chosen) if chosen else np.zeros((len(logs), 1))


def _numbers(values: pd.Series) -> np.ndarray:
    """A feature as numbers, on a logarithmic scale where it spans one; text by its names' order."""
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    if numbers.notna().sum() < values.notna().sum():
        return pd.factorize(values.astype(str), sort=True)[0].astype(float)
    known = numbers.replace([np.inf, -np.inf], np.nan)
    if known.min() > 0 and known.max() > LOGARITHMIC * known.min():
        known = known.map(math.log)
    return known.fillna(known.min()).fillna(0.0).to_numpy()
