"""The small arithmetic of ``--map``: columns and numbers above 0 with ``+ - * / ( )``.

Nothing is evaluated as code. A name may hold anything: of the columns that there are, the longest
that fits is taken, and one in double quotes is taken as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ...errors import DataError
from .refusals import listed, short

LONGEST = 2_000  # characters of an expression
_DEEPEST = 20  # parentheses within each other
_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?!\w)", re.ASCII)
_OPERATOR = re.compile(r"[-+*/()]")
_HOW = "write names and numbers above 0 with + - * / ( ), as in (gpu_wh+cpu_wh)*3600"


@dataclass(frozen=True)
class Column:
    """A column of the table, by its name there."""

    name: str


@dataclass(frozen=True)
class Chain:
    """Parts that are added and subtracted, or multiplied and divided, from left to right."""

    parts: tuple[tuple[str, Expression], ...]  # the sign before each, of the first ``+`` or ``*``


Expression = Column | float | Chain


def parse(text: str, known: Mapping[str, str], refused: str, what: str = "column") -> Expression:
    """Read an expression.

    Args:
        text: What is written behind ``TARGET=``.
        known: What columns may be called, and their names in the table.
        refused: What a refusal begins with.
        what: What a name is of, for messages.

    Raises:
        DataError: It names no column, or is no expression.
    """
    plain = text.replace('"', "")
    if plain in known:
        return Column(known[plain])
    if len(text) > LONGEST:
        raise DataError(f"{refused}: longer than {LONGEST:,} characters")
    found = _Parser(text, known, refused, what).read()
    if next(columns(found), None) is None:
        raise DataError(f"{refused}: names no {what}: {_HOW}")
    return found


def columns(expression: Expression) -> Iterator[str]:
    """The columns that it is made of, each as often as it is there."""
    if isinstance(expression, Column):
        yield expression.name
    elif isinstance(expression, Chain):
        for _, part in expression.parts:
            yield from columns(part)


def evaluate(expression: Expression, read: Callable[[str], Any]) -> tuple[Any, np.ndarray | bool]:
    """The values, NaN where a part is unknown; and where a product of amounts became 0.

    ``read`` gives the numbers of a column, or a single one.
    """
    if isinstance(expression, Column):
        return read(expression.name), False
    if not isinstance(expression, Chain):
        return expression, False
    (_, first), *others = expression.parts
    found, lost = evaluate(first, read)
    with np.errstate(all="ignore"):
        for sign, part in others:
            other, also = evaluate(part, read)
            lost = lost | also
            if sign in "+-":
                found = found + other if sign == "+" else found - other
                continue
            before = (found != 0) & ((other != 0) | (sign == "/"))
            found = found * other if sign == "*" else np.true_divide(found, other)
            lost = lost | np.asarray(before & (found == 0))
    return found, lost


class _Parser:
    """One expression being read, by recursive descent."""

    def __init__(self, text: str, known: Mapping[str, str], refused: str, what: str) -> None:
        self._text, self._known, self._refused, self._what = text, known, refused, what
        self._by_length = sorted(filter(None, known), key=len, reverse=True)
        self._at = self._depth = 0

    def read(self) -> Expression:
        found = self._chain("+-")
        if self._peek():
            self._fail(f"{short(self._text[self._at :])!r} is not expected there")
        return found

    def _chain(self, signs: str) -> Expression:
        """Parts between the signs; those of a sum are products."""
        read = self._operand if signs == "*/" else lambda: self._chain("*/")
        parts = [(signs[0], read())]
        while (sign := self._peek()) and sign in signs:
            self._at += 1
            parts.append((sign, read()))
        return parts[0][1] if len(parts) == 1 else Chain(tuple(parts))

    def _operand(self) -> Expression:
        start = self._peek()
        if start == '"':
            name, _, _ = self._text[self._at + 1 :].partition('"')
            self._at += len(name) + 2
            return self._column(name.strip())
        name = next(filter(self._is_here, self._by_length), "")
        number = _NUMBER.match(self._text, self._at)
        if number and len(number[0]) >= len(name):
            self._at = number.end()
            return self._number(number[0])
        if name:
            self._at += len(name)
            return self._column(name)
        if start == "(":
            return self._parentheses()
        if not start or _OPERATOR.match(start):
            self._fail(f"a name or a number is missing {f'before {start}' if start else ''}")
        return self._column(_OPERATOR.split(self._text[self._at :], maxsplit=1)[0].strip())

    def _parentheses(self) -> Expression:
        self._at, self._depth = self._at + 1, self._depth + 1
        if self._depth > _DEEPEST:
            self._fail(f"more than {_DEEPEST} parentheses within each other")
        found = self._chain("+-")
        if self._peek() != ")":
            self._fail("a parenthesis is opened and never closed")
        self._at, self._depth = self._at + 1, self._depth - 1
        return found

    def _is_here(self, name: str) -> bool:
        """Whether a column's name stands here, and an operator or the end behind it."""
        behind = self._text[self._at + len(name) :].lstrip()
        return self._text.startswith(name, self._at) and (not behind or behind[0] in "+-*/)")

    def _column(self, name: str) -> Column:
        if name not in self._known:
            among = listed(dict.fromkeys(self._known.values()))
            self._fail(f"no {self._what} {short(name)} among {among}")
        return Column(self._known[name])

    def _number(self, text: str) -> float:
        number = float(text)
        if not 0 < number < np.inf:
            raise DataError(f"{self._refused}: {text} is no factor: give a number above 0")
        return number

    def _peek(self) -> str:
        """The next character that is no space; empty at the end."""
        rest = self._text[self._at :]
        self._at += len(rest) - len(rest.lstrip())
        return self._text[self._at : self._at + 1]

    def _fail(self, words: str) -> NoReturn:
        raise DataError(f"{self._refused}: {words.strip()}; {_HOW}")
