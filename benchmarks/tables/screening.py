"""Rows of a table of text that cannot be read: what is still known of each, and which are left out.

A cell that should be a number and is none is unknown. A row with such a cell stays if its strategy
and its energy or score can be read; else it is left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from .columns import no_number, why_no_number
from .contract import COLUMNS, contract_name
from .frames import Contents
from .mapping import ColumnMapping
from .refusals import short, shown

_NUMBERS = {column.name for column in COLUMNS if column.type in ("number", "whole")}
_WHICH = ("run", "strategy", "seed", "trial", "state")  # whose a row is, and how it ended
_IDENTITY = {"seed", "trial"}
_CUT = "the file ends within it"


def screen(contents: Contents, mapping: Sequence[ColumnMapping] = ()) -> Contents:
    """The rows of a file of text that say something, and in the notes what is said of the others.

    Raises:
        DataError: More than a tenth of the rows is damaged, or any is where none may be.
    """
    if contents.text is None:
        return contents
    frame, text = contents.rows.copy(deep=False), contents.text
    roles = {str(name): _roles(str(name), mapping) for name in frame}
    n_rows = len(frame)
    name = str(frame.columns[-1])
    if text.last is not None and text.last.doubtful and any(r.endswith("_j") for r in roles[name]):
        frame[name] = [*frame[name].iloc[:-1], ""]  # 10 may be the beginning of 100
    reasons: dict[int, str] = {}
    lost = np.zeros(n_rows, dtype=bool)  # rows of which it is not known whose they are
    says = np.zeros(n_rows, dtype=bool)  # rows with an energy or a score
    for name, targets in roles.items():
        if not targets & _NUMBERS:
            continue
        bad = no_number(frame[name])
        for at in np.flatnonzero(bad).tolist():
            cell = frame[name].iloc[at]
            why = f"column {short(name)}: {shown(cell)} is {why_no_number(cell.strip())}"
            reasons.setdefault(at, why)
        if bad.any():
            lost |= bad if targets & _IDENTITY else False
            frame[name] = frame[name].where(~bad, "")
        if targets & {"energy_j", "score"}:
            says |= frame[name].str.strip().ne("").to_numpy()
    known = {
        name: frame[name].str.strip().ne("").to_numpy() for name in roles if roles[name] & {*_WHICH}
    }
    nameless = [known[name] for name in known if "strategy" in roles[name]]
    if nameless and any(each.any() for each in nameless):
        for at in np.flatnonzero(~np.any(nameless, axis=0) & ~says).tolist():
            reasons.setdefault(at, "neither a strategy nor an energy nor a score in it")
            lost[at] = True
    last = n_rows - 1
    if text.last is not None and text.last.cut:
        reasons.setdefault(last, _CUT)
        lost[last] |= any(not each[last] and each[:last].any() for each in known.values())
    kept = np.ones(n_rows, dtype=bool)
    for at, why in sorted(reasons.items()):
        text.table.leave_out(text.places[at], why)
        kept[at] = not lost[at] and (says[at] or (at == last and reasons[at] == _CUT))
    notes = (*contents.notes, *text.table.close())
    return Contents(frame[kept], contents.description, notes)


def _roles(name: str, mapping: Sequence[ColumnMapping]) -> set[str]:
    """The columns of the contract that a column is, or is made into."""
    name = " ".join(name.split())
    word = re.compile(rf"(?<![\w.]){re.escape(name)}(?![\w.])")
    made = {contract_name(each.target) for each in mapping if word.search(each.expression)}
    return made or {contract_name(name)}
