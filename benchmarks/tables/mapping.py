"""What ``--map`` says: which columns are renamed and converted into which."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from ...errors import DataError
from .columns import numbers
from .contract import COLUMNS, OLD_NAMES, TRIAL_COLUMNS, contract_name
from .refusals import check, listed, short

if TYPE_CHECKING:
    import pandas as pd

_NAME = re.compile(r'(?:"[^"]*"|[^",])+')
_FACTOR = re.compile(
    r"(.*?)\s*([*/])\s*(\+?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*", re.DOTALL
)
_Factors = list[tuple[str, float]]  # * or /, and the number


@dataclass(frozen=True)
class ColumnMapping:
    """Which column a column of the contract is made of, such as ``energy_j=kwh*3.6e6``."""

    target: str
    expression: str

    @classmethod
    def parse(cls, text: str | Sequence[str]) -> tuple[ColumnMapping, ...]:
        """Read ``score=val_acc,energy_j=kwh*3.6e6``; a name with a comma is quoted."""
        found = []
        for entry in split_names(text):
            target, equals, expression = (piece.strip() for piece in entry.partition("="))
            if not (equals and target and expression):
                raise DataError(
                    f"--map {short(entry)}: write COLUMN=NAME, such as score=val_acc, or with "
                    "a factor, such as energy_j=kwh*3.6e6"
                )
            found.append(cls(target, expression))
        return tuple(found)

    def touches(self, names: Sequence[str]) -> bool:
        """Whether it makes or uses up one of some columns."""
        used = re.split(r"\s*[*/]", self.expression, maxsplit=1)[0]
        touched = map(contract_name, (self.target, self.expression, used))
        return not set(touched).isdisjoint(names)

    def __str__(self) -> str:
        return f"--map {short(f'{self.target}={self.expression}')}"


def split_names(text: str | Sequence[str]) -> list[str]:
    """Names joined by commas; one that holds a comma is quoted."""
    names: list[str] = []
    for part in [text] if isinstance(text, str) else text:
        if part.count('"') % 2:
            raise DataError(f"{short(part)}: a quote is opened and never closed")
        names += [" ".join(name.replace('"', "").split()) for name in _NAME.findall(part)]
    return [name for name in names if name]


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
        name, factors = _find_source(frame, entry, where)
        used.add(name)
        values = _convert(frame[name], factors, where) if factors else frame[name]
        made[entry.target] = _whole(values) if factors and _counts(entry.target) else values
    replaced = {contract_name(name) for name in made}
    rest = frame.drop(
        columns=[name for name in frame if name in used or contract_name(str(name)) in replaced]
    )
    return rest.assign(**made)


def as_option(target: str, name: str, conversion: str = "") -> str:
    """The entry of ``--map`` that makes a column of another, as it is typed in a shell."""
    quoted = f'"{name}"' if "," in name else name
    return shlex.quote(f"{target}={quoted}{conversion}")


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


def _find_source(frame: pd.DataFrame, entry: ColumnMapping, where: str) -> tuple[str, _Factors]:
    """The column an expression names, and what its values are multiplied with or divided by."""
    name, factors = entry.expression, []
    # A table has the names of either version, and so has what is said of it.
    called = {contract_name(str(each)): str(each) for each in frame}
    while name not in frame and contract_name(name) not in called:
        match = _FACTOR.fullmatch(name)
        if match is None:
            raise DataError(
                f"{where}: {entry}: no column {short(name)} among {listed(frame.columns)}; a "
                "factor is a number above 0, as in energy_j=kwh*3.6e6"
            )
        name, sign, number = match[1], match[2], float(match[3])
        if number == 0 or not np.isfinite(number):
            raise DataError(f"{entry}: {match[3]} is no factor: give a number above 0")
        factors.insert(0, (sign, number))
    return name if name in frame else called[contract_name(name)], factors


def _counts(target: str) -> bool:
    name = contract_name(target)
    return any(column.name == name and column.type == "whole" for column in COLUMNS)


def _whole(values: pd.Series) -> pd.Series:
    """Round what is whole but for the rounding of floats, such as 0.37164736 * 1e9."""
    nearest = values.round()
    return values.where((values - nearest).abs() > 1e-15 * nearest.abs(), nearest)


def _convert(values: pd.Series, factors: _Factors, where: str) -> pd.Series:
    before = found = numbers(values, where)
    with np.errstate(over="ignore", under="ignore"):
        for sign, number in factors:
            found = found * number if sign == "*" else found / number
    check(values, np.isinf(found), "infinite once it is converted", where)
    check(values, (found == 0) & (before != 0), "zero once it is converted", where)
    return found
