"""How many candidates come from a prior: the rule of PriorBand, on what a run was told.

Mallik et al., NeurIPS 2023 (arXiv 2306.12370): candidates are uniform, of the prior, or mutations
of the best one. How the prior and the mutations share theirs follows from how likely each makes the
best candidates so far: where uniform candidates or mutations win far from the prior, its share
falls. Their uniform share is 1 / (1 + 3^r) at the rung r; here it is a third at every rung.

    >>> from perjoule.models.space import Space
    >>> space = Space.parse({"lr": {"low": 1e-4, "high": 1.0, "log": True}, "momentum": 0.9})
    >>> PriorShares.after(Prior.of(space), [])
    PriorShares(uniform=0.333, prior=0.667, incumbent=0.0)

When to use it: with a prior that may be wrong. It promises functions of what was told and a seed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from optuna.distributions import CategoricalDistribution
from scipy.special import ndtr, ndtri

from .encoding import Array, Encoding
from .history import TrialSoFar
from .priors import Prior, Rows
from .surrogate import sobol

UNIFORM = 1 / 3  # share of the uniform candidates
ETA = 3  # the best of so many tell, and so many trials must have come as far
MUTATED = 0.5  # chance of a hyperparameter to be changed in a mutation
DEVIATION = 0.25  # of a number that is changed, on the unit interval


class PriorShares(NamedTuple):
    """Shares of the candidates to come, by where they are drawn; they add up to one."""

    uniform: float
    prior: float
    incumbent: float

    def __repr__(self) -> str:
        shares = ", ".join(f"{n}={round(s, 3)}" for n, s in self._asdict().items())
        return f"PriorShares({shares})"

    @classmethod
    def after(cls, prior: Prior, trials: Iterable[TrialSoFar]) -> PriorShares:
        """The shares after some trials, of which those count that came furthest (`ranked`)."""
        best = ranked(trials)
        if not best:
            return cls(UNIFORM, 1 - UNIFORM, 0.0)
        points = np.array([prior.encoding.unit(t.params) for t in best[: len(best) // ETA]])
        weights = np.arange(len(points), 0, -1)
        of_prior = float(weights @ prior.density(points))
        of_mutations = float(weights @ mutation_density(prior.encoding, points[0], points))
        share = of_prior / (of_prior + of_mutations)
        return cls(UNIFORM, (1 - UNIFORM) * share, (1 - UNIFORM) * (1 - share))


def ranked(trials: Iterable[TrialSoFar]) -> list[TrialSoFar]:
    """The trials with a score at the latest epoch that `ETA` of them have one at, the best first.

    Empty if there is no such epoch. Failed trials do not count.
    """
    known = [trial for trial in trials if not trial.failed]
    counts = Counter(epoch for trial in known for epoch in trial.scores)
    epoch = max((each for each, count in counts.items() if count >= ETA), default=None)
    if epoch is None:
        return []
    reached = [trial for trial in known if epoch in trial.scores]
    return sorted(reached, key=lambda trial: (-trial.scores[epoch], trial.number))


def draw(prior: Prior, trials: Sequence[TrialSoFar], seed: int, count: int) -> Array:
    """Points of new candidates, ``[count, n_dimensions]``, by the shares after some trials."""
    generator, encoding = np.random.default_rng(seed), prior.encoding
    shares, points = PriorShares.after(prior, trials), sobol(encoding, seed, count)
    origin = generator.random(len(points))
    of_prior = (origin >= shares.uniform) & (origin < shares.uniform + shares.prior)
    mutated = origin >= shares.uniform + shares.prior
    points[of_prior] = prior.points(points[of_prior])
    best = ranked(trials)
    if best and mutated.any():
        around = encoding.unit(best[0].params)
        changed = generator.random((int(mutated.sum()), len(around))) < MUTATED
        points[mutated] = mutations(encoding, around, points[mutated], changed)
    return points


def mutations(encoding: Encoding, around: Array, uniform: Array, changed: Rows) -> Array:
    """Points near one, from uniform points ``[n, d]`` and what is changed in each.

    Numbers move by a normal step, cut at the ends; another choice is made among the others.
    """
    moved = np.empty_like(uniform)
    for dimension, axis in enumerate(encoding.axes.values()):
        u, centre = uniform[:, dimension], around[dimension]
        if isinstance(axis, CategoricalDistribution):
            count = len(axis.choices)
            step = 1 + np.minimum((u * (count - 1)).astype(int), count - 2)
            moved[:, dimension] = (int(centre * count) + step) % count / count + 0.5 / count
        else:
            low, high = ndtr((0 - centre) / DEVIATION), ndtr((1 - centre) / DEVIATION)
            moved[:, dimension] = centre + DEVIATION * ndtri(low + u * (high - low))
    return np.where(changed, np.clip(moved, 0.0, 1.0), around)


def mutation_density(encoding: Encoding, around: Array, points: Array) -> Array:
    """The density of mutations at points ``[n, d]``, as if all numbers were changed in each."""
    found = np.ones(len(points))
    for dimension, axis in enumerate(encoding.axes.values()):
        x, centre = points[:, dimension], around[dimension]
        if isinstance(axis, CategoricalDistribution):
            count = len(axis.choices)
            same = (x * count).astype(int) == int(centre * count)
            found *= count * np.where(same, 1 - MUTATED, MUTATED / (count - 1))
        else:
            inside = ndtr((1 - centre) / DEVIATION) - ndtr((0 - centre) / DEVIATION)
            normal = np.exp(-(((x - centre) / DEVIATION) ** 2) / 2)
            found *= normal / (math.sqrt(2 * math.pi) * DEVIATION * inside)
    return found
