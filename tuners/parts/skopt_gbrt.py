"""scikit-optimize's gradient boosting, mended for the current NumPy and scikit-learn.

Version 0.10.2 of 2024 is the last. Its quantile regressor calls ``numpy.in1d``, which NumPy 2.4 no
longer has, and names its base classes in the order in which scikit-learn from 1.7 on does not see a
regressor in it. Both are a few lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from skopt.learning import GradientBoostingQuantileRegressor

from .encoding import Array


class QuantileBoosting(GradientBoostingQuantileRegressor):
    """Gradient boosted trees for the quantiles 0.16, 0.5 and 0.84 of a loss.

    As in scikit-optimize the median stands for the mean and half the distance of the others for the
    standard deviation (Friedman, Annals of Statistics 2001, boosts trees on the quantile loss).
    """

    def predict(
        self,
        X: Array,  # noqa: N803 - scikit-learn's name
        return_std: bool = False,
        return_quantiles: bool = False,
    ) -> Any:
        """Means at points ``X``, with their standard deviations, or the quantiles ``[n, 3]``."""
        fitted: Any = self.regressors_
        quantiles = np.array([each.predict(X) for each in fitted])
        if return_quantiles:
            return quantiles.T
        low, median, high = quantiles
        # Each quantile has trees of its own, so they may cross.
        return (median, np.maximum(high - low, 0.0) / 2) if return_std else median

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import RegressorTags

        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        tags.regressor_tags = RegressorTags()
        return tags


def quantile_boosting(n_trees: int, seed: int) -> QuantileBoosting:
    """The regressor with a number of trees for each quantile."""
    trees = GradientBoostingRegressor(loss="quantile", n_estimators=n_trees)
    return QuantileBoosting(base_estimator=trees, random_state=seed)
