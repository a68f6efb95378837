"""Texts of the program as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import dedent

GENERATED = "<!-- Made from the program by `make reference`: change it there. -->\n"
_INDENTED = re.compile(r"^ {4}", re.MULTILINE)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(each) for each in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: str) -> str:
    """A word of the program."""
    return f"`{text}`"


def from_docstring(text: str) -> Iterator[str]:
    """The blocks of a docstring: examples and formulas fenced, its marks those of Markdown."""
    for block in _blocks(text):
        if block.lstrip().startswith(">>> "):
            yield f"```pycon\n{dedent(block)}\n```"
        elif _INDENTED.match(block):
            yield f"```text\n{dedent(block)}\n```"
        else:
            yield block.replace("``", "`")


def _blocks(text: str) -> Iterator[str]:
    """Paragraphs, and runs of indented paragraphs or of examples as one."""
    held: list[str] = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        kind = _kind(block)
        if held and (kind != _kind(held[-1]) or kind == "text"):
            yield "\n\n".join(held)
            held = []
        held.append(block)
    yield "\n\n".join(held)


def _kind(block: str) -> str:
    if block.lstrip().startswith(">>> "):
        return "example"
    return "code" if _INDENTED.match(block) else "text"
