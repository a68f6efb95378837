"""The energy model of fully connected networks that was fitted on this machine, one JSON file."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from ...energy.calibration.stored import home, machine_id
from ...errors import DataError, OutputError
from ...files.bounded import read_text
from ...files.writing import write_whole
from ...plain import read_json
from .mlp_energy import EnergyModel

VERSION = 1  # of the stored file
_MEND = "run `perjoule study energy-model` again"


@dataclass(frozen=True)
class StoredEnergyModel:
    """A fitted model, and what it holds for.

    Raises:
        ValueError: The error is no amount.
    """

    machine: str  # identity of the machine (see ``energy.calibration.stored.machine_id``)
    processor: str  # in words
    fitted_at: str  # when its measurements began, in ISO 8601, UTC
    precision: str  # of the products of matrices, such as ``"float32"``
    meter: tuple[str, ...]  # ids of the sources that counted the joules
    versions: Mapping[str, str]  # of Python and libraries
    n_networks: int  # that it was fitted to
    held_out_error: float  # mean relative error on networks of shapes that it was not fitted to
    model: EnergyModel

    def __post_init__(self) -> None:
        if not 0 <= self.held_out_error < float("inf"):
            raise ValueError(f"held_out_error {self.held_out_error}")

    def to_dict(self) -> dict[str, Any]:
        """Plain data, fit for JSON."""
        return {"version": VERSION, **asdict(self), "meter": list(self.meter)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: It is something else.
        """
        given = dict(data)
        if (version := given.pop("version")) != VERSION:
            raise ValueError(f"version {version} of the file, not {VERSION}")
        model = EnergyModel(**given.pop("model"))
        return cls(**{**given, "meter": tuple(given["meter"])}, model=model)


def stored_file() -> Path:
    """Where this machine's model lies."""
    return home() / f"mlp-energy-{machine_id()}.json"


def save(found: StoredEnergyModel) -> Path:
    """Store a model for this machine in place of an older one; returns where.

    Raises:
        OutputError: The file cannot be written.
    """
    path, text = stored_file(), json.dumps(found.to_dict(), indent=2) + "\n"

    def write(part: Path) -> None:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")

    write_whole(path, write, mend="set PERJOULE_HOME to a folder of yours")
    return path


def load() -> StoredEnergyModel | None:
    """What is stored for this machine, None if there is nothing; warns of a file it cannot use."""
    try:
        path = stored_file()
    except OutputError:
        return None
    try:
        found = StoredEnergyModel.from_dict(read_json(read_text(path)))
        if found.machine != machine_id():
            raise ValueError("of another machine")
        return found
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, DataError) as error:
        message = f"{path} cannot be used ({type(error).__name__}: {error}): {_MEND}"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
        return None
