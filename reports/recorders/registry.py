"""The recorders by name, and the one way to all of them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from ...benchmarks.comparison.recorder import Recorder
from ...errors import ConfigurationError, UnknownNameError


class Named(NamedTuple):
    """A recorder that has a name."""

    where: str  # what stands after the name, for people
    summary: str
    needs_where: bool = False


# Each is a module of this package with a function `make(where) -> Recorder`.
RECORDERS = {
    "mlflow": Named("TRACKING_URI", "nested runs; a database in the run folder if not given"),
    "wandb": Named("PROJECT", "Weights & Biases, offline where no key is known"),
    "tensorboard": Named("FOLDER", "event files, in the run folder if not given"),
    "trackio": Named("PROJECT", "its local database"),
    "prometheus": Named("FILE.prom", "how it stands, for the textfile collector", True),
    "optuna": Named("", "studies.journal in the run folder, for optuna-dashboard"),
}
DASHBOARD = "optuna"
"""The one that optuna-dashboard shows."""
Wanted = str | Recorder | Sequence[str | Recorder]
"""Recorders by name, as ``NAME:WHERE``, or themselves; one or several."""


def recorders_help() -> str:
    """The recorders and what they are, for the command line."""
    return "; ".join(f"{name}{_place(each)}: {each.summary}" for name, each in RECORDERS.items())


def _place(named: Named) -> str:
    if not named.where:
        return ""
    return f":{named.where}" if named.needs_where else f"[:{named.where}]"


def open_recorders(wanted: Wanted, *, dashboard: bool = False) -> list[Recorder]:
    """The recorders that are asked for; for a dashboard, Optuna's journal is one of them.

    Raises:
        UnknownNameError: There is none of that name.
        ConfigurationError: One cannot be so; the message says how.
    """
    each = [wanted] if isinstance(wanted, str | Recorder) else [*wanted]
    if dashboard:
        each.append(DASHBOARD)
    each = list({one if isinstance(one, str) else id(one): one for one in each}.values())
    names = [one.partition(":")[0] for one in each if isinstance(one, str)]
    for name in names:
        if names.count(name) > 1:  # they would remove, or repeat, what the other one records
            raise ConfigurationError(f"record {name}: it records to one place at a time; name one")
    return [_open(one) for one in each]


def _open(wanted: str | Recorder) -> Recorder:
    if isinstance(wanted, Recorder):
        return wanted
    if not isinstance(wanted, str):
        kind = type(wanted).__name__
        raise ConfigurationError(
            f"record: {kind} is no recorder: give a name, or an object of a class of your own "
            "that is made from perjoule.Recorder"
        )
    name, _, where = wanted.partition(":")
    if name not in RECORDERS:
        raise UnknownNameError("recorder", name, RECORDERS)
    named = RECORDERS[name]
    if where and not named.where:
        raise ConfigurationError(f"record {name}: takes no place; leave {where!r} out")
    if named.needs_where and not where:
        raise ConfigurationError(f"record {name}: needs a place, as in {name}:{named.where}")
    return import_module(f".{name}", __package__).make(where or None)
