"""A forest over the unit cube: what it predicts, and how much of its variance one input explains.

Every tree is grown on a bootstrap sample of the points (Breiman, Machine Learning 45, 2001), with
one more input of random numbers, other ones for each tree: what that input seems to explain is what
chance explains. The share of a tree's variance that one input explains alone is its main effect in
the functional ANOVA of Hutter, Hoos and Leyton-Brown (ICML 2014), over the whole unit cube, so that
it does not matter where a search sampled densely. Optuna's ``FanovaImportanceEvaluator`` gives the
same shares of the same trees, in minutes where this takes milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

N_TREES = 100


@dataclass(frozen=True, eq=False)
class Forest:
    """Trees grown on n points of k inputs."""

    trees: Sequence[Any]  # scikit-learn's trees, of k + 1 inputs
    unseen: Array  # mean prediction of the trees that did not see a point, shape [n]
    target: Array  # shape [n]

    @classmethod
    def grow(cls, points: Array, target: Array, n_trees: int = N_TREES) -> Forest:
        """Grow a forest on points of the unit cube, shape [n, k], and their values, shape [n]."""
        from sklearn.tree import DecisionTreeRegressor

        draw = np.random.default_rng(0)
        n = len(points)
        inputs = np.empty((n, points.shape[1] + 1), dtype=np.float32)
        inputs[:, :-1] = points
        trees, sums, counts = [], np.zeros(n), np.zeros(n)
        for seed in range(n_trees):
            inputs[:, -1] = draw.random(n)
            weights = np.bincount(draw.integers(n, size=n), minlength=n).astype(float)
            grown = DecisionTreeRegressor(random_state=seed)
            tree = grown.fit(inputs, target, sample_weight=weights, check_input=False).tree_
            out = weights == 0
            sums[out] += tree.predict(inputs[out])[:, 0]
            counts += out
            trees.append(tree)
        unseen = np.divide(sums, counts, out=np.full(n, np.nan), where=counts > 0)
        return cls(trees, unseen, target)

    @property
    def r2(self) -> float:
        """Share of the variance of points that is explained by trees that did not see them."""
        seen = ~np.isnan(self.unseen)
        spread = float(np.var(self.target[seen])) if seen.any() else 0.0
        if spread == 0:
            return float("nan")
        return 1 - float(np.mean((self.target - self.unseen)[seen] ** 2)) / spread

    @property
    def errors(self) -> Array:
        """How far each point is from what trees predict that did not see it; NaN if all did."""
        return self.target - self.unseen

    def predict(self, points: Array) -> Array:
        """What each tree predicts of points, shape [points, k]; shape [trees, points]."""
        inputs = np.full((len(points), points.shape[1] + 1), 0.5, dtype=np.float32)
        inputs[:, :-1] = points
        return np.array([tree.predict(inputs)[:, 0] for tree in self.trees])

    @cached_property
    def shares(self) -> Array:
        """Main effects as shares of each tree's variance, shape [trees, k + 1]; the last is chance.

        NaN of a tree without variance.
        """
        return np.array([main_effects(tree) for tree in self.trees])


def main_effects(tree: Any) -> Array:
    """The share of a tree's variance over the unit cube that each input explains alone.

    Args:
        tree: A tree of scikit-learn, as ``DecisionTreeRegressor.tree_``.

    Returns:
        Shares of at most 1, shape [inputs]; NaN if the tree predicts the same throughout.
    """
    low, high = _boxes(tree)
    leaves = tree.children_left < 0
    value, low, high = tree.value[leaves, 0, 0], low[leaves], high[leaves]
    sides = high - low
    volume = sides.prod(axis=1)
    mean = float(volume @ value)
    total = float(volume @ (value - mean) ** 2)
    if total <= 0:
        return np.full(tree.n_features, np.nan)
    found = np.empty(tree.n_features)
    for each in range(tree.n_features):
        # The mean over all other inputs is constant between the edges of the leaves.
        edges, place = np.unique(np.concatenate([low[:, each], high[:, each]]), return_inverse=True)
        weight = volume * (value - mean) / np.where(sides[:, each] > 0, sides[:, each], 1.0)
        steps = np.bincount(place, np.concatenate([weight, -weight]))
        level = np.cumsum(steps)[:-1]
        found[each] = float(np.diff(edges) @ level**2)
    return np.clip(found / total, 0.0, 1.0)


def _boxes(tree: Any) -> tuple[Array, Array]:
    """The lower and upper corners of each node's part of the unit cube, shape [nodes, inputs]."""
    low = np.zeros((tree.node_count, tree.n_features))
    high = np.ones((tree.node_count, tree.n_features))
    level = np.zeros(1, dtype=np.intp)
    while len(level := level[tree.children_left[level] >= 0]):
        left, right, feature = (
            each[level] for each in (tree.children_left, tree.children_right, tree.feature)
        )
        for child in (left, right):
            low[child], high[child] = low[level], high[level]
        inside = np.clip(tree.threshold[level], low[level, feature], high[level, feature])
        high[left, feature] = low[right, feature] = inside
        level = np.concatenate([left, right])
    return low, high
