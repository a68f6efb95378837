"""Boavizta's BoAmps report: JSON by the schemas of https://github.com/Boavizta/BoAmps.

Each measure is of one kind of joules: kinds are never summed, and what is charged to no run is a
measure of its own.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ...energy.quantities import JOULES_PER_UNIT, total
from ...errors import ConfigurationError
from .. import content
from ..format import known
from .energies import SEARCH, Energy
from .facts import Cost, Disclosed
from .given import DATA_TYPES, INFRASTRUCTURES
from .wording import account, grid_line, scope_line, sum_line

_VERSION = "0.1"
_SPECIFICATION = "https://github.com/Boavizta/BoAmps/tree/main/model"
_QUALITY = {"high": 0.10, "medium": 0.25, "low": 0.50}  # largest relative error of each


def write(cost: Cost) -> Disclosed:
    """Return the report.

    Raises:
        ConfigurationError: The schema needs what neither table nor user say.
    """
    data_type = cost.given.data_type or _data_type(cost)
    missing = {
        '--task "image classification" (what was trained for)': cost.given.task,
        f"--data-type ({', '.join(DATA_TYPES)})": data_type,
        f"--infrastructure ({', '.join(INFRASTRUCTURES)})": cost.given.infrastructure,
        '--hardware "2 x gpu NVIDIA A100"': cost.hardware,
    }
    asked = [how for how, value in missing.items() if not value]
    if asked:
        raise ConfigurationError(f"boamps needs what the table does not say: {'; '.join(asked)}")
    notes = ["a measure of BoAmps has no field for kind and uncertainty: they stand in "]
    notes[0] += "measurementMethod, quality and taskDescription"
    quality = _quality(cost)
    if quality is None:
        notes.append("quality is left out: how far off the joules are is not known, or over 50 %")
    if cost.country is None:
        notes.append("environment is left out: no country is known, say --carbon FRA")
    report = {
        "header": _header(cost),
        "task": _task(cost, str(data_type)),
        "measures": [_measure(cost, each) for each in cost.spent],
        "system": _system(cost),
        "software": {"language": "python", "version": cost.version("python")},
        "infrastructure": {
            "infraType": cost.given.infrastructure,
            "components": [
                {"componentName": part.name, "componentType": part.type, "nbComponent": part.count}
                for part in cost.hardware
            ],
        },
        "environment": _environment(cost),
        "quality": quality,
    }
    text = json.dumps(_without_unknown(report), indent=2, allow_nan=False, ensure_ascii=False)
    return Disclosed("boamps", f"{text}\n", tuple(notes))


def _header(cost: Cost) -> dict[str, Any]:
    name = f"perjoule:{cost.table.name}:{cost.created}:{cost.spent_j!r}"
    status = content.status(cost.table)
    return {
        "formatVersion": _VERSION,
        "formatVersionSpecificationUri": _SPECIFICATION,
        "reportId": str(uuid5(NAMESPACE_URL, name)),
        "reportDatetime": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        "reportStatus": {"complete": "final", "interrupted": "draft"}.get(status),
    }


def _task(cost: Cost, data_type: str) -> dict[str, Any]:
    metric, best = cost.table.metric, cost.best.incumbent if cost.best else None
    experiment, data = content.part(cost.table, "experiment"), content.part(cost.table, "data")
    parameters = known(cost.best_trial.get("n_parameters"))
    counts = [_whole(data.get(split)) for split in ("train", "validation", "test")]
    torch = cost.version("torch")
    is_accuracy = metric.name == "accuracy" and metric.is_share
    return {
        "taskStage": "training",
        "taskFamily": cost.given.task,
        "algorithms": [
            {
                "algorithmName": experiment.get("architecture"),
                "parametersNumber": parameters and parameters / 1e9,
                "framework": "pytorch" if torch else None,
                "frameworkVersion": torch,
                "epochsNumber": _whole(cost.best_trial.get("epochs")),
            }
        ],
        "dataset": [
            {
                "dataUsage": "input",
                "dataType": data_type,
                "dataQuantity": total(counts),
                "shape": str(tuple(data["shape"])) if isinstance(data.get("shape"), list) else None,
            }
        ],
        "measuredAccuracy": best.test_score if best and is_accuracy else None,
        "taskDescription": " ".join(
            [
                f"{'Study' if cost.is_study else 'Hyperparameter search'} by "
                f"{', '.join(cost.table.strategies)}.",
                sum_line(cost),
                *account(cost),
                scope_line(cost),
                grid_line(cost),
            ]
        ),
    }


def _measure(cost: Cost, energy: Energy) -> dict[str, Any]:
    modes = {str(meter["component"]): str(meter["id"]) for meter in content.meters(cost.table)}
    return {
        "measurementMethod": f"{cost.measured_by}: {energy.what}, {energy}",
        "version": cost.version("perjoule") if modes else None,
        "cpuTrackingMode": modes.get("cpu"),
        "gpuTrackingMode": modes.get("gpu"),
        "powerConsumption": None
        if energy.energy_j is None
        else energy.energy_j / JOULES_PER_UNIT["kWh"],
        "measurementDuration": cost.wall_s if energy.what == SEARCH else None,
        "measurementDateTime": cost.created,
    }


def _system(cost: Cost) -> dict[str, Any] | None:
    platform = str(content.part(cost.table, "machine").get("platform") or "")
    return {"os": platform.partition("-")[0].lower()} if platform else None


def _environment(cost: Cost) -> dict[str, Any] | None:
    if cost.country is None or cost.grid is None:
        return None
    return {
        "country": cost.country[0],
        "location": cost.given.location,
        "powerSourceCarbonIntensity": cost.grid.g_per_kwh,
    }


def _data_type(cost: Cost) -> str | None:
    """What the samples are, where their shape tells: channels, height and width."""
    shape = content.part(cost.table, "data").get("shape")
    return "image" if isinstance(shape, list) and len(shape) == 3 else None


def _quality(cost: Cost) -> str | None:
    if not cost.spent_j or cost.spent_error_j is None:
        return None
    error = cost.spent_error_j / cost.spent_j
    return next((name for name, most in _QUALITY.items() if error <= most), None)


def _whole(value: object) -> int | None:
    number = known(value)
    return None if number is None else int(number)


def _without_unknown(data: Any) -> Any:
    """The same without what is None, since the schema knows no null."""
    if isinstance(data, dict):
        return {key: _without_unknown(value) for key, value in data.items() if value is not None}
    return [_without_unknown(value) for value in data] if isinstance(data, list) else data
