"""What `experiment.yaml` records: the experiment, and what its numbers depend on."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ...energy import SourceInfo
from ...energy.carbon import intensity
from ...errors import ConfigurationError, DataError, MeterError
from ...version import __version__
from .engines import LOCAL
from .machines import MachineFacts, kinds_of
from .messages import Prepared, Setting
from .trust import make_mark

SCHEMA = 1
_LIBRARIES = (
    "torch",
    "torchvision",
    "optuna",
    "scikit-optimize",
    "scikit-learn",
    "numpy",
    "codecarbon",
    "nvidia-ml-py",
)


def describe(
    setting: Setting, prepared: Prepared, workers: int, executor: Executor | str | None = None
) -> dict[str, Any]:
    """Describe a comparison that begins, in plain data.

    Args:
        setting: Of the comparison.
        prepared: What its workers found.
        workers: Trials at a time.
        executor: Who gives the workers: an engine's name, or an executor, whose class is told.
    """
    carbon = setting.experiment.carbon
    return {
        "schema": SCHEMA,
        "name": setting.folder.name,
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
        "experiment": (stated := setting.experiment.model_dump()),
        "mark": make_mark(stated),
        "metric": dict(setting.experiment.metric),
        "space": dict(setting.space),
        "workers": workers,
        "executor": LOCAL if executor is None else _name_of(executor),
        "keep_weights": setting.keep_weights,
        "versions": _versions(),
        "machine": _machine(prepared.machines[0]),
        "runtime": dict(prepared.runtime),
        "data": dict(prepared.data),
        "meter": _inventory(prepared.sources),
        "carbon": None if carbon is None else asdict(intensity(carbon)),
        **({} if setting.exchange_url is None else {"exchange": setting.exchange_url}),
        **({} if setting.energy_model is None else {"energy_model": dict(setting.energy_model)}),
        **({} if setting.warm_start is None else {"warm_start": setting.warm_start.to_dict()}),
    }


def _name_of(executor: Executor | str) -> str:
    return executor if isinstance(executor, str) else type(executor).__name__


def _inventory(sources: Sequence[SourceInfo]) -> list[dict[str, Any]]:
    """A meter's sources as plain data."""
    return json.loads(json.dumps([asdict(source) for source in sources]))


def _machine(machine: MachineFacts) -> dict[str, Any]:
    """The machine that a comparison begins on; its meter and device are told apart."""
    facts = machine.to_dict()
    return {key: facts[key] for key in ("name", "cpu", "cores", "platform", "caches")}


def check_same_meter(
    description: dict[str, Any], sources: Sequence[SourceInfo], machine: str | None = None
) -> None:
    """Make sure that joules of different meters do not meet in one comparison.

    On another machine the sources may be others, as long as they count the same in the same way;
    each trial then tells where it was trained.

    Args:
        description: Of the comparison.
        sources: What meters now.
        machine: Where that is; None takes it to be where the comparison was begun.

    Raises:
        MeterError: The meter is not the one that the description names.
    """
    inventory = _inventory(sources)
    begun_on = description["machine"].get("name")
    elsewhere = machine is not None and begun_on is not None and machine != begun_on
    if elsewhere and kinds_of(description["meter"]) == kinds_of(inventory):
        return
    before, now = (
        "; ".join(str(source.get("detail")) for source in each)
        for each in (description["meter"], inventory)
    )
    if before != now or elsewhere:
        raise MeterError(
            f"{description['name']} was metered by {before}, but here it is {now}: "
            "resume it where it was begun"
        )


def check_same_exchange(description: dict[str, Any], shared: str | None) -> None:
    """Make sure that what was in flight is looked for where it is told.

    Raises:
        ConfigurationError: It is told elsewhere.
    """
    begun_with = description.get("exchange")
    if (begun_with is not None) != (shared is not None) or (
        shared is not None and begun_with != shared.rstrip("/")
    ):
        told = "without --shared" if begun_with is None else f"with --shared {begun_with}"
        raise ConfigurationError(
            f"{description['name']} was begun {told}: resume it so, since the joules of what was "
            "in flight are told there"
        )


def check_same_data(description: dict[str, Any], fingerprint: str | None) -> None:
    """Make sure that all trials of a comparison learn from the same data.

    Raises:
        DataError: The data set has changed since the description was written.
    """
    before = description["data"].get("fingerprint")
    if before != fingerprint:
        name = description["experiment"].get("dataset")
        raise DataError(
            f"{description['name']} was begun with other data: {name} has the fingerprint "
            f"{fingerprint}, and had {before}; restore it, or begin anew with another --out"
        )


def _versions() -> dict[str, str]:
    """Versions of Python and of all libraries that a result depends on."""
    found = {"perjoule": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
