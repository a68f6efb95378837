"""From any tidy table to the trial table: names mapped, columns filled in, every value checked.

What cannot be read is refused with the row and the column it stands in; nothing is guessed, and
nothing that is missing becomes zero. Rows are counted from 1, below the header.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from ..errors import DataError
from ..outcome import State
from .table import COLUMNS, KINDS, PANDAS_TYPES, REQUIRED, STATES, TRIAL_COLUMNS, Column

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FACTOR = re.compile(r"(.*?)\s*([*/])\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_OTHER_STATES = {"fail": State.FAILED, "running": State.INTERRUPTED}  # as Optuna has them
_NULLS = frozenset({"", "nan", "none", "null", "na", "n/a", "<na>"})
_TYPES = {column.name: column for column in COLUMNS}


@dataclass(frozen=True)
class Mapping:
    """Which column a column of the contract is made of, such as ``energy_j=kwh*3.6e6``."""

    target: str
    expression: str

    @classmethod
    def parse(cls, text: str | Sequence[str]) -> tuple[Mapping, ...]:
        """Read ``accuracy=test_acc,energy_j=kwh*3.6e6``; a name with a comma is quoted.

        Raises:
            DataError: An entry is not of the form ``column=name``.
        """
        parts = [text] if isinstance(text, str) else text
        entries = [entry.strip() for part in parts for entry in split_names(part)]
        found = []
        for entry in entries:
            target, equals, expression = (piece.strip() for piece in entry.partition("="))
            if not (equals and target and expression):
                raise DataError(
                    f"--map {entry!r}: write COLUMN=NAME, such as accuracy=test_acc, or with a "
                    "factor, such as energy_j=kwh*3.6e6"
                )
            found.append(cls(target, expression))
        return tuple(found)


def split_names(text: str) -> list[str]:
    """Names joined by commas; one that holds a comma is quoted."""
    return [name.strip() for name in next(csv.reader([text], skipinitialspace=True), []) if name]


def tidy(
    frame: pd.DataFrame,
    where: str,
    mapping: Sequence[Mapping] = (),
    by: Sequence[str] = (),
) -> pd.DataFrame:
    """Make a trial table of a tidy table.

    Args:
        frame: Columns of text or of numbers; at least strategy, energy_j and accuracy.
        where: The table's name, for messages.
        mapping: Which columns are to be made of which.
        by: Columns that group the trials; they become ``g.<name>``.

    Returns:
        Every column of the contract, then ``g.…`` and ``p.…``. Without a column ``run``, a run is a
        strategy with a seed (0 if there is none) within its group, and its trials are in the order
        of the column ``trial``; else rows stay in their order, which is that of completion.

    Raises:
        DataError: A column is missing or unknown, or a value cannot be; the message says where.
    """
    return _Tidying(where).of(frame, mapping, by)


class _Tidying:
    """One table being made tidy."""

    def __init__(self, where: str) -> None:
        self._where = where

    def of(self, frame: pd.DataFrame, mapping: Sequence[Mapping], by: Sequence[str]) -> Any:
        frame = self._named(frame)
        frame = self._grouped(self._mapped(frame, mapping), by)
        if missing := [name for name in REQUIRED if name not in frame]:
            raise DataError(
                f"{self._where}: no column {' and no column '.join(missing)} among "
                f"{', '.join(map(str, frame.columns)) or 'none'}: name what it is made of, such as "
                f"--map {missing[0]}=NAME"
            )
        if frame.empty:
            raise DataError(f"{self._where}: no rows below the header: give a table with trials")
        made = {
            name: self._column(frame[name], column) if name in frame else None
            for name, column in _TYPES.items()
        }
        groups = {n: self._free(frame[n]) for n in map(str, frame) if n.startswith("g.")}
        settings = {
            name if name.startswith("p.") else f"p.{name}": self._free(frame[name])
            for name in map(str, frame.columns)
            if name not in made and name not in groups
        }
        table = pd.DataFrame({**made, **groups, **settings}, index=frame.index)
        table = table.astype({c.name: PANDAS_TYPES[c.type] for c in COLUMNS if c.type != "time"})
        table["started_at"] = pd.to_datetime(table["started_at"], utc=True)
        return self._numbered(table, list(groups), has_run="run" in frame)

    # Names ----------------------------------------------------------------------------------------

    def _named(self, frame: pd.DataFrame) -> pd.DataFrame:
        names = [str(name).strip() for name in frame.columns]
        for name in names:
            if names.count(name) > 1:
                raise DataError(f"{self._where}: two columns are called {name!r}: rename one")
        frame = frame.set_axis(names, axis="columns").reset_index(drop=True)
        nameless = [name for name in names if not name or name.startswith("Unnamed: ")]
        for name in nameless:
            if not _counts(frame[name]):
                position = names.index(name) + 1
                raise DataError(f"{self._where}: column {position} has no name: give it one")
        return frame.drop(columns=nameless)  # a row's number, which pandas and R like to write

    def _mapped(self, frame: pd.DataFrame, mapping: Sequence[Mapping]) -> pd.DataFrame:
        made: dict[str, pd.Series] = {}
        used: set[str] = set()
        for entry in mapping:
            if entry.target in made:
                raise DataError(f"--map names {entry.target} twice: leave one out")
            name, factor = self._source(frame, entry)
            used.add(name)
            values = frame[name]
            made[entry.target] = values if factor is None else self._numbers(values) * factor
        rest = frame.drop(columns=[name for name in frame if name in used or name in made])
        return rest.assign(**made)

    def _source(self, frame: pd.DataFrame, entry: Mapping) -> tuple[str, float | None]:
        """The column an expression names, and the factor of its values."""
        name, factor = entry.expression, None
        while name not in frame:
            match = _FACTOR.fullmatch(name)
            if match is None:
                raise DataError(
                    f"{self._where}: --map {entry.target}={entry.expression}: no column {name!r} "
                    f"among {', '.join(frame.columns)}"
                )
            name, sign, number = match[1], match[2], float(match[3])
            if number == 0 or not np.isfinite(number):
                raise DataError(f"--map {entry.target}={entry.expression}: {match[3]} is no factor")
            factor = (factor or 1.0) * (number if sign == "*" else 1 / number)
        return name, factor

    def _grouped(self, frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
        names = {}
        for name in by:
            wanted = name.removeprefix("g.")
            known = [n for n in (f"g.{wanted}", wanted, f"p.{wanted}") if n in frame]
            if not known:
                raise DataError(
                    f"{self._where}: --by {name}: no such column among {', '.join(frame.columns)}"
                )
            if known[0] in _TYPES:
                raise DataError(f"--by {name}: a column of every trial table cannot group it")
            names[known[0]] = f"g.{wanted}"
        return frame.rename(columns=names)

    # Values ---------------------------------------------------------------------------------------

    def _column(self, values: pd.Series, column: Column) -> pd.Series:
        if column.type == "text":
            return self._texts(values, column.name)
        if column.type == "time":
            return self._times(values)
        numbers = self._numbers(values)
        if column.name != "seed":
            self._check(values, numbers < 0, f"below zero: no {column.name} can be")
        if column.most is not None:
            self._check(
                values,
                numbers > column.most,
                f"above {column.most:g}: is it in percent? Then --map "
                f"{column.name}={values.name}/100",
            )
        if column.type == "whole":
            self._check(values, numbers != np.floor(numbers), "not a whole number")
            self._check(values, numbers.abs() >= 2**63, "too large")
            return numbers.astype("Int64")
        return numbers

    def _numbers(self, values: pd.Series) -> pd.Series:
        """Floats, null where nothing is; text that is no number is refused."""
        if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
            texts = values.astype("string").str.strip()
            null = (texts.isna() | texts.str.lower().isin(_NULLS)).to_numpy(dtype=bool)
            good = texts.str.fullmatch(_NUMBER.pattern).fillna(value=False).to_numpy(dtype=bool)
            words = "no number" + (
                ": write decimals with a point"
                if texts[~(good | null)].str.contains(",").any()
                else ""
            )
            self._check(values, ~(good | null), words)
            values = pd.to_numeric(texts.mask(null), errors="coerce")
        elif pd.api.types.is_bool_dtype(values):
            self._refuse(values, 0, "no number")
        numbers = pd.Series(
            values.to_numpy(dtype=float, na_value=np.nan), index=values.index, name=values.name
        )
        self._check(values, np.isinf(numbers), "infinite")
        return numbers

    def _texts(self, values: pd.Series, name: str) -> pd.Series:
        known = values.notna()
        texts = values.astype("string").str.strip()
        known &= texts.fillna("") != ""
        if name == "strategy":
            self._check(values, ~known, "empty: every trial has a strategy")
        if name == "state":
            texts = texts.str.lower().replace(_OTHER_STATES)
            good = texts.isin([*STATES]) | ~known
            self._check(values, ~good, f"unknown: a state is one of {', '.join(STATES)}")
        if name == "energy_kind":
            good = texts.map(lambda kinds: {*KINDS}.issuperset(str(kinds).split("+")))
            words = f"unknown: a kind is one of {', '.join(KINDS)}"
            self._check(values, known & ~good, words)
        return texts.astype(object).where(known, None)

    def _times(self, values: pd.Series) -> pd.Series:
        if pd.api.types.is_datetime64_any_dtype(values):
            return pd.to_datetime(values, utc=True)
        known = values.notna() & ~values.astype("string").str.strip().str.lower().isin(_NULLS)
        if pd.api.types.is_numeric_dtype(values):
            times = pd.to_datetime(values, unit="s", utc=True, errors="coerce")
        else:
            text = values.where(known)
            times = pd.to_datetime(text, utc=True, errors="coerce", format="ISO8601")
        self._check(values, known & times.isna(), "no moment: write 2026-11-21T10:15:00Z")
        return times

    def _free(self, values: pd.Series) -> pd.Series:
        """A column of one's own: whole numbers, numbers, truth values or text, as it says."""
        if values.dtype != object and not pd.api.types.is_string_dtype(values):
            return values.convert_dtypes(convert_string=False)
        texts = values.astype("string").str.strip()
        null = texts.isna() | texts.str.lower().isin(_NULLS)
        known = texts[~null]
        if known.empty:
            return pd.Series(None, index=values.index, dtype=object)
        if known.str.fullmatch(_NUMBER.pattern).all():
            numbers = pd.to_numeric(texts.mask(null), errors="coerce").astype("Float64")
            self._check(
                values, np.isinf(numbers.to_numpy(dtype=float, na_value=np.nan)), "infinite"
            )
            return numbers.convert_dtypes()
        if known.str.lower().isin(["true", "false"]).all():
            return (texts.str.lower() == "true").mask(null).astype("boolean")
        return texts.astype(object).where(~null, None)

    def _check(self, values: pd.Series, bad: Any, words: str) -> None:
        """Refuse the first value that is bad."""
        mask: NDArray[np.bool_] = np.asarray(bad, dtype=bool)
        if mask.any():
            self._refuse(values, int(mask.argmax()), words)

    def _refuse(self, values: pd.Series, at: int, words: str) -> NoReturn:
        raise DataError(
            f"{self._where}, row {at + 1}, column {values.name}: {values.iloc[at]!r} is {words}"
        )

    # Runs -----------------------------------------------------------------------------------------

    def _numbered(self, table: pd.DataFrame, groups: list[str], *, has_run: bool) -> pd.DataFrame:
        """Fill in what tells runs and trials apart, and check that it does."""
        self._complete(table, "run", needed=has_run)
        table["state"] = table["state"].where(table["state"].notna(), State.COMPLETE.value)
        if has_run:
            table["seed"] = self._seeds_of_runs(table, groups)
        else:
            self._complete(table, "seed", needed=bool(table["seed"].notna().any()))
            table["seed"] = table["seed"].fillna(0)
            table["run"] = table["strategy"] + "-" + table["seed"].astype(str)
        self._complete(table, "trial", needed=bool(table["trial"].notna().any()))
        key = [*groups, "run"]
        if table["trial"].isna().any():
            table["trial"] = table.groupby(key, dropna=False, sort=False).cumcount().astype("Int64")
        twice = table.duplicated([*key, "trial"])
        if twice.any():
            at = int(twice.to_numpy().argmax())
            row = table.iloc[at]
            same = (table[[*key, "trial"]] == row[[*key, "trial"]]).all(axis="columns")
            raise DataError(
                f"{self._where}, rows {int(same.to_numpy().argmax()) + 1} and {at + 1}: both are "
                f"trial {row['trial']} of run {row['run']}: drop one, or tell runs apart by a "
                "column seed, or by --by"
            )
        if not has_run:
            table = table.sort_values("trial", kind="stable")
        return table[[*TRIAL_COLUMNS, *(n for n in table if n not in _TYPES)]].reset_index(
            drop=True
        )

    def _complete(self, table: pd.DataFrame, name: str, *, needed: bool) -> None:
        if needed and table[name].isna().any():
            at = int(table[name].isna().to_numpy().argmax())
            raise DataError(
                f"{self._where}, row {at + 1}, column {name}: empty, though others have one: "
                "give it one too, or leave the column out"
            )

    def _seeds_of_runs(self, table: pd.DataFrame, groups: list[str]) -> pd.Series:
        """The seeds, or where there are none the place of a run among those of its strategy."""
        for name in ("strategy", "seed", *groups):
            runs = table[["run", name]].drop_duplicates()
            twice = runs["run"].duplicated()
            if twice.any():
                at = int(runs.index[twice][0])
                raise DataError(
                    f"{self._where}, row {at + 1}, column {name}: run {table['run'][at]} has "
                    "another one above: give every run its own name, or map the column to another "
                    "with --map seed=run"
                )
        if table["seed"].notna().all():
            return table["seed"]
        runs = table.drop_duplicates("run")
        places = runs.groupby("strategy", sort=False).cumcount()
        return table["run"].map(dict(zip(runs["run"], places, strict=True))).astype("Int64")


def _counts(values: pd.Series) -> bool:
    """Whether a column only counts the rows, from 0 or 1."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    places = np.arange(len(numbers))
    return bool((numbers == places).all() or (numbers == places + 1).all())
