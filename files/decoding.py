"""Lines of text files of any habit: UTF-8, UTF-16 and Windows' own encoding, line by line.

A file is never held whole. Each line is decoded for itself where one byte is one letter, since
files are appended to each other, and PowerShell's ``>>`` appends UTF-16 to what is none.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import AnyStr, NamedTuple

from ..errors import DataError
from .bounded import open_file, unreadable

_BLOCK = 1 << 16  # bytes that are read at a time
_LONGEST = 1 << 24  # letters a line may have
_OTHER_FORMATS = {
    b"\x1f\x8b": "is compressed: unpack it",
    b"PK\x03\x04": "is a workbook or an archive: save the table in it as CSV",
    b"PAR1": "is Parquet: give it the ending .parquet",
    b"SQLite format 3\0": "is a database: save the table in it as CSV",
}
_WIDE = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ZEROS = re.compile(b"\0{2,}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SHARE = 0.9  # of letter pairs of UTF-16 without a mark whose second byte is zero
WINDOWS = "Windows' encoding (cp1252)"
UTF16 = "UTF-16"


class TextLine(NamedTuple):
    """One line of a file."""

    number: int  # from 1
    text: str  # without its end; zero bytes before it are left off, others are in it
    end: str  # ``"\\n"``, ``"\\r\\n"`` or ``"\\r"``; empty where the file ends within the line
    after_hole: bool = False  # whether zero bytes stand before it, which may have been rows
    encoding: str = ""  # what it is in, unless that is UTF-8


def read_lines(path: str | Path) -> Iterator[TextLine]:
    """Read a file line by line.

    Raises:
        DataError: It cannot be read, or is no text.
    """
    try:
        with open_file(path) as file:
            blocks = iter(lambda: file.read(_BLOCK), b"")
            first = next(blocks, b"")
            for magic, words in _OTHER_FORMATS.items():
                if first.startswith(magic):
                    raise DataError(f"{path} {words}")
            yield from _lines(path, first, blocks)
    except (OSError, ValueError) as error:
        raise unreadable(path, error, "give a table of text") from error


def is_binary(text: str) -> bool:
    """Whether a line holds what no text does."""
    return _CONTROL.search(text) is not None


def _lines(path: str | Path, first: bytes, blocks: Iterator[bytes]) -> Iterator[TextLine]:
    wide = _wide_encoding(first)
    if wide:
        decoder = codecs.getincrementaldecoder(wide)(errors="replace")
        texts = (decoder.decode(block) for block in chain([first], blocks))
        for number, (text, end) in enumerate(_split(path, texts, "\n", "\r", ""), 1):
            yield TextLine(number, text.removeprefix("\ufeff"), end, encoding=UTF16)
        return
    thinned = _thin_out(path, chain([first], blocks))
    for number, (raw, end) in enumerate(_split(path, thinned, b"\n", b"\r", b""), 1):
        yield _decoded(number, raw, end.decode())


def _thin_out(path: str | Path, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks with one zero byte for each hole."""
    n_zeros = 0
    for block in blocks:
        thinned = _ZEROS.sub(b"\0", block)
        n_zeros = n_zeros + len(block) if thinned == b"\0" else 0
        if n_zeros > _LONGEST:
            raise DataError(f"{path}: a hole of more than {_LONGEST:,} zero bytes: is it a table?")
        yield thinned


def _wide_encoding(first: bytes) -> str:
    """UTF-16 or UTF-32 by the mark at the beginning, or UTF-16 by its zero bytes; else nothing."""
    for mark, name in _WIDE.items():
        if first.startswith(mark):
            return name
    pairs = [pair for pair in zip(first[::2], first[1::2], strict=False) if pair != (0, 0)]
    if len(pairs) < 4 or b"\0" not in first:
        return ""
    for name, zero in (("utf-16-le", 1), ("utf-16-be", 0)):
        fitting = sum(pair[zero] == 0 and pair[1 - zero] != 0 for pair in pairs)
        if fitting >= _SHARE * len(pairs):
            return name
    return ""


def _split(
    path: str | Path, blocks: Iterator[AnyStr], feed: AnyStr, back: AnyStr, nothing: AnyStr
) -> Iterator[tuple[AnyStr, AnyStr]]:
    """Lines and their ends; a carriage return alone ends them where no line feed comes first."""
    rest, end = nothing, None
    for block in blocks:
        if end is None:
            end = back if back in block and feed not in block else feed
        *whole, rest = (rest + block).split(end)
        for line in whole:
            if end == feed and line.endswith(back):
                yield line[:-1], back + feed
            else:
                yield line, end
        if len(rest) > _LONGEST:
            raise DataError(f"{path}: a line of more than {_LONGEST:,} letters: is it a table?")
    if rest:
        yield rest, nothing


def _decoded(number: int, raw: bytes, end: str) -> TextLine:
    after_hole, encoding = False, ""
    if b"\0" in raw:
        inner = raw.removeprefix(b"\0").removeprefix(codecs.BOM_UTF16_LE).strip(b"\0")
        if len(inner) > 2 and not any(inner[1::2]) and all(inner[::2]):
            return TextLine(number, inner[::2].decode("latin-1").rstrip("\r"), end, encoding=UTF16)
        after_hole = raw.startswith(b"\0")
        raw = raw.lstrip(b"\0")
    elif raw.startswith(codecs.BOM_UTF16_LE):
        raw = raw.removeprefix(codecs.BOM_UTF16_LE)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text, encoding = raw.decode("cp1252", errors="replace"), WINDOWS
    return TextLine(number, text.removeprefix("\ufeff"), end, after_hole, encoding)
