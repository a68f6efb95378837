"""What notebooks show: small tables and sentences, all in one look; and whether this is one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path


class Best(str):
    """A cell that stands out: the winner's."""

    __slots__ = ()


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Return a table as HTML; the first cell of a row names it, and all texts are texts.

    >>> table(["part", "joules"], [["cpu", Best("1 J")]])[-56:]
    '<td><b>1 J ★</b></td></tr></tbody></table>'
    """
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(map(_cell, cells))}</tr>'
        for name, *cells in rows
    )
    about = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{about}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def headed(head: str, text: str = "") -> str:
    """Return a paragraph that begins in bold."""
    return f"<p><b>{escape(head)}</b>{escape(text)}</p>"


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def preformatted(text: str) -> str:
    """Return a text whose lines are kept."""
    return f'<pre style="white-space: pre-wrap">{escape(text)}</pre>'


def sentences(notes: Iterable[str]) -> str:
    """Return sentences as a list; nothing where there are none."""
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<ul>{listed}</ul>" if listed else ""


def link(path: Path, text: str) -> str:
    """Return a paragraph that leads to a file: by the notebook's folder, if it lies in there."""
    path, here = path.absolute(), Path.cwd()
    address = path.relative_to(here).as_posix() if path.is_relative_to(here) else path.as_uri()
    shown = os.path.relpath(path) if path.is_relative_to(here) else str(path)
    return (
        f'<p><a href="{escape(address)}" target="_blank" rel="noopener">{escape(text)}</a>: '
        f"{escape(shown)}</p>"
    )


def is_notebook() -> bool:
    """Whether this code runs in a notebook's kernel, which shows more than text."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def _cell(text: str) -> str:
    return f"<td>{f'<b>{escape(text)} ★</b>' if isinstance(text, Best) else escape(text)}</td>"
