"""The lines of a ledger as a chain: each has its number and a sum over itself and all before it.

    {"n": 3, "sum": "6f0c54b2a1d3e987", "event": "slice", …}

So a line that was changed, repeated, removed, added or moved is told from the others. Ledgers of
earlier versions begin with lines that have neither; the first line that has them sums those up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

_LINE = re.compile(rb'\{"n": (\d{1,15}), "sum": "([0-9a-f]{16})", ("event".*\})', re.DOTALL)


class BrokenChainError(ValueError):
    """A line is not the one that was written there.

    Args:
        line: Its number in the file, from 1.
        why: What is wrong with it.
    """

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


@dataclass(frozen=True)
class Link:
    """A line of the chain: all that the next one needs to know."""

    n: int  # its number in the file, from 1; 0 is before the first
    sum: str

    def next(self, event: bytes) -> tuple[bytes, Link]:
        """Make the next line, without its end, of an event that is a JSON object."""
        link = Link(self.n + 1, _sum(self.sum, self.n + 1, event[1:]))
        return b'{"n": %d, "sum": "%s", %s' % (link.n, link.sum.encode(), event[1:]), link


def read_chain(lines: Sequence[bytes], last: Link | None = None) -> tuple[list[bytes], list[Link]]:
    """The events of the lines, and the links: that before the first, then one for each line.

    Args:
        lines: All lines of a ledger, or those that came after the last one that was read.
        last: The link of that one; None reads from the beginning.

    Raises:
        BrokenChainError: A line was changed, repeated, removed, added or moved.
    """
    found = [_LINE.fullmatch(line) for line in lines]
    before = 0 if last is None else last.n
    numbers = [int(match[1]) if match else None for match in found]
    n_old = 0
    if last is None:
        n_old = next((at for at, number in enumerate(numbers) if number is not None), len(lines))
    links = _unnumbered(lines[:n_old]) if last is None else [last]
    events = list(lines[:n_old])
    for at, match in enumerate(found[n_old:], before + n_old + 1):
        if match is None:
            raise BrokenChainError(at, "not as perjoule wrote it: it has no number")
        if numbers[at - before - 1] != at:
            raise BrokenChainError(at, _disorder([*range(1, before + 1), *numbers], at))
        link = Link(at, match[2].decode())
        if _sum(links[-1].sum, at, match[3]) != link.sum:
            was = f"one of the {n_old} lines before it" if at == n_old + 1 > 1 else "it"
            raise BrokenChainError(at, f"{was} was changed after it was written")
        links.append(link)
        events.append(b"{" + match[3])
    return events, links


def _unnumbered(lines: Sequence[bytes]) -> list[Link]:
    digest = blake2b(digest_size=8)
    links = [Link(0, digest.hexdigest())]
    for n, line in enumerate(lines, 1):
        digest.update(line + b"\n")
        links.append(Link(n, digest.hexdigest()))
    return links


def _sum(before: str, n: int, rest: bytes) -> str:
    return blake2b(b"%s %d " % (before.encode(), n) + rest, digest_size=8).hexdigest()


def _disorder(numbers: Sequence[int | None], at: int) -> str:
    """Say what is wrong with a line that has another number than its own; all before are right."""
    number = numbers[at - 1]
    assert number is not None
    if number < at:
        return f"it repeats line {number}"
    if at in numbers:
        return f"it was line {number}, and line {at} stands at {numbers.index(at) + 1}: moved"
    missing = f"line {at} is" if number == at + 1 else f"lines {at} to {number - 1} are"
    return f"{missing} missing before it"
