"""Damage: rows of anybody's are left out, counted and named; of files of ours none may be.

Too many such rows are a refusal.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import DataError, OutputError

SHARE = 0.1
"""The share of the rows of a file that may be damaged."""
FEW = 2
"""Damaged rows that never refuse a file in which more are whole: a kill tears the last line."""
MOST = 100_000
"""Damaged rows that refuse any file at once, since all of it need not be read to know."""
_NAMED = 4  # places in a message
_WORDS = 110  # letters of the reason at each


def damaged(file: str | Path, why: object, line: int | None = None) -> OutputError:
    """The refusal of a file that perjoule wrote and that is not as it was written."""
    where = f"{file}" if line is None else f"{file}, line {line}"
    return OutputError(f"{where}: damaged ({why}); nothing of it is used: restore a copy")


class Damage:
    """What is damaged in one file.

    Args:
        path: The file, for messages.
        strict: Whether any damage is a refusal.
    """

    def __init__(self, path: str, *, strict: bool = False) -> None:
        self._path, self._strict = path, strict
        self._places: list[str] = []
        self.n_rows = 0  # all that were read, damaged ones included
        self.n_damaged = 0

    def leave_out(self, place: str, why: str) -> None:
        """Count a damaged row, such as ``"row 3"``; a DataError where nothing may be damaged."""
        words = why if len(why) <= _WORDS else f"{why[:_WORDS]}…"
        told = f"{place}{', ' if why.startswith('column ') else ': '}{words}"
        if self._strict:
            raise DataError(f"{self._path}, {told}; mend or remove it")
        self.n_damaged += 1
        if len(self._places) < _NAMED:
            self._places.append(told)
        if self.n_damaged > MOST:
            raise DataError(
                f"{self._path}, {self._listed}; mend or remove them: more than {MOST:,} rows are "
                "damaged"
            )

    def check(self) -> None:
        """Raise a DataError that lists the places if too much is damaged."""
        n_whole = self.n_rows - self.n_damaged
        most = FEW if self.n_damaged < n_whole else 0
        if self.n_damaged > max(most, SHARE * self.n_rows):
            raise DataError(
                f"{self._path}, {self._listed}; mend or remove "
                f"{'it' if self.n_damaged == 1 else 'them'}: {self.n_damaged:,} of "
                f"{self.n_rows:,} rows are damaged, more than a tenth"
            )

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is to be told of it; nothing if all is whole."""
        if not self.n_damaged:
            return ()
        told = (
            f"{self._path}: {self.n_damaged:,} of {self.n_rows:,} rows "
            f"{'is' if self.n_damaged == 1 else 'are'} damaged, and what they would have said is "
            f"not known: {self._listed}"
        )
        return (told,)

    @property
    def _listed(self) -> str:
        more = self.n_damaged - len(self._places)
        return "; ".join([*self._places, *([f"and {more:,} more"] if more else [])])
