"""scikit-optimize's gradient boosting, mended for the current NumPy and scikit-learn.

Its last version (0.10.2, 2024) calls ``numpy.in1d``, which NumPy 2.4 lacks, and names its base
classes in an order in which scikit-learn from 1.7 on sees no regressor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from skopt.learning import GradientBoostingQuantileRegressor

from .encoding import Array


class QuantileBoosting(GradientBoostingQuantileRegressor):
    """Boosted trees for the quantiles 0.16, 0.5 and 0.84 (Friedman, Annals of Statistics 2001).

    The median stands for the mean, half the distance of the others for the standard deviation.
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
