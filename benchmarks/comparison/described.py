"""Reading ``experiment.yaml``: what of it is needed is there, and of its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ...errors import OutputError, PerjouleError
from ...files.bounded import STATISTICS, read_text
from ...files.damage import damaged
from ..tables.descriptions import from_yaml
from ..tables.facts import Fact, first_fault
from .events import Count
from .experiment import Experiment


@dataclass(frozen=True)
class _Runtime(Fact):
    device: str


@dataclass(frozen=True)
class _MeterSource(Fact):
    id: str
    component: str
    kind: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Description(Fact):
    """What others rely on; all else in a description only informs."""

    name: str
    created: str
    experiment: Mapping[str, Any]
    space: Mapping[str, Any]
    versions: Mapping[str, Any]
    machine: Mapping[str, Any]
    data: Mapping[str, Any]
    runtime: _Runtime
    meter: tuple[_MeterSource, ...]
    workers: Count
    executor: str | None = None
    exchange: str | None = None
    keep_weights: bool = False
    energy_model: Mapping[str, Any] | None = None
    warm_start: Mapping[str, Any] | None = None


def read_description(file: Path) -> dict[str, Any]:
    """Read what a comparison wrote of itself when it began.

    Raises:
        OutputError: It is missing or damaged.
    """
    try:
        stated = from_yaml(read_text(file, STATISTICS))
        known = _Description.from_dict(stated)
        if isinstance(known.experiment.get("space"), str):
            raise ValueError("experiment.space: no mapping")  # a file's name would be read
        experiment = Experiment(**known.experiment)
        if stated.get("metric", experiment.metric) != experiment.metric:
            raise ValueError("metric: not that of the experiment")
    except FileNotFoundError as error:
        raise OutputError(
            f"{file.parent} holds no comparison (no {file.name}): "
            "name the folder that `perjoule compare` wrote"
        ) from error
    except OSError as error:
        raise OutputError(f"{file}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, PerjouleError) as error:
        why = first_fault(error) if isinstance(error, ValidationError) else error
        raise damaged(file, why) from error
    return {**stated, "keep_weights": known.keep_weights}
