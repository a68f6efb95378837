"""Every error perjoule raises on purpose.

    PerjouleError                 something the user can mend; the command line exits with code 2
    ├── UnknownNameError          a name that is not in a list, with the nearest one
    ├── ConfigurationError        a file, an option or a value that cannot be used
    ├── BudgetError               an energy budget that cannot be used
    ├── DataError                 a data set or a table that is missing or malformed
    │   └── MixedDevicesError     a trace of several devices that nothing tells apart
    ├── OutputError               an output folder that is taken, locked or damaged
    └── MeterError                no energy can be read where it was asked for
        └── SourceError           one reading of one source failed

Each message says in one line what is wrong, where, and how to mend it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class PerjouleError(Exception):
    """Base of all errors that a user can mend."""


class ConfigurationError(PerjouleError):
    """A file, an option or a value cannot be used."""


class BudgetError(PerjouleError):
    """An energy budget cannot be used."""


class DataError(PerjouleError):
    """A data set or a table is missing or malformed."""


class MixedDevicesError(DataError):
    """A trace holds readings of several devices that nothing tells apart."""


class OutputError(PerjouleError):
    """An output folder is taken, locked or damaged."""


class MeterError(PerjouleError):
    """No energy can be read where it was asked for."""


class SourceError(MeterError):
    """One reading of one energy source failed."""


class UnknownNameError(PerjouleError):
    """A name is not among the known ones.

    Args:
        what: What the name stands for, such as ``"strategy"``.
        name: The name that was given.
        known: The names that exist.
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        from difflib import get_close_matches

        names = sorted(known)
        near = get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f": did you mean {near[0]!r}?" if near else ""
        super().__init__(f"unknown {what} {name!r}{hint} (known: {', '.join(names)})")
        self._given = (what, name, names)

    def __reduce__(self) -> tuple[type, tuple[str, str, list[str]]]:
        return type(self), self._given  # so that it crosses from a worker process
