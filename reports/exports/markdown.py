"""The strategies' table in Markdown, and the finding as text to paste: all names escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...plain import printable
from .facts import Cost, Disclosed
from .results import Entry, Results, caption, results, sentences

if TYPE_CHECKING:
    from ...benchmarks.analysis.analysing import Analysis
    from ...benchmarks.tables.table import Table

_MARKS = re.compile(r"([\\`*_{}\[\]#|~!$])")
_ITEM = re.compile(r"^(\d*)([-+.)])(?=\s)")
"""What makes an item of a list of a line."""


def write(cost: Cost) -> Disclosed:
    """Return tables and text."""
    return Disclosed("markdown", markdown(cost.table, cost.analysis))


def markdown(table: Table, analysis: Analysis) -> str:
    """Return the finding, a table for each group, and what it cost."""
    first, *rest = sentences(table, analysis)
    tables = [_table(found) for found in results(analysis)]
    parts = [f"**{escape(first)}**", *tables, escape(caption(analysis)), escape(" ".join(rest))]
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Return a text in which each character stands for itself, HTML included."""
    plain = printable(" ".join(text.split()))
    marked = _ITEM.sub(r"\1\\\2", _MARKS.sub(r"\\\1", plain.replace("&", "&amp;")))
    return marked.replace("<", "&lt;").replace(">", "&gt;")


def _cell(entry: Entry) -> str:
    text = escape(f"{entry.text} ({entry.beside})" if entry.beside else entry.text)
    return f"**{text}**" if entry.won else text


def _table(found: Results) -> str:
    title = [f"{escape(found.title)}", ""] if found.title else []
    rules = [":--", *["--:"] * (len(found.heads) - 1)]
    rows = [[_cell(each) for each in row] for row in found.rows]
    lines = [list(map(escape, found.heads)), rules, *rows]
    return "\n".join([*title, *(f"| {' | '.join(line)} |" for line in lines)])
