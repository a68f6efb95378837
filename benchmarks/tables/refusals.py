"""How a table is refused: a DataError of one line with file, row (from 1) and column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ...errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 40  # characters of a value or a name in a message
_LISTED = 400  # characters of all names in it


def distinct(names: Iterable[Any], where: str) -> None:
    """Refuse names that several columns share."""
    for name, count in Counter(names).items():
        if count > 1:
            raise DataError(f"{where}: {count} columns are called {short(name)!r}: rename one")


def check(values: pd.Series, bad: Any, words: str, where: str) -> None:
    """Refuse the first value that is bad, if there is one."""
    mask = np.asarray(bad, dtype=bool)
    if mask.any():
        refuse(values, int(mask.argmax()), words, where)


def refuse(values: pd.Series, at: int, words: str, where: str) -> NoReturn:
    """Say which value is wrong, and how."""
    raise DataError(
        f"{where}, row {at + 1}, column {short(values.name)}: {shown(values.iloc[at])} is {words}"
    )


def shown(value: Any) -> str:
    """A value in a message: quoted if it is text, cut short, on one line."""
    if isinstance(value, str):
        text = repr(value)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…{text[0]}"
    return short(value)


def no_text(where: str, error: UnicodeEncodeError) -> DataError:
    """The refusal of what no UTF-8 can hold."""
    return DataError(f"{where}: {error.object[:40]!a} is no text: mend it")


def short(name: Any) -> str:
    """A name in a message: cut short, on one line."""
    text = " ".join(str(name).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def listed(names: Iterable[Any]) -> str:
    """Names in a message, the first of many."""
    every = [short(name) for name in names]
    starts = [0, *accumulate(len(name) + 2 for name in every)]
    n = sum(start < _LISTED for start in starts[:-1])
    more = f" and {len(every) - n} more" if n < len(every) else ""
    return (", ".join(every[:n]) or "none") + more
