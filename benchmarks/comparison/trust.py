"""What an experiment names that is run or read here, and whether a folder may have it so.

A folder that somebody else made may name any code, file or host. What its user did not name again
is run or read only if they trust it, or if they wrote it: a folder bears a mark of its experiment,
made with a secret of this user's on this machine (HMAC-SHA-256, RFC 2104).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...energy.calibration.stored import home
from ...errors import ConfigurationError, OutputError
from ...models.data.registry import SCHEMES
from ...models.networks.registry import imports_code

SECRET = "secret"
"""The file of a user's secret, beside the calibration."""
SECRET_BYTES = 32
OURS = ("perjoule", "optuna")
"""Packages whose code is no user's own."""
_FIELDS = ("objective", "architecture", "dataset", "strategies", "meter")


def named_code(values: Mapping[str, Any]) -> list[str]:
    """The ``module:attribute`` texts of an experiment in plain values, or of a study's options."""
    names = [values.get("objective"), *(values.get("strategies") or ())]
    if imports_code(values.get("architecture") or ""):
        names.append(values["architecture"])
    names += [each for each in _data_sets(values) if each.partition(":")[0] not in SCHEMES]
    return [name for name in names if name is not None and ":" in name]


def runs_own_code(values: Mapping[str, Any]) -> bool:
    """Whether a user's own code would run: it may end the process that it runs in."""
    return any(is_own(name) for name in named_code(values))


def is_own(name: str) -> bool:
    """Whether a name is of a user's own code.

    >>> is_own("tpe"), is_own("optuna.samplers:TPESampler"), is_own("mine:Strategy(3)")
    (False, False, True)
    """
    return ":" in name and name.partition(":")[0].partition(".")[0].strip() not in OURS


def check_trusted(
    folder: Path,
    values: Mapping[str, Any],
    mark: Any,
    *,
    trust: bool,
    given: Collection[str] = (),
) -> None:
    """Make sure that what a folder names may be run and read here.

    Args:
        folder: The folder.
        values: The experiment or the options in it, in plain values.
        mark: What the folder says is their mark.
        trust: Whether its user trusts it.
        given: Fields that the user named now.

    Raises:
        ConfigurationError: It may not; the message lists what would be.
    """
    if trust or is_marked(values, mark):
        return
    left = {name: values.get(name) for name in _FIELDS if name not in given}
    code, places = named_code(left), _places(left, folder)
    if code or places:
        would = [f"import {', '.join(map(repr, code))}"] if code else []
        would += [f"read {', '.join(map(repr, places))}"] if places else []
        raise ConfigurationError(
            f"{folder} bears no mark that you made it on this machine, and would "
            f"{' and '.join(would)}: if you know who wrote it, add --trust (in Python trust=True)"
        )


def make_mark(values: Mapping[str, Any]) -> str | None:
    """The mark of an experiment that this user makes; None where no secret can be kept."""
    try:
        secret = _secret(make=True)
    except (OSError, OutputError):
        return None
    return None if secret is None else _mark(secret, values)


def is_marked(values: Mapping[str, Any], mark: Any) -> bool:
    """Whether this user made the mark of these values on this machine."""
    try:
        secret = _secret(make=False)
        return (
            secret is not None
            and isinstance(mark, str)
            and hmac.compare_digest(_mark(secret, values).encode(), mark.encode())
        )
    except (OSError, OutputError, TypeError, ValueError):  # of values of anybody's
        return False


def _mark(secret: bytes, values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, default=str)
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def _secret(*, make: bool) -> bytes | None:
    """This user's secret; None if there is none and none shall be made."""
    file = home() / SECRET
    if make and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another process was faster
            part = file.with_name(f"{SECRET}.{os.getpid()}")
            part.touch(mode=0o600, exist_ok=False)
            try:
                part.write_bytes(secrets.token_bytes(SECRET_BYTES))
                file.hardlink_to(part)  # whole or not at all, and never over another
            finally:
                part.unlink()
    with suppress(FileNotFoundError, NotADirectoryError):
        found = file.read_bytes()
        return found if len(found) >= SECRET_BYTES else None
    return None


def _data_sets(values: Mapping[str, Any]) -> list[str]:
    return str(values.get("dataset") or "").split("+")


def _places(values: Mapping[str, Any], folder: Path) -> list[str]:
    """Files outside the folder and hosts that an experiment's data and meter are read from."""
    found = []
    for name in _data_sets(values):
        scheme, _, rest = name.partition(":")
        if scheme in ("npz", "image-folder") and not _is_inside(rest.partition("?")[0], folder):
            found.append(name)
    for source in (values.get("meter") or "").split(","):
        kind, _, rest = source.strip().partition(":")
        if kind in ("http", "shelly", "tasmota") or (
            kind == "recorded" and not _is_inside(rest, folder)
        ):
            found.append(source.strip())
    return found


def _is_inside(path: str, folder: Path) -> bool:
    try:
        return Path(path).expanduser().resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False
