"""What was calibrated on this machine, one JSON file; light, since every meter reads it."""

from __future__ import annotations

import functools
import json
import math
import os
import sys
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ...errors import DataError, OutputError
from ...files.bounded import read_text
from ...files.writing import write_whole
from ...plain import read_json

VERSION = 1  # of the stored file


@dataclass(frozen=True)
class IdlePower:
    """What a source draws while the machine is idle."""

    power_w: float  # mean power
    spread_w: float  # standard deviation of the power among parts of the time
    duration_s: float  # how long it was measured
    busy_cores: float  # cores that were busy all the same, on average
    measured_at: str  # when, in ISO 8601, UTC

    def __post_init__(self) -> None:
        _check_amounts(self.power_w, self.spread_w, self.duration_s, self.busy_cores)


@dataclass(frozen=True)
class CpuFit:
    """Power of the machine as idle power plus watts per busy core."""

    watts_per_core: float  # power that one busy core adds
    idle_w: float  # power of the reference without any busy core, by the fit
    residual: float  # relative error of the joules that ``watts_per_core`` gives (see ``fit``)
    n_windows: int  # how many windows were fitted
    reference: str  # whose joules were taken for true, such as ``"rapl:package-0"``
    detail: str  # one line for people about the reference
    fitted_at: str  # when, in ISO 8601, UTC

    def __post_init__(self) -> None:
        _check_amounts(self.watts_per_core, self.idle_w, self.residual, self.n_windows)
        if self.watts_per_core == 0:
            raise ValueError("a busy core of no watts")


@dataclass(frozen=True)
class Calibration:
    """What is known of a machine."""

    machine: str  # its identity (see ``machine_id``)
    description: str  # the machine in words
    calibrated_at: str  # when something was last added, in ISO 8601, UTC
    idle_w: Mapping[str, IdlePower] = field(default_factory=dict)  # idle power by source id
    cpu: CpuFit | None = None  # what a busy core draws; None if not calibrated

    def idle_power_w(self, source_id: str) -> float | None:
        """Mean idle power of a source in watts, None if it was not measured."""
        idle = self.idle_w.get(source_id)
        return None if idle is None else idle.power_w


def load_calibration() -> Calibration | None:
    """What is stored for this machine, None if there is nothing; warns of a file it cannot use."""
    try:
        if not os.path.isdir(home()):  # noqa: PTH112 - never raises; nothing was ever calibrated
            return None
        file = calibration_file()
    except OutputError:
        return None
    try:
        return _parse(read_text(file))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, DataError) as error:
        message = (
            f"{file} cannot be used, so nothing is taken as calibrated "
            f"({type(error).__name__}: {error}): run `perjoule calibrate` again"
        )
        warnings.warn(message, RuntimeWarning, stacklevel=2)
        return None


def save_calibration(new: Calibration) -> Calibration:
    """Store a calibration, keep what it lacks from before, and return all that is stored now."""
    old = load_calibration()
    if old is not None:
        new = replace(new, idle_w={**old.idle_w, **new.idle_w}, cpu=new.cpu or old.cpu)

    def write(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as out:
            json.dump({"version": VERSION, **asdict(new)}, out, indent=2)
            out.flush()
            os.fsync(out.fileno())

    write_whole(calibration_file(), write, mend="set PERJOULE_HOME to a folder of yours")
    return new


def calibration_file() -> Path:
    """Where this machine's calibration lies."""
    return home() / f"calibration-{machine_id()}.json"


def home(environ: Mapping[str, str] = os.environ, system: str = sys.platform) -> Path:
    """The folder of calibrations: ``$PERJOULE_HOME``, or the system's own for configuration."""
    if given := environ.get("PERJOULE_HOME"):
        return Path(given)
    variable = {"win32": "APPDATA", "darwin": ""}.get(system, "XDG_CONFIG_HOME")
    if given := environ.get(variable):
        return Path(given) / "perjoule"
    usual = {"win32": "AppData/Roaming", "darwin": "Library/Application Support"}
    try:
        return Path.home() / usual.get(system, ".config") / "perjoule"
    except RuntimeError as error:
        raise OutputError("this user has no home folder: set PERJOULE_HOME to a folder") from error


@functools.cache
def machine_id() -> str:
    """A machine's identity, the same after a restart (hashed: see ``identify``)."""
    import platform

    return identify(Path("/etc/machine-id"), platform.node(), os.cpu_count() or 1)


def identify(id_file: Path, host: str, n_processors: int) -> str:
    """Hash the system's own identity, where it has one, with the host's name and its processors."""
    try:
        given = id_file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        given = ""
    import hashlib  # half of the time that loading takes
    import platform

    words = "\n".join(["perjoule", given, host, platform.machine(), str(n_processors)])
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def now_utc() -> str:
    """The present time in ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _parse(text: str) -> Calibration:
    data = read_json(text)
    if (version := data.pop("version")) != VERSION:
        raise ValueError(f"version {version} of the file, not {VERSION}")
    if data["machine"] != machine_id():
        raise ValueError("of another machine")
    data["idle_w"] = {name: IdlePower(**idle) for name, idle in data["idle_w"].items()}
    data["cpu"] = None if data["cpu"] is None else CpuFit(**data["cpu"])
    return Calibration(**data)


def _check_amounts(*amounts: float) -> None:
    if not all(math.isfinite(amount) and amount >= 0 for amount in amounts):
        raise ValueError(f"{amounts} are not all amounts")
