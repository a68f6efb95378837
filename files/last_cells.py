"""Whether the last cell of a file that does not end with the end of a line is all there."""

from __future__ import annotations

import re
from collections.abc import Sequence

_DIGIT = re.compile(r"\d")
_MOST_WORDS = 1_000


class LastCells:
    """What the last cells of the rows look like.

    A cell that is cut short may still be a number: 10 of 100.5. It is known to be whole if all
    cells before it have one form, digit by digit, which it has too; or if it is a word that stands
    there already, and none begins with it that is longer.
    """

    def __init__(self) -> None:
        self._form: str | None = None
        self._one_form = True
        self._words: set[str] = set()
        self.begins_without_hash = False  # the first row
        self._n_rows = 0

    def add(self, cells: Sequence[str]) -> None:
        """Take a whole row."""
        last = cells[-1]
        form = _DIGIT.sub("0", last)
        if not self._n_rows:
            self._form, self.begins_without_hash = form, not cells[0].startswith("#")
        self._n_rows += 1
        self._one_form = self._one_form and form == self._form
        if len(self._words) < _MOST_WORDS:
            self._words.add(last)

    def is_whole(self, cells: Sequence[str]) -> bool:
        """Whether nothing is missing of the last cell of a row."""
        last = cells[-1]
        if self._n_rows and self._one_form and _DIGIT.sub("0", last) == self._form:
            return True
        if not last or (last in self._words and not _DIGIT.search(last)):
            return not any(word != last and word.startswith(last) for word in self._words if last)
        return False
