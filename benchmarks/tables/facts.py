"""Facts as plain data: frozen dataclasses to and from what JSON, YAML and Parquet hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from ...errors import DataError

T = TypeVar("T")
MOST_SHOWN = 200
"""Characters of a wrong value, and of what is wrong with it, that are shown."""


class Fact:
    """Base of the frozen dataclasses that are written to files; the name of a field is its key.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Hit(Fact):
    ...     run: str
    ...     energy_j: float | None = None
    >>> Hit("tpe-0", 4.2).to_dict()
    {'run': 'tpe-0', 'energy_j': 4.2}
    >>> Hit.from_dict({"run": "tpe-0", "energy_j": None})
    Hit(run='tpe-0', energy_j=None)
    """

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, fit for JSON."""
        return _adapter(type(self)).dump_python(self, mode="json")

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read what ``to_dict`` wrote; keys that this version does not know are passed over.

        Raises:
            DataError: A key is missing, or a value cannot be; the message names it.
        """
        try:
            return _adapter(cls).validate_python(data)
        except ValidationError as error:
            raise DataError(first_fault(error)) from error

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read JSON that ``to_dict`` wrote, as ``from_dict`` does; no value is made to fit.

        Raises:
            DataError: It is no JSON, a key is missing, or a value cannot be; the message names it.
        """
        try:
            return _adapter(cls).validate_json(text, strict=True)
        except ValidationError as error:
            raise DataError(first_fault(error)) from error


def read_fact(kind: type[T], data: Any) -> T | None:
    """Read a dataclass from plain data that anybody may have written; None if it is none."""
    try:
        return _adapter(kind).validate_python(data)
    except ValidationError:
        return None


def finite(data: Any) -> Any:
    """Return the same plain data with None for numbers that JSON does not have (NaN, infinite)."""
    if isinstance(data, Mapping):
        return {str(key): finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def first_fault(error: ValidationError) -> str:
    """Say in one line what is wrong with data, and where in it."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the data"
    given, why = _short(repr(first["input"])), _short(first["msg"].removeprefix("Value error, "))
    return f"{where} = {given}: {why}"


def _short(text: str) -> str:
    return f"{text[:MOST_SHOWN]} …" if len(text) > MOST_SHOWN else text


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
