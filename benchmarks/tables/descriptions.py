"""What is known of the experiment behind a table: its ``experiment.yaml``.

The statistics of the data, two numbers a feature, are JSON text within the YAML: many values of
YAML are read slowly, and refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...files.bounded import STATISTICS, read_text
from ...files.writing import write_whole
from ...plain import read_json

_STATISTICS = "normalisation"
_PARTS = {  # parts that have parts of their own
    **dict.fromkeys(("experiment", "space", "data", "machine", "versions", "runtime"), dict),
    **dict.fromkeys(("meter", "by", "notes", "params"), list),
}


def description_path(path: Path) -> Path | None:
    """Where the description of a table is kept; None for Parquet, whose metadata hold it."""
    if path.stem == "trials":
        return path.with_name("experiment.yaml")
    return None if path.suffix == ".parquet" else path.with_name(f"{path.stem}.experiment.yaml")


def read_description(path: Path | None) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Read a description, if the file is there; a note says if it is damaged."""
    if path is None or not path.exists():
        return None, ()
    try:
        return valid_parts(from_yaml(read_text(path, STATISTICS))), ()
    except (OSError, ValueError):  # it only informs: the trials are whole
        return None, (f"{path} is damaged: what it says of the experiment is left out.",)


def valid_parts(stated: Any) -> dict[str, Any] | None:
    """A description without the parts that are of the wrong type: anyone may have written it."""
    if not isinstance(stated, dict):
        return None
    known = {n: part for n, part in stated.items() if isinstance(part, _PARTS.get(n, object))}
    for name, kind in (("meter", dict), ("by", str), ("notes", str), ("params", str)):
        if name in known:
            known[name] = [each for each in known[name] if isinstance(each, kind)]
    return known


def write_description(description: Mapping[str, Any], path: Path) -> None:
    """Write a description as YAML, whole or not at all; an OutputError if it cannot be written."""
    text = to_yaml(json.loads(to_json(description)))
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def is_description(path: Path, description: Mapping[str, Any] | None) -> bool:
    """Whether a file says the same as a description, whatever notes either has."""
    said, given = ({**(each or {})} for each in (read_description(path)[0], description))
    for each in (said, given):
        each.pop("notes", None)
    return json.loads(to_json(said)) == json.loads(to_json(given))


def to_yaml(description: Mapping[str, Any]) -> str:
    """A description of plain values as YAML."""
    data = description.get("data")
    if isinstance(data, dict) and isinstance(data.get(_STATISTICS), dict):
        told = json.dumps(data[_STATISTICS], separators=(",", ":"))
        description = {**description, "data": {**data, _STATISTICS: told}}
    from ...files.yaml_text import write_yaml  # whose library a command's help needs not

    return write_yaml(description)


def from_yaml(text: str) -> Any:
    """What ``to_yaml`` gave, or an earlier version, which wrote statistics as YAML too.

    Raises:
        ValueError: It is broken, or has too many values.
    """
    from ...files.yaml_text import read_yaml

    stated = read_yaml(text)
    data = stated.get("data") if isinstance(stated, dict) else None
    if isinstance(data, dict) and isinstance(data.get(_STATISTICS), str):
        data[_STATISTICS] = read_json(data[_STATISTICS])
    return stated


def to_json(description: Mapping[str, Any] | None) -> str:
    """A description as JSON."""
    return json.dumps(description, default=str)


def facts_of(description: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a description says of all trials: its experiment's values, machine and device."""
    experiment, machine, runtime = (
        part if isinstance(part, dict) else {}
        for part in map((description or {}).get, ("experiment", "machine", "runtime"))
    )
    device = experiment.get("device") or runtime.get("device")
    found = {**experiment, "device": device, "machine": machine.get("cpu")}
    return {n: v for n, v in found.items() if isinstance(v, str | int | float | bool)}
