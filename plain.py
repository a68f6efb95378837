"""JSON of anybody's, as plain values, and text of anybody's, as a line for people.

Nothing in them runs, a small text stays small, and no level of it is too deep for who reads on.
"""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any

DEEPEST = 64
"""Levels of lists and mappings in each other."""
MOST_DIGITS = 4_000
"""Digits of a whole number of JSON; a larger one is read as a float, which is infinite."""


def read_json(text: str | bytes) -> Any:
    """Read one JSON document, also with NaN and infinities in it, as Python writes them.

    >>> read_json('{"low": 1}')
    {'low': 1}

    Raises:
        ValueError: It is no JSON, or is too deep.
    """
    deep = f"more than {DEEPEST} levels in each other"
    try:
        value = json.loads(text, parse_int=_whole_number)
    except RecursionError as error:
        raise ValueError(deep) from error
    if isinstance(value, dict | list) and _is_deep(value):
        raise ValueError(deep)
    return value


def printable(text: str) -> str:
    """Text in which nothing steers a terminal: on one line, every character for itself.

    >>> printable(f"caf{chr(233)}{chr(27)}")[:4]
    'café'
    """
    if text.isprintable():
        return text
    return "".join(
        each
        if each.isprintable() or unicodedata.category(each) == "Zs"
        else each.encode("unicode_escape").decode("ascii")
        for each in text
    )


def is_finite_number(value: Any) -> bool:
    """Whether it is a number that a float can hold.

    >>> is_finite_number(3), is_finite_number(True), is_finite_number(10**400)
    (True, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _whole_number(digits: str) -> float:
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)


def _is_deep(value: Any) -> bool:
    """Whether lists and mappings stand in more levels than `DEEPEST`."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            each
            for part in level
            for each in (part.values() if isinstance(part, dict) else part)
            if isinstance(each, dict | list)
        ]
    return bool(level)
