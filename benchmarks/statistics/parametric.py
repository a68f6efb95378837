"""Whether means may be compared, and if so whether they differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from .inference import SIGNIFICANCE, enough_runs, known

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

MOST_VALUES = 5_000
"""The test of Shapiro and Wilk is not accurate above (Royston, 1995)."""
LEAST_SPREAD = 1e-12
"""Values of a group that differ by no more, as a share of the range of all, are the same."""


@dataclass(frozen=True)
class Anova:
    """Whether the means of several groups of values differ, where that may be asked at all."""

    # ``"ANOVA"``, or ``"Welch's ANOVA"`` where the variances differ; None if refused.
    method: Literal["ANOVA", "Welch's ANOVA"] | None
    f: float  # the statistic; NaN if refused, as are the next two
    p: float  # its p-value
    omega_squared: float  # size of the effect, at most 1, about 0 for none
    k: int  # number of groups
    n: int  # number of values
    # By group, how well its values agree with a normal distribution; NaN where not tested.
    shapiro_p: Mapping[str, float]
    levene_p: float  # how well the groups agree with having one variance; NaN where not tested
    conclusive: bool  # whether a test of means was done
    reason: str  # why, or why not, in a sentence


def anova(groups: Mapping[str, ArrayLike]) -> Anova:
    """Test whether the means of groups differ, if their values allow such a test.

    Each group must have five values or more that look normal (Shapiro and Wilk, 1965). If the
    groups look to be of one variance (Levene's test about medians: Brown and Forsythe, 1974), it is
    the one-way analysis of variance of Fisher, 1925; if not, that of Welch, 1951. Both looks are at
    5 %. The effect size is ``omega squared = (k - 1) (F - 1) / ((k - 1) (F - 1) + n)`` (Kirk, 1996,
    doi:10.1177/0013164496056005002), for Welch's ``F`` as well (Carroll and Nordholm, 1975).

    A few values always look normal: the rank test of `kruskal_wallis` asks for less.

    Args:
        groups: Values by group; NaN is left out.
    """
    from scipy.stats import f_oneway, levene, shapiro

    found = {name: known(values) for name, values in groups.items()}
    k, n = len(found), sum(map(len, found.values()))
    shapiro_p = dict.fromkeys(found, math.nan)
    levene_p = math.nan

    def refused(reason: str) -> Anova:
        nan = math.nan
        return Anova(None, nan, nan, nan, k, n, shapiro_p, levene_p, False, reason)

    enough, reason = enough_runs({name: len(values) for name, values in found.items()})
    if not enough:
        return refused(reason)
    everything = np.concatenate(list(found.values()))
    scale = float(np.ptp(everything)) if np.isfinite(everything).all() else 1.0
    for name, values in found.items():
        if len(values) > MOST_VALUES:
            what = f"more than {MOST_VALUES:,} values"
        elif np.isinf(values).any():
            what = "infinite values"
        elif np.ptp(values) <= LEAST_SPREAD * scale:
            what = "the same value throughout"
        else:
            continue
        return refused(f"No test of means: {name} has {what}. Use ranks.")
    # The tests do not depend on the unit of the values, but their squares must be numbers.
    found = {name: (values - everything.min()) / scale for name, values in found.items()}
    shapiro_p = {name: float(shapiro(values).pvalue) for name, values in found.items()}
    with np.errstate(divide="ignore", invalid="ignore"):  # no spread about any median
        levene_p = float(levene(*found.values(), center="median").pvalue)
    least = min(shapiro_p, key=lambda name: shapiro_p[name])
    if shapiro_p[least] < SIGNIFICANCE:
        return refused(
            f"No test of means: the values of {least} do not look normal (p = "
            f"{shapiro_p[least]:.2g} by Shapiro and Wilk's test). Use ranks."
        )
    equal = levene_p >= SIGNIFICANCE
    f, p = map(float, f_oneway(*found.values(), equal_var=equal))
    f, p = (f, p) if f > 0 else (0.0, 1.0)  # equal means, but for rounding
    between = (k - 1) * (f - 1)
    method = "ANOVA" if equal else "Welch's ANOVA"
    differ = "differ" if p < SIGNIFICANCE else "may differ by chance"
    reason = (
        f"All groups look normal and their variances {'equal' if equal else 'different'}: by "
        f"{method} their means {differ} (p = {p:.2g})."
    )
    return Anova(method, f, p, between / (between + n), k, n, shapiro_p, levene_p, True, reason)
