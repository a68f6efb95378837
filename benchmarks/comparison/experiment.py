"""The experiment: what is compared, on what, and for how many joules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from textwrap import fill
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from ...energy.carbon import intensity
from ...energy.quantities import parse_energy
from ...energy.sources.resolve import meters_help
from ...errors import BudgetError, ConfigurationError, UnknownNameError
from ...files.bounded import read_text
from ...models.data.registry import datasets_help
from ...models.metric import Metric, metrics_help
from ...models.networks.registry import architectures_help
from ...plain import read_yaml

DEFAULT_STRATEGIES = ["grid", "random", "tpe", "gp", "skopt-gp", "asha", "frugal"]
DEFAULT_BUDGET = "560 J"
DEFAULT_SEEDS = 10
"""With ten seeds of 8.6 J the runs support more often who reaches the target for the fewest joules
than with five of 17 J, at the same cost (``CONTRACT.md``, "What the runs support")."""
UNLIMITED = "unlimited"
"""The budget of runs that end by themselves, or by their number of trials."""
MOST_SEEDS, MOST_WORKERS, MOST_TRIALS = 100_000, 1_000, 10_000_000
"""The most of each that an experiment may ask for."""


def _listed(value: Any) -> Any:
    from ...tuners.registry import parse_strategies

    if not isinstance(value, str | list) or not all(isinstance(each, str) for each in value):
        return value
    try:
        return parse_strategies(value)
    except ConfigurationError as error:
        raise ValueError(str(error)) from error


def _energy(value: Any) -> Any:
    if isinstance(value, str) and value.strip().lower() == UNLIMITED:
        return math.inf
    if value == math.inf:  # as a resumed experiment has it
        return value
    return parse_energy(value) if isinstance(value, str | int | float) else value


def _space(value: Any) -> Any:
    """A space that is given as text, as ``"{rate: [0.1, 0.2]}"``, as a YAML file, or in values.

    Those of NumPy and Optuna's distributions become plain, since they are written down.
    """
    if not isinstance(value, str | Path):
        return _plain(value)
    value = str(value)
    if Path(value).suffix in (".yaml", ".yml"):
        try:
            return _read_yaml(Path(value))
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
    if not value.lstrip().startswith("{"):
        return value
    return read_yaml(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(each) for each in value]
    if type(value).__module__.partition(".")[0] == "optuna":
        from ...models.axes import describe

        return describe(value)
    if isinstance(value, str):  # NumPy's own text too
        return str(value)
    return value.tolist() if hasattr(value, "tolist") else value


def _metric(value: Any) -> Any:
    try:
        return Metric.parse(_plain(value)).to_dict()
    except ConfigurationError as error:
        raise ValueError(str(error)) from error


class Experiment(BaseModel):
    """A comparison, fully described.

    Attributes:
        objective: A training function of one's own, ``module:function`` (see `models.trial`); None
            trains networks on a data set.
        dataset: A name that `models.data.registry.load` knows; None with an own objective.
        strategies: Names of the strategies, each once; ``"all"`` for all that are known.
        budget_j: Joules that all runs share; given as ``budget: "600 J"``. Infinite ones, given as
            ``"unlimited"``, need ``trials``.
        trials: Trials that each run may have; None ends it by its joules alone.
        seeds: Runs per strategy, with seeds 0, 1, …
        meter: What counts the joules: names of `energy.sources.resolve.METERS`.
        workers: Trials at a time, of all runs; None chooses.
        parallel_trials: Trials of one run at a time, at most.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"`` …; None chooses.
        architecture: ``cnn``, ``mlp``, ``torchvision:NAME`` or ``module:function``; None with
            an own objective.
        space: The search space; None takes the architecture's own for the data set.
        fidelity: What the rungs of multi-fidelity strategies are made of: ``"epochs"`` or
            ``"joules"``.
        split_seed: Seed of the train/validation/test split.
        train_limit: Samples to train on at most, each class in its share; None takes all.
        carbon: The place whose electricity is used (``"FRA"``, ``"USA/CA"``) or a figure
            (``"56 g/kWh"``); None tells no grams.
        metric: What is optimised, as `models.metric.Metric.parse` reads it; kept in plain values.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    objective: str | None = None
    dataset: str | None = "digits"
    strategies: Annotated[list[str], BeforeValidator(_listed)] = Field(
        default=DEFAULT_STRATEGIES, min_length=1
    )
    budget_j: Annotated[float, BeforeValidator(_energy)] = Field(
        default=DEFAULT_BUDGET, alias="budget", validate_default=True
    )
    trials: int | None = Field(default=None, ge=1, le=MOST_TRIALS)
    seeds: int = Field(default=DEFAULT_SEEDS, ge=1, le=MOST_SEEDS)
    meter: str = "auto"
    workers: int | None = Field(default=None, ge=1, le=MOST_WORKERS)
    parallel_trials: int = Field(default=1, ge=1, le=MOST_WORKERS)
    device: str | None = None
    architecture: str | None = "cnn"
    space: Annotated[dict[str, Any] | None, BeforeValidator(_space)] = None
    fidelity: Literal["epochs", "joules"] = "epochs"
    split_seed: int = Field(default=0, ge=0)
    train_limit: int | None = Field(default=None, ge=1)
    carbon: str | None = None
    metric: Annotated[dict[str, Any], BeforeValidator(_metric)] = Field(
        default="accuracy", validate_default=True
    )

    @model_validator(mode="before")
    @classmethod
    def _own_objective(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("objective") is None:
            return values
        for name in ("dataset", "architecture"):
            if values.get(name) is not None:
                raise ValueError(f"an own objective trains what it likes: leave {name} out")
        if not values.get("space"):
            raise ValueError("an own objective needs a space: list its hyperparameters")
        return {**values, "dataset": None, "architecture": None}

    @field_validator("carbon")
    @classmethod
    def _known_intensity(cls, text: str | None) -> str | None:
        if text is not None:
            intensity(text)
        return text

    @model_validator(mode="after")
    def _ends(self) -> Experiment:
        if self.budget_j == math.inf and self.trials is None:
            raise ValueError("an unlimited budget ends no run: say how many trials each may have")
        if self.budget_j == math.inf and self.parallel_trials > 1:
            raise ValueError("an unlimited budget cannot be shared: leave parallel_trials out")
        return self

    @property
    def n_runs(self) -> int:
        """Number of (strategy, seed) runs."""
        return len(self.strategies) * self.seeds

    @property
    def allotment_j(self) -> float:
        """Joules of each run: an equal share of the budget."""
        return self.budget_j / self.n_runs


def load_experiment(
    path: Path | None, overrides: dict[str, Any], base: dict[str, Any] | None = None
) -> Experiment:
    """Read an experiment file and lay the given options over it.

    Args:
        path: A YAML file, or None for the defaults.
        overrides: Options by field name; those that are None are not given.
        base: What holds where neither file nor options speak; None for the defaults.

    Raises:
        ConfigurationError: The file cannot be read or a value cannot be used; the message names
            the file and the line or field.
        BudgetError: The budget is no amount of energy above zero.
        UnknownNameError: There is no such field.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    values = ({} if path is None else _read_yaml(path)) | given
    if base is not None:
        values = base | values
        if "budget" in values:
            values.pop("budget_j", None)
    try:
        return Experiment.model_validate(values)
    except BudgetError as error:
        where = f"{path}: " if path is not None and "budget" not in given else ""
        raise BudgetError(f"{where}{error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the experiment"
        in_file = path is not None and not {*first["loc"][:1]} & {*given}
        if first["type"] == "extra_forbidden":
            known = ("budget" if n == "budget_j" else n for n in Experiment.model_fields)
            raise UnknownNameError(
                f"field of {path}" if in_file else "field", field, known
            ) from error
        where = f"{path}: " if in_file else ""
        message = first["msg"].removeprefix("Value error, ")
        given_value = f" = {first['input']!r}" if first["loc"] else ""
        raise ConfigurationError(f"{where}{field}{given_value}: {message}") from error


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = read_yaml(read_text(path))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: cannot be read: it is not UTF-8 text") from error
    except ValueError as error:  # also of a path with a null character
        raise ConfigurationError(f"{path}, {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path}: holds no mapping; `perjoule init` writes an example")
    return values


def _comment(text: str) -> str:
    return fill(text, 98, initial_indent="# ", subsequent_indent="# ")


EXAMPLE = f"""\
# An experiment for `perjoule compare FILE` and `perjoule tune FILE`. Every line is optional; those
# without # are the defaults.

# What is trained.
{_comment(f"Data sets: {datasets_help()}.")}
dataset: digits
# train_limit: 5000          # samples to train on at most, each class in its share
split_seed: 0                # of the train/validation/test split
{_comment(f"What is built: {architectures_help()}.")}
architecture: cnn
# In place of all these, a training function of your own (README, "Your own"); it needs a space:
# objective: mine:train      # the function train in mine.py
{_comment(f"What is optimised: {metrics_help()}.")}
metric: accuracy

# What is compared, and for how many joules.
strategies: [{", ".join(DEFAULT_STRATEGIES)}]   # see `perjoule strategies`; tune takes one
budget: {DEFAULT_BUDGET}                # shared by all runs; J, kJ, Wh, kWh ... or unlimited
# trials: 64                 # of each run at most
seeds: {DEFAULT_SEEDS}                     # runs per strategy; fewer than five prove nothing
fidelity: epochs             # rungs of multi-fidelity strategies: epochs, or joules
{_comment(f"What counts joules: {meters_help()}")}
meter: auto
# workers: 4                 # trials at a time; chosen by meter and cores if not given
parallel_trials: 1           # trials of one run at a time; more are faster and learn later
# device: cpu                # cpu, cuda, cuda:1; chosen if not given
# carbon: FRA                # grams of CO2e: a country, USA/CA, or "56 g/kWh"; never guessed

# The search space. Left out, the architecture's own is taken.
# A list is a choice, low/high a range (log: true for a log scale), a plain value is fixed.
# What has a when counts only where others have one of these values; elsewhere it is null.
# space:
#   conv_blocks: {{low: 1, high: 3}}             # of cnn, as the next four
#   width: {{low: 8, high: 64, log: true}}
#   kernel_size: [3, 5]
#   dropout: {{low: 0.0, high: 0.5}}
#   dense_units: 64
#   freeze: false                              # true trains the head alone
#   optimizer: [sgd, adam, adamw]              # of the training, as all that follow
#   learning_rate: {{low: 1.0e-4, high: 0.3, log: true}}
#   momentum: {{low: 0.1, high: 0.99, when: {{optimizer: sgd}}}}
#   beta1: {{low: 0.5, high: 0.99, when: {{optimizer: [adam, adamw]}}}}
#   beta2: {{value: 0.999, when: {{optimizer: [adam, adamw]}}}}
#   epsilon: {{value: 1.0e-8, when: {{optimizer: [adam, adamw]}}}}
#   weight_decay: {{low: 1.0e-6, high: 1.0e-2, log: true}}
#   schedule: [constant, cosine, one-cycle, step]
#   warmup_share: {{low: 0.0, high: 0.3, when: {{schedule: [cosine, step]}}}}  # of all steps
#   label_smoothing: {{low: 0.0, high: 0.2}}
#   gradient_clip: 1.0                         # largest norm
#   augmentation: [none, flip, shift, cutout, flip+shift]
#   batch_size: {{low: 16, high: 512, log: true}}  # or log2_batch_size: {{low: 4, high: 9}}
#   precision: auto                            # auto, bf16, float32
#   patience: 0                                # epochs without a better score that end a training
#   epochs: {{low: 1, high: 16, log: true}}
"""
