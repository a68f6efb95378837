"""What of a trial of Optuna is its joules and what its score, and which metric that is of."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ConfigurationError, DataError
from ...models.metric import ACCURACY, Metric
from ..tables.arithmetic import Expression, columns, evaluate, parse
from .optuna_storage import StoredTrial, Study
from .registry import ImportOptions

OWN_ENERGY = "energy_j"  # the user attribute that `metered` writes


@dataclass(frozen=True)
class Amount:
    """A number made of fields of a trial: ``kwh*3.6e6``, ``1-value``, ``cpu_j+gpu_j``."""

    text: str
    made_of: Expression

    @classmethod
    def parse(cls, text: str, option: str, where: str, known: Collection[str]) -> Amount:
        """Read it; a field whose own name looks like a product is taken by its name."""
        text, names = " ".join(text.split()), {name: name for name in sorted(known)}
        try:
            what = "user attribute or objective"
            return cls(text, parse(text, names, f"{option} {text!r}: {where}", what))
        except DataError as error:
            raise ConfigurationError(str(error)) from None

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that it is made of."""
        return tuple(dict.fromkeys(columns(self.made_of)))

    @property
    def falls(self) -> bool:
        """Whether it is the smaller the larger its field is, as ``1-value``."""
        less, more = (evaluate(self.made_of, lambda _, at=at: at)[0] for at in (0.25, 0.5))
        return bool(more < less)

    def of(self, fields: Mapping[str, Any], where: str) -> float | None:
        """The number, which may be infinite or none; None where a field is not there.

        Raises:
            DataError: A field is no number.
        """
        if any(fields.get(name) is None for name in self.names):
            return None
        numbers = {name: _number(fields[name], name, where) for name in self.names}
        return float(evaluate(self.made_of, numbers.__getitem__)[0])

    def joules(self, trial: StoredTrial, where: str) -> float | None:
        """The same as an energy, or a DataError."""
        energy_j = self.of(trial.fields, where)
        if energy_j is None or 0 <= energy_j < math.inf:
            return energy_j
        raise DataError(f"{where}: {self.text} is {energy_j:g}, which is no energy in joules")


def _number(value: Any, name: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"{where}: {name} is {value!r}, which is no number")
    try:
        return float(value)
    except OverflowError:  # a whole number that no float holds
        return math.inf


@dataclass(frozen=True)
class Score:
    """What the score of a trial is made of, and its metric."""

    amount: Amount
    metric: Metric

    option: str  # which says so
    objective: str | None  # the one that it is made of; None if it is made of something else

    def of(self, trial: StoredTrial, where: str) -> float | None:
        """The score; None where there is none, or none that is finite."""
        score, metric = self.amount.of(trial.fields, where), self.metric
        if score is None or not math.isfinite(score):
            return None
        if metric.allows(score):
            return score
        edges = ["-" if edge is None else f"{edge:g}" for edge in (metric.low, metric.high)]
        what = (
            f"{self.amount.text} is {score:g}, which is no {metric.name} from {' to '.join(edges)}"
        )
        if (metric.low, metric.high) == (0.0, 1.0):
            percent = f"{'1-' if self.amount.falls else ''}{self.amount.names[0]}/100"
            what += f": name what is one in {self.option}, such as {percent} of percent"
        raise DataError(f"{where}: {what}, or say in --metric what it is")

    def between(self, value: float) -> float | None:
        """The score of a value that was reported on the way; None if it is none."""
        score = self.amount.of(dict.fromkeys(self.amount.names, value), "")
        known = score is not None and math.isfinite(score) and self.metric.allows(score)
        return score if known else None


def energy_amount(fields: set[str], options: ImportOptions, where: str) -> Amount:
    """What the joules of a study's trials are made of."""
    text = options.energy_attr or (OWN_ENERGY if OWN_ENERGY in fields else None)
    if text is None:
        raise ConfigurationError(
            "--energy-attr: name the user attribute that holds joules, or with a factor, such as "
            f"kwh*3.6e6; {where} has {', '.join(sorted(fields)) or 'none'}"
        )
    return Amount.parse(text, "--energy-attr", where, fields)


def score_amount(study: Study, fields: set[str], options: ImportOptions, where: str) -> Score:
    """What the scores of a study's trials are made of, and their metric."""
    if options.accuracy_attr is not None and options.score_attr is not None:
        raise ConfigurationError("--score-attr and --accuracy-attr: both say what the score is")
    option = "--score-attr" if options.accuracy_attr is None else "--accuracy-attr"
    text = options.score_attr or options.accuracy_attr
    objectives = {
        "value" if len(study.maximised) == 1 else f"values_{at}": at
        for at in range(len(study.maximised))
    }
    if text is None and len(objectives) > 1:
        raise ConfigurationError(
            f"--score-attr: {where} has {len(objectives)} objectives: say what the score is: "
            "values_0 for the first of them, or a user attribute"
        )
    amount = Amount.parse(text or "value", option, where, {*fields, *objectives})
    used = [name for name in amount.names if name in objectives]
    at = objectives[used[0]] if used else None
    metric = None if options.metric is None else Metric.parse(options.metric)
    if metric is None:
        own = option == "--score-attr" and at is not None and not amount.falls
        metric = study.metric(at or 0) if own else ACCURACY
    rises = at is None or study.maximised[at] is not amount.falls
    if at is not None and rises is not metric.maximised:
        word = "maximises" if study.maximised[at] else "minimises"
        turned = amount.text.removeprefix("1-") if amount.falls else f"1-{amount.text}"
        raise ConfigurationError(
            f"{option}: {where} {word} {used[0]}, so {amount.text} is no {metric.name}, which "
            f"is to {'rise' if metric.maximised else 'fall'}: turn it round, as in {turned}, or "
            f"leave {option} out to take {used[0]} as it is"
        )
    return Score(amount, metric, option, used[0] if used else None)
