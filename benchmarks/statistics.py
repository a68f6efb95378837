"""What a comparison shows: pure functions from the trial table to numbers and verdicts.

The trial table has one row per trial, the rows of a run in order of completion. Of its columns,
these functions read ``run``, ``strategy``, ``state``, ``accuracy`` (validation; NaN if there is
none) and ``energy_j`` (gross joules of the trial, its share of the search included; NaN if
unavailable).

For a run, ``E_i`` are the joules spent until its i-th trial ended, and ``A(E)`` is the best
accuracy among the trials with ``E_i <= E``. Every trial adds its joules; the accuracy of those that
were completed, or truncated by the budget, counts. An energy that is unavailable makes all later
``E_i`` of its run unknown, and what depends on them NaN: never zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from ..errors import UnknownNameError
from ..outcome import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

Metric = Literal["equal_energy", "anytime_score"]

MIN_RUNS = 5
"""Fewest runs of each strategy from which anything is concluded."""
SIGNIFICANCE = 0.05
"""A difference is called one below this p-value."""
TIE = 1e-9
"""Accuracies closer than this are the same."""
RESAMPLES = 10_000

_COUNTED = (State.COMPLETE.value, State.TRUNCATED.value)


# One run ------------------------------------------------------------------------------------------


def best_so_far(run_trials: pd.DataFrame) -> pd.DataFrame:
    """Return the anytime curve of one run: ``E_i`` and ``A(E_i)`` for each of its trials.

    Args:
        run_trials: The rows of one run.

    Returns:
        One row per trial, with the index of ``run_trials``: ``energy_j``, cumulative joules, and
        ``accuracy``, the running maximum, NaN until there is a result.
    """
    energy_j, accuracy = _curve(run_trials)
    return pd.DataFrame({"energy_j": energy_j, "accuracy": accuracy}, index=run_trials.index)


def accuracy_at(run_trials: pd.DataFrame, energy_j: float) -> float:
    """Return ``A(E)`` of one run.

    Args:
        run_trials: The rows of one run.
        energy_j: The joules spent, ``E``.

    Returns:
        The best accuracy by then; NaN if there is no result yet, or if what the run had spent when
        is not known.
    """
    level = float(_levels(run_trials, [energy_j])[0])
    return math.nan if level == -math.inf else level


def accuracy_per_joule(run_trials: pd.DataFrame) -> float:
    """Return a run's best accuracy over the joules spent until it was found, in 1/J.

    A network that barely learns maximises it: show it beside the accuracy, never alone.
    """
    energy_j, accuracy = _curve(run_trials)
    if np.isnan(accuracy).all():
        return math.nan
    found = int(np.nanargmax(accuracy))
    return float(accuracy[found] / energy_j[found]) if energy_j[found] > 0 else math.nan


# All runs -----------------------------------------------------------------------------------------


def equal_energy(trials: pd.DataFrame, fraction: float = 1.0) -> pd.Series:
    """Return each run's accuracy at the energy that all runs had: ``A(fraction * B)``.

    ``B`` is the smallest total among the runs whose total is known, so that no run is judged on
    more joules than another: the fixed-budget view of Hansen et al., 2021
    (doi:10.1080/10556788.2020.1808977).

    Args:
        trials: The trial table.
        fraction: Share of ``B``.

    Returns:
        Accuracy by run; NaN as in `accuracy_at`.
    """
    return _levels_at(trials, fraction * _common_energy_j(trials)).replace(-np.inf, np.nan)


def energy_to_target(trials: pd.DataFrame, target: float) -> pd.DataFrame:
    """Return what each run spent until it reached an accuracy, or in all if it never did.

    Args:
        trials: The trial table.
        target: The accuracy to reach.

    Returns:
        One row per run: ``strategy``; ``hit``, whether the target was reached; ``energy_j``, the
        joules until then, or the run's total where it was not (censored).
    """
    rows = {}
    for run, own in _runs(trials):
        energy_j, accuracy = _curve(own)
        reached = accuracy >= target
        hit = bool(reached.any())
        rows[run] = (own["strategy"].iloc[0], hit, energy_j[reached.argmax() if hit else -1])
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["strategy", "hit", "energy_j"])
    return table.rename_axis("run").astype({"hit": bool, "energy_j": float})


def expected_energy_to_target(per_run: pd.DataFrame) -> float:
    """Return the expected joules until a target is reached, if runs are restarted until one does.

    ``ERT = joules of all runs until the hit or the end / number of hits``: COCO's expected running
    time with joules for evaluations (Hansen et al., 2021, doi:10.1080/10556788.2020.1808977).

    Args:
        per_run: Rows of `energy_to_target`, of one strategy.

    Returns:
        Joules; infinite if no run reached the target, NaN if a run's joules are unknown.
    """
    hits = np.count_nonzero(per_run["hit"])
    return float(np.sum(_floats(per_run["energy_j"]))) / hits if hits else math.inf


def anytime_score(trials: pd.DataFrame, *, points: int = 100) -> pd.Series:
    """Return each run's mean ``A(E)`` over log-spaced ``E``: how good, how early.

    All runs share the grid, from the first result of any run to ``B`` (see `equal_energy`). A run
    without a result yet counts as 0 there, so that finding something early is worth something.
    An area under the anytime curve over log-cost (compare IOHanalyzer's: Wang et al., 2022,
    doi:10.1145/3510426) on the scale of an accuracy.

    Args:
        trials: The trial table.
        points: Number of energies, both ends included.

    Returns:
        Mean accuracy by run; NaN where energies are unknown, and for all if none has a result
        within ``B``.
    """
    end_j = _common_energy_j(trials)
    results_j = [
        energy_j[~np.isnan(accuracy) & (energy_j > 0) & (energy_j <= end_j)]
        for energy_j, accuracy in (_curve(own) for _, own in _runs(trials))
    ]
    start_j = min((each[0] for each in results_j if len(each)), default=math.nan)
    grid = np.geomspace(start_j, end_j, points)
    scores = {
        run: float(np.mean(np.maximum(_levels(own, grid), 0.0))) for run, own in _runs(trials)
    }
    return pd.Series(scores, dtype=float).rename_axis("run")


# Trials -------------------------------------------------------------------------------------------


def pareto_front(energy_j: ArrayLike, accuracy: ArrayLike) -> NDArray[np.bool_]:
    """Return which trials no other trial beats at the same or lower energy.

    Args:
        energy_j: Joules of each trial, shape ``(n,)``.
        accuracy: Accuracy of each trial, shape ``(n,)``.

    Returns:
        A mask of shape ``(n,)``; points that are not finite are never on the front.
    """
    from moocore import is_nondominated

    points = np.column_stack([_floats(energy_j), -_floats(accuracy)])
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    mask = np.zeros(len(points), dtype=bool)
    if len(finite):
        mask[finite] = is_nondominated(points[finite], keep_weakly=True)
    return mask


def hypervolume(trials: pd.DataFrame, reference_j: float) -> float:
    """Return the area that a strategy's trials dominate in energy and accuracy, in joules.

    The hypervolume of ``(energy_j, 1 - accuracy)``, both to be small, with the reference point
    ``(reference_j, 1)`` (Zitzler and Thiele, 1998, doi:10.1007/BFb0056872). Divided by
    ``reference_j`` it is the mean accuracy that the best trial below a random energy has.

    Args:
        trials: The trials of one strategy.
        reference_j: The largest energy of a trial that is of interest; the same for all strategies.

    Returns:
        Joules, between 0 and ``reference_j``.
    """
    from moocore import hypervolume as area

    counted = trials[trials["state"].isin(_COUNTED)]
    points = np.column_stack([_floats(counted["energy_j"]), 1 - _floats(counted["accuracy"])])
    points = points[np.isfinite(points).all(axis=1)]
    return float(area(points, ref=[reference_j, 1.0])) if len(points) else 0.0


# Inference ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Interval:
    """A median of ``n`` values with its confidence interval; NaN where there is none."""

    median: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class KruskalWallis:
    """Whether several groups of values differ at all.

    Attributes:
        h: The statistic, corrected for ties.
        p: Its p-value.
        eta_squared: Size of the effect, at most 1, about 0 for none; NaN if not defined.
        k: Number of groups.
        n: Number of values.
        conclusive: Whether there are groups and values enough to conclude anything.
        reason: Why, or why not, in a sentence.
    """

    h: float
    p: float
    eta_squared: float
    k: int
    n: int
    conclusive: bool
    reason: str


@dataclass(frozen=True)
class Pair:
    """Two strategies compared: Dunn-Holm p-value, and Cliff's delta (positive: ``a`` is higher)."""

    a: str
    b: str
    p: float
    cliffs_delta: float


