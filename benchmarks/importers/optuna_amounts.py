"""What of a trial of Optuna is its joules and what its score, and which metric that is of."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass

from ...errors import ConfigurationError, DataError
from ...models.metric import ACCURACY, Metric
from .optuna_storage import StoredTrial, Study
from .registry import ImportOptions

_EXPRESSION = re.compile(r"(1\s*-\s*)?(.+?)(?:\s*([*/])\s*((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))?")


@dataclass(frozen=True)
class Amount:
    """A number made of a field of a trial: ``kwh*3.6e6``, ``1-value``."""

    text: str
    name: str
    factor: float = 1.0
    from_one: bool = False

    @classmethod
    def parse(cls, text: str, option: str, where: str, known: Collection[str]) -> Amount:
        """Read it; a field whose own name looks like a product is taken by its name."""
        match = _EXPRESSION.fullmatch(text.strip())
        if text in known or match is None:
            return cls(text, text)
        from_one, name, sign, number = match.groups()
        if name not in known:
            raise ConfigurationError(
                f"{option}: {where}: no user attribute or objective {name!r} among "
                f"{', '.join(sorted(known)) or 'none'}"
            )
        factor = float(number or 1)
        if not 0 < factor < math.inf:
            raise ConfigurationError(f"{option} {text!r}: {number} is no factor")
        return cls(text, name, 1 / factor if sign == "/" else factor, from_one is not None)

    def of(self, trial: StoredTrial, where: str) -> float | None:
        """The number, which may be infinite; None where the trial does not have the field."""
        value = trial.fields.get(self.name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise DataError(f"{where}: {self.name} is {value!r}, which is no number")
        try:
            return 1 - value * self.factor if self.from_one else value * self.factor
        except OverflowError:  # a whole number that no float holds
            return math.inf

    def joules(self, trial: StoredTrial, where: str) -> float | None:
        """The same as an energy, or a DataError."""
        energy_j = self.of(trial, where)
        if energy_j is None or 0 <= energy_j < math.inf:
            return energy_j
        raise DataError(f"{where}: {self.text} is {energy_j:g}, which is no energy in joules")


@dataclass(frozen=True)
class Score:
    """What the score of a trial is made of, and its metric."""

    amount: Amount
    metric: Metric

    def of(self, trial: StoredTrial, where: str) -> float | None:
        """The score; None where there is none, or none that is finite."""
        score, metric = self.amount.of(trial, where), self.metric
        if score is None or not math.isfinite(score):
            return None
        if metric.allows(score):
            return score
        edges = ["-" if edge is None else f"{edge:g}" for edge in (metric.low, metric.high)]
        what = (
            f"{self.amount.text} is {score:g}, which is no {metric.name} from {' to '.join(edges)}"
        )
        if (metric.low, metric.high) == (0.0, 1.0):
            percent = f"{'1-' if self.amount.from_one else ''}{self.amount.name}/100"
            what += f": name what is one in score_attr, such as {percent} of percent"
        raise DataError(f"{where}: {what}, or say in metric what it is")


def energy_amount(fields: set[str], options: ImportOptions, where: str) -> Amount:
    """What the joules of a study's trials are made of."""
    if options.energy_attr is None:
        raise ConfigurationError(
            "energy_attr: name the user attribute that holds joules, or with a factor, such as "
            f"kwh*3.6e6; {where} has {', '.join(sorted(fields)) or 'none'}"
        )
    return Amount.parse(options.energy_attr, "energy_attr", where, fields)


def score_amount(study: Study, fields: set[str], options: ImportOptions, where: str) -> Score:
    """What the scores of a study's trials are made of, and their metric."""
    if options.accuracy_attr is not None and options.score_attr is not None:
        raise ConfigurationError("score_attr and accuracy_attr: both say what the score is")
    option = "score_attr" if options.accuracy_attr is None else "accuracy_attr"
    text = options.score_attr or options.accuracy_attr
    objectives = {
        "value" if len(study.maximised) == 1 else f"values_{at}": at
        for at in range(len(study.maximised))
    }
    if text is None and len(objectives) > 1:
        raise ConfigurationError(
            f"score_attr: {where} has {len(objectives)} objectives: say what the score is: "
            "values_0 for the first of them, or a user attribute"
        )
    amount = Amount.parse(text or "value", option, where, {*fields, *objectives})
    at = objectives.get(amount.name)
    metric = None if options.metric is None else Metric.parse(options.metric)
    if metric is None:
        own = option == "score_attr" and at is not None and not amount.from_one
        metric = study.metric(at or 0) if own else ACCURACY
    rises = at is None or study.maximised[at] is not amount.from_one
    if at is not None and rises is not metric.maximised:
        word = "maximises" if study.maximised[at] else "minimises"
        raise ConfigurationError(
            f"{option}: {where} {word} {amount.name}, so {amount.text} is no {metric.name}, which "
            f"is to {'rise' if metric.maximised else 'fall'}: turn it round, as in "
            f"{'' if amount.from_one else '1-'}{amount.text.removeprefix('1-')}, or leave "
            f"{option} out to take {amount.name} as it is"
        )
    return Score(amount, metric)
