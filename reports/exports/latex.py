"""The strategies' table with booktabs, and the finding as text to paste: all names escaped."""

from __future__ import annotations

import re
from textwrap import wrap
from typing import TYPE_CHECKING

from ...plain import printable
from .facts import Cost, Disclosed
from .results import Entry, Results, caption, results, sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...benchmarks.analysis.analysing import Analysis
    from ...benchmarks.tables.table import Table

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    "`": r"\textasciigrave{}", "µ": r"\textmu{}", "η": r"$\eta$", "²": r"\textsuperscript{2}",
    "…": r"\dots{}",
    "\N{NO-BREAK SPACE}": "~",
    "[": "{[}", "*": "{*}",  # behind the end of a row these would be its options
}  # fmt: skip
_HEAD = 14  # letters of a line of a column's head
_END, _GAP = r" \\", r"\addlinespace"
_UNIT = re.compile(r"(?<=\d) (?=\S)")


def write(cost: Cost) -> Disclosed:
    """Return tables and text."""
    notes = ("the table needs \\usepackage{booktabs}",)
    return Disclosed("latex", latex(cost.table, cost.analysis), notes)


def latex(table: Table, analysis: Analysis) -> str:
    """Return a booktabs table for each group, then the finding and what it cost."""
    found = results(analysis)
    tables = [_table(one, table.name, number, analysis) for number, one in enumerate(found, 1)]
    text = "\n".join(map(escape, sentences(table, analysis)))
    return "\n".join(["% Needs \\usepackage{booktabs}.", *tables, text, ""])


def escape(text: str) -> str:
    """Return a text in which each character stands for itself."""
    plain = printable(" ".join(text.split())).replace(" %", "\N{NO-BREAK SPACE}%")
    escaped = "".join(_ESCAPES.get(letter, letter) for letter in plain)
    return escaped.replace("--", "-{}-").replace("--", "-{}-")  # two hyphens would be a dash


def _head(text: str, side: str) -> str:
    """The head of a column, in lines one above the other."""
    lines = map(escape, wrap(_UNIT.sub("\N{NO-BREAK SPACE}", text), _HEAD))
    return rf"\shortstack[{side}]{{{_END.join(lines)}}}"


def _row(row: Sequence[Entry]) -> Iterator[str]:
    """The figures of a strategy, and beneath them what stands beside them elsewhere.

    So the table is no wider than a page.
    """
    texts = [rf"\textbf{{{escape(each.text)}}}" if each.won else escape(each.text) for each in row]
    yield f"{' & '.join(texts)}{_END}"
    if any(each.beside for each in row):
        yield " & ".join(each.beside and f"({escape(each.beside)})" for each in row) + _END
        yield _GAP


def _table(found: Results, name: str, number: int, analysis: Analysis) -> str:
    title = f"{escape(found.title)}: " if found.title else ""
    about = f"{title}{escape(caption(analysis))}"
    label = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
    heads = [_head(head, "r" if at else "l") for at, head in enumerate(found.heads)]
    rows = [line for row in found.rows for line in _row(row)]
    if rows and rows[-1] == _GAP:
        rows.pop()
    lines = [
        r"\begin{table}",
        r"  \centering\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"  \caption{{{about}}}",
        rf"  \label{{tab:{label}-{number}}}",
        rf"  \begin{{tabular}}{{@{{}}l{'r' * (len(found.heads) - 1)}@{{}}}}",
        r"    \toprule",
        f"    {' & '.join(heads)}{_END}",
        r"    \midrule",
        *(f"    {row}" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)
