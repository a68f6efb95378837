"""The strategies' table with booktabs, and the finding as text to paste: all names escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .facts import Cost, Disclosed
from .results import Results, caption, results, sentences

if TYPE_CHECKING:
    from ...benchmarks.analysis.analysing import Analysis
    from ...benchmarks.tables.table import Table

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    "`": r"\textasciigrave{}", "µ": r"\textmu{}", "η": r"$\eta$", "²": r"\textsuperscript{2}",
    "…": r"\dots{}",
}  # fmt: skip


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
    plain = " ".join(text.split())
    return "".join(_ESCAPES.get(letter, letter) for letter in plain)


def _table(found: Results, name: str, number: int, analysis: Analysis) -> str:
    title = f"{escape(found.title)}: " if found.title else ""
    about = f"{title}{escape(caption(analysis))}"
    label = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)
    rows = [
        " & ".join(
            rf"\textbf{{{escape(each.text)}}}" if each.won else escape(each.text) for each in row
        )
        + r" \\"
        for row in found.rows
    ]
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{about}}}",
        rf"  \label{{tab:{label}-{number}}}",
        rf"  \begin{{tabular}}{{l{'r' * (len(found.heads) - 1)}}}",
        r"    \toprule",
        "    " + " & ".join(map(escape, found.heads)) + r" \\",
        r"    \midrule",
        *(f"    {row}" for row in rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)
