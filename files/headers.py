"""Where the names of the columns are: below comments, behind a ``#``, or nowhere."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from .decoding import TextLine
from .records import Records, find_separator

_MOST_COMMENTS = 1_000
_SEPARATOR = re.compile(r"sep=(.)")
_DATE = re.compile(r"(\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}\.\d{1,2}\.\d{4})([ T].*)?")
_NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?( ?([a-zA-Zµμ]{1,4}|%|\[.*\]))?")
_DMON = re.compile(r"#\s*(.*\s)?(gpu|time),?\s", re.IGNORECASE)  # of `nvidia-smi dmon`


class Header(NamedTuple):
    """The names of the columns, and the lines that are still to be read."""

    names: list[str]  # or the cells of the first row, where there is no header
    written: list[str]  # the same as they stand there
    units: list[str]  # the line below, where it is one of units; else empty
    separator: str | None  # None: spaces
    line: int  # where it is, from 1
    rest: Iterator[TextLine]  # what follows
    first: TextLine | None = None  # the first row, where it stands in place of a header


def find_header(lines: Iterator[TextLine]) -> Header:
    """Find the header in the first lines of a file; one without names if it is empty."""
    separator, comments = "", deque[TextLine](maxlen=_MOST_COMMENTS)
    for line in lines:
        text = line.text.strip()
        if match := _SEPARATOR.fullmatch(text):
            separator = match[1]
        elif not text:
            continue
        elif text.startswith("#"):
            comments.append(line)
            if _DMON.match(f"{text} ") and (following := next(lines, None)) is not None:
                return _dmon(line, following, lines)
        else:
            return _found(line, lines, separator or find_separator(line.text), comments)
    if comments:  # a header without rows, or comments alone
        return _commented(comments[-1], iter(()), find_separator(comments[-1].text))
    return Header([], [], [], ",", 1, iter(()))


def looks_like_data(cells: list[str]) -> bool:
    """Whether a row holds dates or numbers, so that it is no header."""
    return any(_NUMBER.fullmatch(cell) or is_date(cell) for cell in cells)


def is_date(cell: str) -> bool:
    """Whether a cell begins with a date."""
    return _DATE.fullmatch(cell) is not None


def _found(
    line: TextLine, lines: Iterator[TextLine], separator: str, comments: deque[TextLine]
) -> Header:
    records = Records(chain([line], lines), separator)
    record = next(iter(records))
    cells, rest = record.cells, records.rest
    if record.flaw or not looks_like_data(cells):
        return Header(cells, cells, [], separator, line.number, rest)
    for comment in reversed(comments):
        spaced = len(cells) == 1 and len(line.text.split()) > 1
        header = _commented(comment, chain([line], rest), None if spaced else separator)
        if len(header.names) == (len(line.text.split()) if spaced else len(cells)):
            return header
    return Header(cells, cells, [], separator, line.number, rest, line)


def _commented(line: TextLine, rest: Iterator[TextLine], separator: str | None) -> Header:
    """A header behind a ``#``."""
    written = [cell.strip() for cell in line.text.split(separator)]
    names = [cell.strip() for cell in line.text.strip().removeprefix("#").split(separator)]
    return Header(names, written, [], separator, line.number, rest)


def _dmon(line: TextLine, following: TextLine, lines: Iterator[TextLine]) -> Header:
    """The two lines of ``nvidia-smi dmon``: names, and units that belong to them."""
    separator = "," if "," in line.text else None
    header = _commented(line, chain([following], lines), separator)
    if not following.text.strip().startswith("#"):
        return header
    units = _commented(following, lines, separator)
    if len(units.names) != len(header.names):
        return header
    names = [
        f"{name} [{unit}]" if unit in {"W", "mW"} else name
        for name, unit in zip(header.names, units.names, strict=True)
    ]
    return Header(names, header.written, units.written, separator, line.number, lines)
