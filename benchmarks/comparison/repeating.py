"""How a comparison is run again: its command, and its experiment as a file."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import PerjouleError
from ...files.paths import join_paths
from ...files.yaml_text import write_yaml
from ...models.metric import METRICS, Metric
from ..analysis.target import DEFAULT_TARGET
from .engines import DASK, ENGINES, LOCAL
from .experiment import UNLIMITED, Experiment

if TYPE_CHECKING:
    from ..tables.table import Table

FILE = "experiment.yaml"
_ALWAYS = ("dataset", "objective", "strategies", "budget_j", "seeds")
"""Stated even where they are the defaults of this version, which a later one may change."""


@dataclass(frozen=True)
class Repeat:
    """What makes a page's table again.

    Attributes:
        command: A command line, quoted for a POSIX shell.
        of_training: Whether it trains anew; else it only reads what is there.
        file: The experiment as YAML for ``perjoule compare FILE``; None where nothing is trained.
        file_command: The command with that file.
    """

    command: str
    of_training: bool
    file: str | None = None
    file_command: str | None = None


def repeat(table: Table, target: str) -> Repeat:
    """Return how a table came about, as far as it tells: by a comparison, a replay, or a reading.

    Args:
        table: The table.
        target: The score to reach, as it was asked for.
    """
    aim = [] if target == DEFAULT_TARGET else ["--target", target]
    stated = table.description or {}
    experiment = None if table.runs is None else _experiment(stated)
    if experiment is not None:
        asked = [*_engine_options(stated), *aim]
        return _training(experiment, tuned=bool(stated.get("keep_weights")), asked=asked)
    by = ["--by", ",".join(table.by)] if table.by else []
    replayed = stated.get("replay")
    if isinstance(replayed, Mapping):
        asked = [*_replay_options(replayed), *by]
        name, strategies = str(replayed.get("table", table.name)), ",".join(table.strategies)
        return Repeat(_line("replay", name, "--strategies", strategies, *asked, *aim), False)
    return Repeat(_line("report", table.name, *by, *aim), False)


def _engine_options(stated: Mapping[str, Any]) -> Iterator[str]:
    """Yield who gave the workers, if that was an engine with a name, and what store they shared."""
    name, _, argument = str(stated.get("executor")).partition(":")
    if name == DASK:
        yield from ("--executor", name)
        if argument:
            yield from ("--scheduler", argument)
    elif stated.get("executor") in ENGINES and name != LOCAL:
        yield from ("--executor", stated["executor"])
    else:
        return
    if isinstance(stated.get("exchange"), str):
        yield from ("--shared", stated["exchange"])


def _training(experiment: Experiment, *, tuned: bool, asked: list[str]) -> Repeat:
    verb, file = ("tune" if tuned else "compare"), experiment_file(experiment)
    return Repeat(
        _line(verb, *_options(experiment, tuned=tuned), *asked),
        True,
        file,
        _line(verb, FILE, *asked),
    )


def experiment_file(experiment: Experiment) -> str:
    """Return an experiment as YAML that ``perjoule compare`` reads."""
    return write_yaml(dict(_stated(experiment)))


def _stated(experiment: Experiment) -> Iterator[tuple[str, Any]]:
    """Yield the fields of an experiment that are not left to the program."""
    for name, field in Experiment.model_fields.items():
        value = getattr(experiment, name)
        if value is None or (name == "metric" and value == METRICS["accuracy"].to_dict()):
            continue
        if name == "budget_j":
            yield "budget", UNLIMITED if value == math.inf else f"{value!r} J".replace(".0 J", " J")
        elif name in _ALWAYS or value != field.default:
            yield name, value


def _options(experiment: Experiment, *, tuned: bool) -> Iterator[str]:
    """Yield the options of the command."""
    for name, value in _stated(experiment):
        if tuned and name == "seeds":
            continue
        option = "strategy" if tuned and name == "strategies" else name.replace("_", "-")
        yield from (f"--{option}", _as_text(name, value))


def _as_text(name: str, value: Any) -> str:
    if name == "strategies":
        return ",".join(value)
    if name == "warm_start":
        return join_paths(value)
    if name == "metric":
        metric = Metric.parse(value)
        if METRICS.get(metric.name) == metric:
            return metric.name
    if isinstance(value, Mapping):  # in one line, as YAML that reads back as it was
        return write_yaml(value, default_flow_style=True, width=math.inf).strip()
    return str(value)


def _replay_options(replayed: Mapping[str, Any]) -> Iterator[str]:
    budgets_j = replayed.get("budget_j")
    if isinstance(budgets_j, list) and len({*map(str, budgets_j)}) == 1:
        yield from ("--budget", f"{budgets_j[0]} J per run")
    names = ("seeds", "slow_seeds", "match", "search_energy", "parallel_trials", "stop_early")
    for name in names:
        if replayed.get(name) is not None:
            yield from (f"--{name.replace('_', '-')}", str(replayed[name]))
    earlier = replayed.get("warm_start")
    if isinstance(earlier, list) and earlier:
        yield from ("--warm-start", join_paths(map(str, earlier)))


def _experiment(stated: Mapping[str, Any]) -> Experiment | None:
    """The experiment of a description that anybody may have written; None if it is none."""
    found = stated.get("experiment")
    if not isinstance(found, Mapping) or isinstance(found.get("space"), str):
        return None  # a file's name would be read
    try:
        return Experiment.model_validate(dict(found))
    except (ValueError, PerjouleError):
        return None


def _line(*words: str) -> str:
    return shlex.join(["perjoule", *words])
