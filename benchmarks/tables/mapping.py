"""What ``--map`` says: which columns are renamed and converted into which."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError
from .arithmetic import Column, Expression, columns, evaluate, parse
from .columns import numbers
from .contract import COLUMNS, OLD_NAMES, TRIAL_COLUMNS, contract_name
from .refusals import check, short

if TYPE_CHECKING:
    import pandas as pd

_NAME = re.compile(r'(?:"[^"]*"|[^",])+')
_PIECE = re.compile(r'["()*/+-]')


@dataclass(frozen=True)
class ColumnMapping:
    """Which column a column of the contract is made of, such as ``energy_j=kwh*3.6e6``."""

    target: str
    expression: str

    @classmethod
    def parse(cls, text: str | Sequence[str]) -> tuple[ColumnMapping, ...]:
        """Read ``score=val_acc,energy_j=kwh*3.6e6``; a name with a comma is quoted."""
        found = []
        for entry in _entries(text):
            target, equals, expression = (piece.strip() for piece in entry.partition("="))
            target = target.replace('"', "").strip()
            if not (equals and target and expression.replace('"', "").strip()):
                raise DataError(
                    f"--map {short(entry)}: write COLUMN=NAME, such as score=val_acc, or with "
                    "a factor, such as energy_j=kwh*3.6e6"
                )
            found.append(cls(target, expression))
        return tuple(found)

    def resolve(self, names: Iterable[str], where: str = "") -> Expression:
        """What it is made of, where a table has columns of these names."""
        # A table has the names of either version, and so has what is said of it.
        own = {name: name for name in names}
        new = {contract_name(name): name for name in own}
        old = {name: new[contract_name(name)] for name in OLD_NAMES if contract_name(name) in new}
        known = new | old | own
        return parse(self.expression, known, f"{where}: {self}" if where else str(self))

    @property
    def operand(self) -> str:
        """The expression as one that can be multiplied."""
        return f"({self.expression})" if re.search("[+-]", self.expression) else self.expression

    def touches(self, names: Sequence[str]) -> bool:
        """Whether it makes or uses up one of some columns."""
        pieces = [piece.strip() for piece in _PIECE.split(self.expression)]
        touched = map(contract_name, (self.target, self.expression, *pieces))
        return not set(touched).isdisjoint(names)

    def __str__(self) -> str:
        return f"--map {short(f'{self.target}={self.expression}')}"


def split_names(text: str | Sequence[str]) -> list[str]:
    """Names joined by commas; one that holds a comma is quoted."""
    names = [" ".join(name.replace('"', "").split()) for name in _entries(text)]
    return [name for name in names if name]


def _entries(text: str | Sequence[str]) -> list[str]:
    """What is joined by commas, with its quotes, but for those around all of it."""
    found: list[str] = []
    for part in [text] if isinstance(text, str) else text:
        if part.count('"') % 2:
            raise DataError(f"{short(part)}: a quote is opened and never closed")
        found += [" ".join(entry.split()) for entry in _NAME.findall(part)]
    around = [entry[1:-1] if re.fullmatch('"[^"]*"', entry) else entry for entry in found]
    return [entry for entry in around if entry]


def plain_name(name: str) -> str:
    """The name of a group or a hyperparameter, without ``g.`` or ``p.``."""
    return name[2:] if name.startswith(("g.", "p.")) else name


def apply_mapping(
    frame: pd.DataFrame, mapping: Sequence[ColumnMapping], where: str
) -> pd.DataFrame:
    """Make columns of others; those that they are made of are gone."""
    made: dict[str, pd.Series] = {}
    used: set[str] = set()
    for entry in mapping:
        if entry.target in made:
            raise DataError(f"--map names {short(entry.target)} twice: leave one out")
        _check_target(entry)
        source = entry.resolve(map(str, frame), where)
        names = [*dict.fromkeys(columns(source))]
        # A sum of columns of the contract leaves them what they are.
        used.update(n for n in names if len(names) == 1 or contract_name(n) not in TRIAL_COLUMNS)
        if isinstance(source, Column):
            made[entry.target] = frame[source.name]
        else:
            values = _convert(frame, source, where)
            made[entry.target] = _whole(values) if _counts(entry.target) else values
    replaced = {contract_name(name) for name in made}
    rest = frame.drop(
        columns=[name for name in frame if name in used or contract_name(str(name)) in replaced]
    )
    return rest.assign(**made)


def as_option(target: str, name: str | Sequence[str], conversion: str = "") -> str:
    """The entry of ``--map`` that makes a column of another, as it is typed in a shell.

    Several are added up.
    """
    names = [f'"{each}"' if "," in each else each for each in _several(name)]
    made = f"({'+'.join(names)})" if len(names) > 1 and conversion else "+".join(names)
    return shlex.quote(f"{target}={made}{conversion}")


def _several(name: str | Sequence[str]) -> Sequence[str]:
    return [name] if isinstance(name, str) else name


def _check_target(entry: ColumnMapping) -> None:
    """A name that is almost one of the contract is none of one's own."""
    if contract_name(entry.target) in TRIAL_COLUMNS or entry.target.startswith(("p.", "g.")):
        return
    known = (*TRIAL_COLUMNS, *OLD_NAMES)
    if near := get_close_matches(entry.target.lower(), known, n=1, cutoff=0.85):
        raise DataError(
            f"{entry}: did you mean {near[0]}? Write p.{short(entry.target)} if it is a "
            "hyperparameter of that name"
        )


def _counts(target: str) -> bool:
    name = contract_name(target)
    return any(column.name == name and column.type == "whole" for column in COLUMNS)


def _whole(values: pd.Series) -> pd.Series:
    """Round what is whole but for the rounding of floats, such as 0.37164736 * 1e9."""
    nearest = values.round()
    return values.where((values - nearest).abs() > 1e-15 * nearest.abs(), nearest)


def _convert(frame: pd.DataFrame, source: Expression, where: str) -> pd.Series:
    names = [*dict.fromkeys(columns(source))]
    parts = {name: numbers(frame[name], where) for name in names}
    found, lost = evaluate(source, parts.__getitem__)
    known = np.logical_and.reduce([part.notna() for part in parts.values()])
    first = frame[names[0]]
    check(first, known & ~np.isfinite(found), "infinite once it is converted", where)
    check(first, lost & known, "zero once it is converted", where)
    return found