@dataclass(frozen=True)
class Verdict:
    """Which strategy found the most accurate networks, and whether that is more than chance.

    Attributes:
        metric: What was compared.
        intervals: Median and interval of each strategy over its runs, the best first.
        test: Whether the strategies differ at all.
        pairs: Every two strategies, in the order of ``intervals``.
        winner: The strategy of the highest median; None if there is no result.
        tie: Whether another strategy has the same median, and joules broke the tie.
        supported: Whether the runs are enough to say that the winner beats the next one.
        reason: Why, or why not, in a sentence.
    """

    metric: Metric
    intervals: Mapping[str, Interval]
    test: KruskalWallis
    pairs: tuple[Pair, ...]
    winner: str | None
    tie: bool
    supported: bool
    reason: str


def interval(values: ArrayLike, *, seed: int = 0, level: float = 0.95) -> Interval:
    """Return a median with its bootstrap percentile interval.

    Efron and Tibshirani, 1993, chapter 13, with 10,000 resamples and quantiles that are resampled
    medians themselves.

    Args:
        values: One value per run; NaN is left out.
        seed: Seed of the resampling.
        level: Confidence level.

    Returns:
        The interval; without bounds if there is but one value, all NaN if there is none.
    """
    known = _known(values)
    if len(known) < 2:
        return Interval(float(known[0]) if len(known) else math.nan, math.nan, math.nan, len(known))
    indices = np.random.default_rng(seed).integers(len(known), size=(RESAMPLES, len(known)))
    medians = np.median(known[indices], axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(medians, [tail, 1 - tail], method="inverted_cdf")
    return Interval(float(np.median(known)), float(low), float(high), len(known))


def kruskal_wallis(groups: Mapping[str, ArrayLike]) -> KruskalWallis:
    """Test whether groups of values differ, by ranks (Kruskal and Wallis, 1952).

    The effect size is ``eta squared = (H - k + 1) / (n - k)`` (Tomczak and Tomczak, 2014).

    Args:
        groups: Values by group; NaN is left out.

    Returns:
        The test. ``p`` is 1 if all values are equal or fewer than two groups have values.
    """
    from scipy.stats import kruskal

    known = {name: _known(values) for name, values in groups.items()}
    filled = [values for values in known.values() if len(values)]
    k, n = len(filled), sum(map(len, filled))
    h, p = (0.0, 1.0) if _no_contrast(filled) else map(float, kruskal(*filled))
    eta_squared = (h - k + 1) / (n - k) if 1 < k < n else math.nan
    conclusive, reason = _enough_runs({name: len(values) for name, values in known.items()})
    return KruskalWallis(h, p, eta_squared, k, n, conclusive, reason)


def dunn_holm(groups: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Test every two groups (Dunn, 1964), with the correction of Holm, 1979, for many tests.

    Args:
        groups: Values by group; NaN is left out.

    Returns:
        Symmetric table of p-values by group name, 1 on its diagonal; NaN for empty groups.
    """
    from scikit_posthocs import posthoc_dunn

    known = {name: _known(values) for name, values in groups.items() if len(_known(values))}
    if _no_contrast(list(known.values())):
        table = pd.DataFrame(1.0, index=list(known), columns=list(known))
    else:
        long = pd.DataFrame(
            [(name, value) for name, values in known.items() for value in values],
            columns=["group", "value"],
        )
        table = posthoc_dunn(long, "value", "group", p_adjust="holm", sort=False)
    return table.reindex(index=list(groups), columns=list(groups))


def cliffs_delta(a: ArrayLike, b: ArrayLike) -> float:
    """Return how far ``a`` lies above ``b``: ``P(a > b) - P(a < b)`` over all pairs.

    Cliff, 1993 (doi:10.1037/0033-2909.114.3.494).

    Args:
        a: Values; NaN is left out.
        b: Values; NaN is left out.

    Returns:
        Between -1 and 1; NaN if either is empty.
    """
    one, other = _known(a)[:, None], _known(b)[None, :]
    if not (one.size and other.size):
        return math.nan
    return float((one > other).mean() - (one < other).mean())


def compare_strategies(trials: pd.DataFrame, metric: Metric = "equal_energy") -> Verdict:
    """Say which strategy wins, and whether the runs support it.

    The winner has the highest median over its runs. A run that has no result within the common
    energy counts as 0; a run whose joules are unknown there is left out. Of strategies with the
    same median, the one with the smaller expected energy to that accuracy wins. The win is
    supported if each strategy has at least five runs and the winner beats the next one by Dunn's
    test with Holm's correction at 5 %.

    Args:
        trials: The trial table.
        metric: ``"equal_energy"`` or ``"anytime_score"``.

    Returns:
        The verdict.

    Raises:
        UnknownNameError: If there is no such metric.
    """
    if metric not in get_args(Metric):
        raise UnknownNameError("metric", metric, get_args(Metric))
    final = _levels_at(trials, _common_energy_j(trials)).clip(lower=0.0)
    scores = anytime_score(trials) if metric == "anytime_score" else final
    strategy_of = trials.drop_duplicates("run").set_index("run")["strategy"]
    groups = {
        str(name): own.to_numpy()
        for name, own in scores.groupby(strategy_of, sort=False, observed=True)
    }
    intervals = {name: interval(values) for name, values in groups.items()}

    def median(name: str) -> float:
        known_median = intervals[name].median
        return -math.inf if math.isnan(known_median) else known_median

    order = sorted(groups, key=median, reverse=True)
    found = bool(order) and median(order[0]) > 0
    tied = [name for name in order if found and median(order[0]) - median(name) <= TIE]
    if len(tied) > 1:
        accuracy = min(np.nanmedian(final[strategy_of == name]) for name in tied)
        order[: len(tied)] = _fewest_joules_first(tied, trials, accuracy - TIE)
    p = dunn_holm({name: groups[name] for name in order}).to_numpy()
    pairs = tuple(
        Pair(order[i], order[j], float(p[i, j]), cliffs_delta(groups[order[i]], groups[order[j]]))
        for i, j in combinations(range(len(order)), 2)
    )
    test = kruskal_wallis(groups)
    supported, reason = False, "No strategy has a result within the energy that all runs had."
    if found:
        supported, reason = _judge(order, tied, pairs, test)
    return Verdict(
        metric=metric,
        intervals={name: intervals[name] for name in order},
        test=test,
        pairs=pairs,
        winner=order[0] if found else None,
        tie=len(tied) > 1,
        supported=supported,
        reason=reason,
    )


def _fewest_joules_first(names: Sequence[str], trials: pd.DataFrame, target: float) -> list[str]:
    spent = energy_to_target(trials, target).groupby("strategy", observed=True)
    ert_j = {name: expected_energy_to_target(own) for name, own in spent}
    return sorted(names, key=lambda name: (math.isnan(ert_j[name]), ert_j[name]))


def _judge(
    order: Sequence[str], tied: Sequence[str], pairs: Sequence[Pair], test: KruskalWallis
) -> tuple[bool, str]:
    """Return whether the first strategy's win over the second is supported, and why."""
    if len(order) < 2:
        return False, f"Only {order[0]} was run: there is nothing to compare it with."
    first = pairs[0]
    lead = f"{first.a} leads by its median run"
    if len(tied) > 1:
        names = " and ".join(order[: len(tied)])
        lead = f"{names} have the same median, and none needs fewer joules for it than {first.a}"
    if not test.conclusive:
        return False, f"{lead}. {test.reason}"
    if len(tied) > 1:
        return False, f"{lead}; otherwise none of them is ahead."
    tested = f"p = {first.p:.2g} by Dunn's test with Holm's correction"
    if first.p >= SIGNIFICANCE or first.cliffs_delta <= 0:
        return False, f"{lead}, but its lead over {first.b} may be chance ({tested})."
    share = f"{(1 + first.cliffs_delta) / 2:.0%}"
    return True, f"{first.a} beats {first.b} in {share} of the pairings of their runs ({tested})."


def _enough_runs(counts: Mapping[str, int]) -> tuple[bool, str]:
    """Return whether so many runs of each strategy allow a conclusion, with a sentence on it."""
    if len(counts) < 2:
        return False, "Nothing can be concluded: there are not two strategies to compare."
    short = ", ".join(f"{name} has {n}" for name, n in counts.items() if n < MIN_RUNS)
    if short:
        return False, (
            f"Nothing can be concluded: each strategy needs at least {MIN_RUNS} runs, but {short}."
        )
    return True, f"Each strategy has at least {MIN_RUNS} runs."


def _no_contrast(groups: Sequence[NDArray[np.float64]]) -> bool:
    """Return whether there is nothing to rank: fewer than two groups, or one value throughout."""
    return len(groups) < 2 or len(np.unique(np.concatenate(groups))) == 1


def _runs(trials: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for run, own in trials.groupby("run", sort=False, observed=True):
        yield str(run), own


def _common_energy_j(trials: pd.DataFrame) -> float:
    """Return ``B``, the smallest known total of a run, in joules; NaN if none is known."""
    totals = [_curve(own)[0][-1] for _, own in _runs(trials)]
    return float(np.nanmin(totals)) if np.isfinite(totals).any() else math.nan


def _curve(run_trials: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``E_i`` and ``A(E_i)``; NaN where unknown, and before the first result."""
    counted = run_trials["state"].isin(_COUNTED)
    accuracy = _floats(run_trials["accuracy"].where(counted))
    return np.cumsum(_floats(run_trials["energy_j"])), np.fmax.accumulate(accuracy)


def _levels_at(trials: pd.DataFrame, energy_j: float) -> pd.Series:
    levels = {run: float(_levels(own, [energy_j])[0]) for run, own in _runs(trials)}
    return pd.Series(levels, dtype=float).rename_axis("run")


def _levels(run_trials: pd.DataFrame, energies_j: ArrayLike) -> NDArray[np.float64]:
    """Return ``A(E)`` at several energies: minus infinity before a result, NaN if unknown."""
    energy_j, accuracy = _curve(run_trials)
    wanted_j = _floats(energies_j)
    known = int(np.sum(~np.isnan(energy_j)))
    best = np.append(-np.inf, np.nan_to_num(accuracy[:known], nan=-np.inf))
    levels = best[np.searchsorted(energy_j[:known], wanted_j, side="right")]
    # Past the last known energy of a run that went on, more may have been found.
    end_j = math.inf if known == len(energy_j) else np.append(0.0, energy_j[:known])[-1]
    levels[np.isnan(wanted_j) | (wanted_j > end_j)] = np.nan
    return levels


def _floats(values: Any) -> NDArray[np.float64]:
    """Return an array of floats; nulls of any column type become NaN."""
    return pd.Series(values).to_numpy(dtype=float, na_value=np.nan)


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = _floats(values)
    return array[~np.isnan(array)]
