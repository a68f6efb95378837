"""The experiment: what is compared, on what, and for how many joules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
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
from ...errors import BudgetError, ConfigurationError, UnknownNameError
from ...files.bounded import read_text
from ...files.paths import check_paths, split_paths
from ...files.yaml_text import read_yaml
from ...models.metric import Metric

DEFAULT_STRATEGIES = ["grid", "random", "tpe", "gp", "skopt-gp", "asha", "frugal"]
DEFAULT_BUDGET = "560 J"
DEFAULT_SEEDS = 10
"""With ten seeds of 8.6 J the runs support more often who reaches the target for the fewest joules
than with five of 17 J, at the same cost (``CONTRACT.md``, "What the runs support")."""
UNLIMITED = "unlimited"
"""The budget of runs that end by themselves, or by their number of trials."""
MOST_SEEDS, MOST_WORKERS, MOST_TRIALS, MOST_FUSED = 100_000, 1_000, 10_000_000, 64
"""The most of each that an experiment may ask for."""
_SPACE_EXAMPLE = {
    "width": {"low": 8, "high": 64},
    "optimizer": ["sgd", "adam"],
    "learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
    "momentum": {"low": 0.1, "high": 0.99, "when": {"optimizer": "sgd"}},
    "epochs": 8,
}


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


def _paths(value: Any) -> Any:
    """Paths as texts: those of a list as they are, those of a text joined by commas."""
    given = [value] if isinstance(value, Path) else value
    try:
        if isinstance(given, str):
            return split_paths(given)
        if not isinstance(given, list | tuple) or not all(isinstance(t, str | Path) for t in given):
            return value
        paths = [str(path) for path in given]
        check_paths(paths)
        return paths
    except ConfigurationError as error:
        raise ValueError(str(error)) from error


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
        objective: A training function of your own, ``module:function`` (in Python the function
            itself), in place of data set and architecture; it needs a space.
        dataset: What is learnt: a name, ``image-folder:PATH``, ``npz:PATH`` or
            ``module:function``.
        strategies: Which searches are compared, each named once; ``all`` for all that are known.
            ``perjoule tune`` takes one.
        budget_j: Joules that all runs share, each an equal part. ``unlimited`` ends no run by its
            joules, and needs ``trials``.
        trials: Trials that each run may have at most.
        seeds: Runs per strategy, with seeds 0, 1, … Below five nothing is concluded.
        meter: What counts the joules: names of sources, joined by commas; ``auto`` takes the best
            that can be read here.
        workers: Trials at a time, of all runs together; chosen by meter and cores.
        parallel_trials: Trials of one run at a time at most, or stacks of them; more use more
            cores, and learn later.
        fuse: Candidates of one shape that are trained as one stack at most, where a short
            measurement says that it pays.
        device: Where networks are trained: ``cpu``, ``cuda``, ``cuda:1`` …
        architecture: What is built: ``cnn``, ``mlp``, ``torchvision:NAME`` or
            ``module:function``.
        space: Which hyperparameters are searched, and where; the architecture's own for the data
            set if not given.
        fidelity: What the rungs of multi-fidelity strategies are made of.
        split_seed: Seed of the split into train, validation and test data.
        train_limit: Samples to train on at most, each class in its share; all if not given.
        carbon: The place whose electricity is used (``FRA``, ``USA/CA``) or a figure
            (``56 g/kWh``), for grams of CO2e; never guessed.
        metric: What is optimised: a name, or a mapping with name, direction, low and high.
        stop_early: Score that is worth the whole budget: strategies that can judge it end a run
            when nothing promises that for its joules.
        warm_start: Tables and run folders of earlier searches of the same space, from which
            strategies that can learn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    objective: str | None = Field(default=None, examples=["mine:train"])
    dataset: str | None = Field(default="digits", examples=["image-folder:photos?size=32"])
    strategies: Annotated[list[str], BeforeValidator(_listed)] = Field(
        default=DEFAULT_STRATEGIES, min_length=1, examples=[["random", "tpe", "frugal"]]
    )
    budget_j: Annotated[float, BeforeValidator(_energy)] = Field(
        default=DEFAULT_BUDGET, alias="budget", validate_default=True, examples=["6 kJ"]
    )
    trials: int | None = Field(default=None, ge=1, le=MOST_TRIALS, examples=[64])
    seeds: int = Field(default=DEFAULT_SEEDS, ge=1, le=MOST_SEEDS, examples=[5])
    meter: str = Field(default="auto", examples=["rapl,nvml"])
    workers: int | None = Field(default=None, ge=1, le=MOST_WORKERS, examples=[4])
    parallel_trials: int = Field(default=1, ge=1, le=MOST_WORKERS, examples=[4])
    fuse: int = Field(default=1, ge=1, le=MOST_FUSED, examples=[8])
    device: str | None = Field(default=None, examples=["cuda:1"])
    architecture: str | None = Field(default="cnn", examples=["torchvision:resnet18"])
    space: Annotated[dict[str, Any] | None, BeforeValidator(_space)] = Field(
        default=None, examples=[_SPACE_EXAMPLE]
    )
    fidelity: Literal["epochs", "joules"] = Field(default="epochs", examples=["joules"])
    split_seed: int = Field(default=0, ge=0, examples=[1])
    train_limit: int | None = Field(default=None, ge=1, examples=[5000])
    carbon: str | None = Field(default=None, examples=["FRA"])
    metric: Annotated[dict[str, Any], BeforeValidator(_metric)] = Field(
        default="accuracy", validate_default=True, examples=["f1"]
    )
    stop_early: float | None = Field(default=None, gt=0, allow_inf_nan=False, examples=[0.0001])
    warm_start: Annotated[list[str], BeforeValidator(_paths)] = Field(
        default=[], examples=[["runs/before", "theirs.csv"]]
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
            raise ValueError(
                "an unlimited budget ends no run: say how many trials each may have (--trials)"
            )
        if self.budget_j == math.inf and self.most_in_flight > 1:
            raise ValueError(
                "an unlimited budget cannot be shared by trials in flight at once: leave "
                "parallel_trials and fuse out (--parallel-trials, --fuse), or give joules"
            )
        if self.objective is not None and self.fuse > 1:
            raise ValueError(
                "stacks are of perjoule's own networks, and an own objective trains one candidate: "
                "leave fuse out (--fuse)"
            )
        if self.budget_j == math.inf and self.stop_early is not None:
            raise ValueError("an unlimited budget has no worth: leave stop_early out")
        return self

    @property
    def n_runs(self) -> int:
        """Number of (strategy, seed) runs."""
        return len(self.strategies) * self.seeds

    @property
    def most_in_flight(self) -> int:
        """Trials of one run that may be in flight at once."""
        return self.parallel_trials * self.fuse

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
