"""How a comparison or a search is opened: what was asked for, and whether it begins or goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError
from ...models.metric import Metric
from ...tuners.registry import check_ability
from ..analysis.target import parse_target
from .experiment import Experiment, load_experiment
from .folder import Folder
from .messages import file_name
from .signals import working_in
from .trust import check_trusted

if TYPE_CHECKING:
    from ..tables.table import Table
    from .recording import Recording
    from .watching import ComparisonWatcher

RUNS = Path("runs")
DEFAULT_STRATEGY = "tpe"
DEFAULT_TUNE_BUDGET = "60 J"


@dataclass(frozen=True)
class Opening:
    """How a comparison is started, beside its experiment."""

    out: str | Path | None
    target: str | float
    progress: ComparisonWatcher | None
    objective: Callable[..., Any] | None  # one that workers cannot import
    executor: Executor | str | None = None  # or the name of an engine
    shared: str | None = None  # URL of the object store between driver and workers
    keep_weights: bool = False
    refit: bool = False
    recording: Recording | None = None  # gets the trials as they end
    trust: bool = False  # whether what a resumed folder names may be run and read

    def check(self, experiment: Experiment) -> None:
        """Make sure that the target is one of the metric, and that the best can be refitted."""
        parse_target(self.target, Metric.parse(experiment.metric))
        if self.refit and experiment.objective is not None:
            raise ConfigurationError(
                "refit trains on train and validation data together, which an own objective keeps "
                "to itself: leave it out"
            )


def opening(
    options: dict[str, Any],
    out: str | Path | None,
    target: str | float,
    progress: ComparisonWatcher | None,
    **more: Any,
) -> Opening:
    """Take a function that is given as ``objective`` out of the options, and leave its name."""
    from ...models.own_training import name_of

    parse_target(target, None)
    local = None
    if options.get("objective") is not None:
        options["objective"], local = name_of(options["objective"])
    return Opening(out, target, progress, local, **more)


def search_of(
    experiment: str | Path | None, strategy: str | None, budget: str | float | None
) -> tuple[str, str | float | None]:
    """The strategy and the budget of a new search; None is what the experiment's file says."""
    if experiment is None:
        return strategy or DEFAULT_STRATEGY, budget or DEFAULT_TUNE_BUDGET
    stated = load_experiment(Path(experiment), {})
    if strategy is None and "strategies" in stated.model_fields_set:
        if len(stated.strategies) > 1:
            raise ConfigurationError(
                f"{experiment} names {len(stated.strategies)} strategies, and a search has one: "
                "choose it with --strategy"
            )
        strategy = stated.strategies[0]
    if budget is None and "budget_j" not in stated.model_fields_set:
        budget = DEFAULT_TUNE_BUDGET
    return strategy or DEFAULT_STRATEGY, budget


def begin(start: Opening, experiment: str | Path | None, options: dict[str, Any]) -> Folder:
    """Run a new comparison."""
    from .executors import end_if_a_script_is_run_again
    from .start import run_comparison

    end_if_a_script_is_run_again()
    wanted = load_experiment(None if experiment is None else Path(experiment), options)
    start.check(wanted)
    folder = Folder(_new_folder(wanted) if start.out is None else Path(start.out).absolute())
    folder.check_free()
    run_comparison(
        wanted,
        folder,
        earlier=_earlier(wanted),
        keep_weights=start.keep_weights,
        objective=start.objective,
        executor=start.executor,
        shared=start.shared,
        progress=start.progress,
        recording=start.recording,
    )
    return folder


def _earlier(experiment: Experiment) -> list[Table]:
    """The tables of earlier searches that an experiment names."""
    if not experiment.warm_start:
        return []
    from .loading import load_earlier

    check_ability("warm_start", "transfers", experiment.strategies)
    return load_earlier(experiment.warm_start, Metric.parse(experiment.metric))


def go_on(start: Opening, experiment: str | Path | None, options: dict[str, Any]) -> Folder:
    """Go on with a comparison; nothing but the number of workers may differ from its beginning."""
    from .executors import end_if_a_script_is_run_again
    from .start import run_comparison

    end_if_a_script_is_run_again()
    if start.out is None:
        raise ConfigurationError("--resume needs --out: name the folder to go on with")
    folder = Folder(Path(start.out).absolute())
    working_in(folder.path)
    description = folder.description()
    recorded = description["experiment"]
    given = {name for name, value in options.items() if value is not None}
    if experiment is not None:
        given |= load_experiment(Path(experiment), {}).model_fields_set
    mark = description.get("mark")
    check_trusted(folder.path, recorded, mark, trust=start.trust, given=given)
    begun = Experiment(**recorded).model_dump()
    wanted = load_experiment(None if experiment is None else Path(experiment), options, recorded)
    start.check(wanted)
    for name, value in wanted.model_dump().items():
        if name != "workers" and value != begun[name]:
            raise ConfigurationError(
                f"{name} = {value!r}, but {folder.path} was begun with {begun[name]!r}: "
                "leave it out to resume, or begin anew with another --out"
            )
    if start.keep_weights and not description["keep_weights"]:
        raise ConfigurationError(
            f"{folder.path} is a comparison, which keeps no weights: resume it with "
            "`perjoule compare`, or begin a search with another --out"
        )
    run_comparison(
        wanted,
        folder,
        resumed=description,
        objective=start.objective,
        executor=start.executor,
        shared=start.shared,
        progress=start.progress,
        recording=start.recording,
    )
    return folder


def _new_folder(experiment: Experiment) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    what = experiment.dataset or (experiment.objective or "").rpartition(":")[2]
    return (RUNS / f"{file_name(what)}-{stamp}").absolute()
