"""What `experiment.yaml` records: the experiment, and what its numbers depend on."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ...energy import SourceInfo
from ...energy.carbon import intensity
from ...energy.sources.cpu.caches import cache_sizes
from ...energy.sources.cpu.cores import usable_cores
from ...energy.sources.cpu.power import processor
from ...errors import DataError, MeterError
from ...version import __version__
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


def describe(setting: Setting, prepared: Prepared, workers: int) -> dict[str, Any]:
    """Describe a comparison that begins, in plain data; ``workers`` are trials at a time."""
    carbon = setting.experiment.carbon
    return {
        "schema": SCHEMA,
        "name": setting.folder.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "experiment": (stated := setting.experiment.model_dump()),
        "mark": make_mark(stated),
        "metric": dict(setting.experiment.metric),
        "space": dict(setting.space),
        "workers": workers,
        "keep_weights": setting.keep_weights,
        "versions": _versions(),
        "machine": describe_machine(),
        "runtime": dict(prepared.runtime),
        "data": dict(prepared.data),
        "meter": _inventory(prepared.sources),
        "carbon": None if carbon is None else asdict(intensity(carbon)),
        **({} if setting.energy_model is None else {"energy_model": dict(setting.energy_model)}),
        **({} if setting.warm_start is None else {"warm_start": setting.warm_start.to_dict()}),
    }


def describe_machine() -> dict[str, Any]:
    """Describe this machine, in plain data."""
    cpu = processor()
    return {
        "cpu": f"{cpu.model} (virtual machine)" if cpu.virtual else cpu.model,
        "cores": usable_cores(),
        "platform": platform.platform(),
        "caches": cache_sizes(),
    }


def _inventory(sources: Sequence[SourceInfo]) -> list[dict[str, Any]]:
    """A meter's sources as plain data."""
    return json.loads(json.dumps([asdict(source) for source in sources]))


def check_same_meter(description: dict[str, Any], sources: Sequence[SourceInfo]) -> None:
    """Make sure that joules of different meters do not meet in one comparison.

    Raises:
        MeterError: The meter is not the one that the description names.
    """
    before, now = (
        "; ".join(str(source.get("detail")) for source in inventory)
        for inventory in (description["meter"], _inventory(sources))
    )
    if before != now:
        raise MeterError(
            f"{description['name']} was metered by {before}, but here it is {now}: "
            "resume it where it was begun"
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
