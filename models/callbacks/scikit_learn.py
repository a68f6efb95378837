"""scikit-learn: functions that train an estimator as a trial, epoch by epoch or at once.

    import perjoule
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def train(trial):
        classifier = SGDClassifier(alpha=trial.params["alpha"], random_state=trial.seed)
        model = make_pipeline(StandardScaler(), classifier)
        perjoule.partial_fit_epochs(trial, model, x, y, x_validation, y_validation)

    def train_forest(trial):
        forest = RandomForestClassifier(trial.params["n_estimators"], random_state=trial.seed)
        perjoule.fit_once(trial, forest, x, y, x_validation, y_validation)

    perjoule.compare(objective=train, space={"alpha": …, "epochs": 9}, budget="100 J")

scikit-learn keeps what an estimator has learnt in objects that only pickles hold, and a pickle in a
run folder could run a stranger's code. So no state is kept: a trial that is paused is trained again
from its beginning when it is gone on with, and pays for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from ..metric import Metric
from ..trial import Trial, TrialFailed

Score = Callable[[Any, Any, Any], float]  # of an estimator, inputs and targets
SCORERS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced_accuracy",
    "f1": "f1_macro",
    "auc": "roc_auc_ovr",
    "r2": "r2",
    "loss": "neg_log_loss",
    "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error",
}
"""scikit-learn's scorers of known metrics; those that it negates are reported as they are."""


def partial_fit_epochs(
    trial: Trial,
    estimator: Any,
    x: Any,
    y: Any,
    x_validation: Any,
    y_validation: Any,
    batch_size: int = 256,
    score: Score | None = None,
) -> Any:
    """Train with ``partial_fit`` for the trial's epochs, and report the metric after each.

        def train(trial):
            classifier = SGDClassifier(alpha=trial.params["alpha"], random_state=trial.seed)
            perjoule.partial_fit_epochs(trial, classifier, x, y, x_validation, y_validation)

    Samples are shuffled by the trial's seed in each epoch. Budget and interruption are asked before
    each batch.

    Args:
        trial: The trial.
        estimator: An estimator with ``partial_fit``, or a pipeline whose last step has it and
            whose other steps are fitted once, to all of ``x``.
        x: Inputs to train with, ``[n, …]``: an array, a sparse matrix or a data frame.
        y: Their targets, ``[n]``; all classes that there are.
        x_validation: Inputs to score.
        y_validation: Their targets.
        batch_size: Samples of a step.
        score: Gives the metric for ``(estimator, x, y)``; scikit-learn's own if not given.

    Returns:
        The estimator, fitted.

    Raises:
        TrialFailed: The estimator has no ``partial_fit``, or the metric needs a ``score``.
    """
    from sklearn.base import is_classifier
    from sklearn.utils import gen_batches, shuffle

    score = score or _scorer(trial.metric)
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    if not hasattr(steps[-1], "partial_fit"):
        raise TrialFailed(f"{type(steps[-1]).__name__} has no partial_fit: take fit_once")
    inputs = estimator[:-1].fit_transform(x, y) if len(steps) > 1 else x
    classes = {"classes": np.unique(y)} if is_classifier(estimator) else {}
    for epoch in trial.epochs():
        seed = (trial.seed * 100_003 + epoch) % 2**32
        mixed_x, mixed_y = cast("list[Any]", shuffle(inputs, y, random_state=seed))
        for batch in gen_batches(len(mixed_y), batch_size):
            if trial.should_stop():
                return estimator
            steps[-1].partial_fit(mixed_x[batch], mixed_y[batch], **classes)
        trial.phase("validate")
        trial.report(**{trial.metric.name: score(estimator, x_validation, y_validation)})
    return estimator


def fit_once(
    trial: Trial,
    estimator: Any,
    x: Any,
    y: Any,
    x_validation: Any,
    y_validation: Any,
    score: Score | None = None,
) -> Any:
    """Fit any estimator as one step and report its metric: one epoch is all of the trial.

        def train(trial):
            forest = RandomForestClassifier(trial.params["n_estimators"], random_state=trial.seed)
            perjoule.fit_once(trial, forest, x, y, x_validation, y_validation)

    Nothing can stop a fit once it has begun, so the budget may be overdrawn by one; the fits before
    tell what it may take. A trial that is gone on with is complete: nothing is fitted again.

    Args:
        trial: The trial.
        estimator: An estimator or a pipeline.
        x: Inputs to train with, ``[n, …]``.
        y: Their targets, ``[n]``.
        x_validation: Inputs to score.
        y_validation: Their targets.
        score: Gives the metric for ``(estimator, x, y)``; scikit-learn's own if not given.

    Returns:
        The estimator, fitted unless the trial was stopped or complete before.

    Raises:
        TrialFailed: The metric needs a ``score``.
    """
    score = score or _scorer(trial.metric)
    if trial.restore() is None and not trial.should_stop():
        estimator.fit(x, y)
        trial.phase("validate")
        trial.report(**{trial.metric.name: score(estimator, x_validation, y_validation)})
        trial.save({})
    return estimator


def _scorer(metric: Metric) -> Score:
    """scikit-learn's scorer of a known metric."""
    from sklearn.metrics import get_scorer

    if metric.name not in SCORERS:
        raise TrialFailed(
            f"nothing is known to score {metric.name} by: give score=, a function of "
            "estimator, x and y"
        )
    name = SCORERS[metric.name]
    scorer, sign = get_scorer(name), -1 if name.startswith("neg_") else 1
    return lambda estimator, x, y: sign * scorer(estimator, x, y)
