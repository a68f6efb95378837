"""XGBoost: a callback between its training and a trial.

    import perjoule
    import xgboost

    def train(trial):
        callback = perjoule.XGBoostCallback(trial, monitor="validation-merror", every=5)
        xgboost.train(
            {"objective": "multi:softmax", "num_class": 10, "eta": trial.params["eta"]},
            train_matrix,
            num_boost_round=500,  # at most; the trial ends it
            evals=[(validation_matrix, "validation")],
            xgb_model=callback.booster,  # of a paused trial
            callbacks=[callback],
            verbose_eval=False,
        )

    perjoule.compare(objective=train, space={"eta": …, "epochs": 20}, budget="200 J")

Rounds beyond those of the trial's epochs are never trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ConfigurationError
from ..trial import Trial
from .loop import Loop, base_class

TrainingCallback = base_class("xgboost", "xgboost.callback:TrainingCallback")
ERRORS = ("error", "merror")  # shares of wrong answers, which XGBoost has in place of accuracy
MEASURES = {"accuracy": ERRORS, "loss": ("logloss", "mlogloss")}
"""What XGBoost calls a metric that has another name here."""


class XGBoostCallback(TrainingCallback):
    """Reports, saves and stops a trial that XGBoost trains, with either of its interfaces.

    An epoch of the trial is so many rounds of boosting; after it what is monitored is reported, of
    an error its complement if the metric is accuracy, and all else that is evaluated as further
    columns. Budget and interruption are asked before each round. The state is the booster in
    XGBoost's own format, which is data alone. Rounds that draw samples or columns at random draw
    anew after a pause; all others go on exactly.

    Args:
        trial: The trial.
        monitor: Evaluation set and measure, ``"validation-rmse"``; if not given, what the last
            set that has it measures of the trial's metric (accuracy by ``error`` and ``merror``,
            loss by ``logloss`` and ``mlogloss``).
        every: Rounds of an epoch.

    Raises:
        ConfigurationError: XGBoost is missing, or an epoch has no round.
    """

    def __init__(self, trial: Trial, monitor: str | None = None, every: int = 1) -> None:
        super().__init__()
        self._loop, self._named = Loop(trial, monitor, ""), monitor is not None
        self._every, self._rounds = every, 0  # of the present epoch
        self._logged: Mapping[str, Any] = {}
        if every < 1:
            raise ConfigurationError(f"every = {every} must be at least one round")

    @property
    def booster(self) -> Any:
        """What a paused trial had trained, for ``xgb_model``; None at its beginning."""
        import xgboost

        state = self._loop.trial.restore()
        return None if state is None else xgboost.Booster(model_file=bytearray(state["booster"]))

    def before_training(self, model: Any) -> Any:
        """Begin the trial's first epoch."""
        self._loop.begin()
        return model

    def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Ask before each round; true ends the training."""
        return not self._loop.may_step()

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Any]) -> bool:
        """Report, save and begin the next epoch after its rounds; true ends the training."""
        self._rounds, self._logged = self._rounds + 1, evals_log
        return self._rounds == self._every and not self._end_epoch(model, evals_log)

    def after_training(self, model: Any) -> Any:
        """Report rounds of an epoch that XGBoost ended by itself."""
        if self._loop.running and self._rounds:
            self._end_epoch(model, self._logged)
        self._loop.finish()
        return model

    def _end_epoch(self, model: Any, evals_log: Mapping[str, Any]) -> bool:
        loop, self._rounds = self._loop, 0
        logged = {f"{of}-{name}": v[-1] for of, log in evals_log.items() for name, v in log.items()}
        if not self._named:
            metric = loop.trial.metric.name
            known = MEASURES.get(metric, (metric,))
            same = [name for name in logged if name.rpartition("-")[2] in known]
            loop.monitor = same[-1] if same else metric
        is_error = loop.monitor.rpartition("-")[2] in ERRORS
        if loop.trial.metric.name == "accuracy" and is_error and loop.monitor in logged:
            logged[loop.monitor] = 1 - logged[loop.monitor]
        return loop.end_epoch(logged, lambda: {"booster": bytes(model.save_raw("ubj"))})
