"""Reading a ledger of any length: many whole lines at a time, whose chain is unbroken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ...files.bounded import TABLE, open_file, too_large
from ...files.damage import damaged
from .chain import BrokenChainError, Link, read_chain

BLOCK = 8 << 20
"""Bytes that are read at a time."""


class Block(NamedTuple):
    """Some lines of a ledger."""

    events: list[bytes]  # the lines without their numbers
    links: list[Link]  # that before the first of them, and those of all of them
    end: int  # bytes of the file up to the end of the last one


def read_blocks(
    path: Path, offset: int = 0, last: Link | None = None, size: int = BLOCK
) -> Iterator[Block]:
    """The whole lines of a ledger from a place in it; a torn last one is left out.

    Args:
        path: The file.
        offset: Bytes of the lines that were read before.
        last: The link of the last of these; None if there are none.
        size: Bytes that are read at a time; a ledger of an earlier version, which begins with lines
            that have no number, is read as a whole.

    Raises:
        OSError: The file cannot be read.
        DataError: It is no file, or a line or an earlier version's ledger is too large.
        OutputError: A line is not the one that was written.
    """
    rest = b""
    with open_file(path) as file:
        file.seek(offset)
        while content := file.read(size):
            if len(rest) + len(content) > TABLE:
                raise too_large(path, offset + len(rest) + len(content), TABLE)
            *lines, torn = (rest + content).split(b"\n")
            if not lines or (last is None and not lines[0].startswith(b'{"n"')):
                rest += content
                continue
            yield (block := _block(path, lines, offset, last))
            offset, last, rest = block.end, block.links[-1], torn
        if lines := rest.split(b"\n")[:-1]:
            yield _block(path, lines, offset, last)


def _block(path: Path, lines: list[bytes], offset: int, last: Link | None) -> Block:
    try:
        events, links = read_chain(lines, last)
    except BrokenChainError as error:
        raise damaged(path, error, error.line) from error
    return Block(events, links, offset + sum(map(len, lines)) + len(lines))
