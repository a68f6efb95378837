"""Numbers with decimal commas, as spreadsheets of half the world write them, column by column."""

from __future__ import annotations

import re
from collections.abc import Sequence

NULLS = ("", "nan", "<na>", "nat", "na", "n/a", "null", "none")
"""How a cell, in lower case, says that there is no value."""
_UNIT = r"(\s*[^\d\s,.;+-]\S*)?"
_COMMA = re.compile(rf"[+-]?(\d+|\d{{1,3}}(\.\d{{3}})+)?,\d+([eE][+-]?\d+)?{_UNIT}")
_EITHER = re.compile(rf"[+-]?[1-9]\d{{0,2}},\d{{3}}{_UNIT}")  # 1,500 may be 1.5 or 1500
_POINT = re.compile(rf"[+-]?\d*\.\d+([eE][+-]?\d+)?{_UNIT}")
_THOUSANDS = re.compile(rf"[+-]?[1-9]\d{{0,2}}(\.\d{{3}})+{_UNIT}")
_GROUPED = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,")


class DecimalCommas:
    """Which columns of a table have decimal commas, as its first rows tell, and their cells."""

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        columns = list(zip(*rows, strict=True))
        sure = {at for at, cells in enumerate(columns) if _is_sure(cells)}
        if len(sure) < sum(any(map(_POINT.fullmatch, cells)) for cells in columns):
            sure = set()  # numbers of this file have points: 64,32 is a list
        maybe = {
            at
            for at, cells in enumerate(columns)
            if any(map(_EITHER.fullmatch, cells)) and not any(map(_POINT.fullmatch, cells))
        }
        self.columns = sorted(sure | maybe if sure else ())
        self._grouped = any(_GROUPED.match(cell) for at in self.columns for cell in columns[at])

    def mend(self, cells: list[str]) -> str:
        """Write the commas of a row as points; why not, where a cell could be two numbers."""
        for at in self.columns:
            cell = cells[at]
            if _COMMA.fullmatch(cell):
                cells[at] = cell.replace(".", "").replace(",", ".")
            elif _THOUSANDS.fullmatch(cell):
                if not self._grouped:
                    return f"{cell!r} may be a decimal point or thousands, beside decimal commas"
                cells[at] = cell.replace(".", "")
        return ""


def _is_sure(cells: Sequence[str]) -> bool:
    """Whether numbers of a column have commas that can only be decimal, and none has a point."""
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    if not commas or all(map(_EITHER.fullmatch, commas)):
        return False
    return not any(_POINT.fullmatch(cell) and not _THOUSANDS.fullmatch(cell) for cell in cells)
