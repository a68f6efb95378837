"""One column of anyone's table, of any type; a DataError refuses a cell with its row and column.

Numbers are written as in Python; a digit more than they hold is never dropped silently.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
from pandas.api.types import (
    infer_dtype,
    is_bool_dtype,
    is_complex_dtype,
    is_datetime64_any_dtype,
    is_integer_dtype,
    is_numeric_dtype,
)

from ...errors import DataError
from ...files.numbers import NULLS
from .refusals import check, refuse, short

pc: Any = pyarrow.compute  # whose functions are made as it is imported

_NO_TEXT = tuple(word for word in NULLS if word != "none")  # which may be a choice of its own
_WHOLE = r"\A[-+]?[0-9]+\z"
_NUMBER = r"(?i)\A[-+]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?|inf(inity)?)\z"
_TRUTH = r"\A(true|false)\z"
_EXACT = 2**53  # from here on, floats skip whole numbers
_UNIX_S = (1e8, 1e10)  # 1973 to 2286: what else is a number than a moment?
_POINTS = str.maketrans("", "", "+-.,")


def numbers(values: pd.Series, where: str) -> pd.Series:
    """Read finite floats; NaN where nothing is. ``where`` is the table's name, for messages."""
    if is_bool_dtype(values):
        check(values, values.notna(), "no number", where)
    if _is_real(values):
        return _finite(values, None, where)
    cells = _cells(values, where)
    floats = _floats(cells)
    if floats is None:
        _refuse_text(values, cells, where)
    return _finite(values, floats, where)


def wholes(values: pd.Series, where: str) -> pd.Series:
    """Read whole numbers of up to 64 bits, kept to the last digit; null where nothing is."""
    cells = None if _is_real(values) or is_bool_dtype(values) else _cells(values, where)
    try:
        exact = _exact(values, cells)
    except OverflowError:
        at = next(i for i, cell in enumerate(values) if not _fits(cell))
        refuse(values, at, "too large: a whole number has at most 64 bits", where)
    if exact is not None:
        return exact
    floats = numbers(values, where)
    check(values, floats.notna() & (floats != np.floor(floats)), "no whole number", where)
    check(values, floats.abs() >= _EXACT, "too large to be exact", where)
    return floats.astype("Int64")


def texts(values: pd.Series, where: str) -> pd.Series:
    """Read text without spaces around it; None where nothing is."""
    return _objects(values, _known(_cells(values, where), _NO_TEXT))


def moments(values: pd.Series, where: str) -> pd.Series:
    """Read moments in UTC, from ISO 8601 or seconds since 1970; those without a zone are in UTC."""
    if is_datetime64_any_dtype(values):
        return pd.to_datetime(values, utc=True).dt.as_unit("us")
    known = _known(_cells(values, where))
    missing = pd.Series(known.is_null().to_numpy(zero_copy_only=False), index=values.index)
    if _floats(known) is None:
        words = _objects(values, known)
        times = pd.to_datetime(words, utc=True, errors="coerce", format="ISO8601")
    else:
        seconds = numbers(values, where)
        seconds = seconds.where(seconds.between(*_UNIX_S))
        times = pd.to_datetime(seconds, unit="s", utc=True)
    check(values, times.isna() & ~missing, "no moment: write 2026-11-21T10:15:00Z", where)
    return times.dt.as_unit("us")


def free(values: pd.Series, where: str) -> pd.Series:
    """Read a column of no contract: as ``Int64``, ``Float64``, ``boolean`` or text, as it says."""
    if is_bool_dtype(values) and values.notna().any():
        return values.astype("boolean")
    cells = floats = None
    if not _is_real(values) or not values.notna().any():
        cells = _cells(values, where)
        floats = _floats(cells)
        if floats is None or floats.null_count == len(floats):
            truths = _truths(values, cells)
            return texts(values, where) if truths is None else truths
    try:
        exact = _exact(values, cells)
    except OverflowError:  # too long for a number: a name made of digits
        return texts(values, where)
    if exact is not None:
        return exact
    array = (
        values.to_numpy(dtype=float, na_value=np.nan)
        if floats is None
        else floats.to_numpy(zero_copy_only=False)
    )
    if np.isinf(array).any():  # no limit at all, one choice among others
        return texts(values, where)
    found = _finite(values, floats, where)
    whole = found.isna() | ((found == np.floor(found)) & (found.abs() < _EXACT))
    return found.astype("Int64" if whole.all() else "Float64")


def _is_real(values: pd.Series) -> bool:
    return is_numeric_dtype(values) and not is_complex_dtype(values)


def _cells(values: pd.Series, where: str) -> pa.Array:
    """The cells as text, without spaces around it."""
    try:
        if not isinstance(values.dtype, pd.StringDtype):
            if infer_dtype(values, skipna=True).startswith(("mixed", "bytes")):
                values = values.map(_plain)
            values = values.astype("string")
        array = pa.array(values, type=pa.large_string(), from_pandas=True)
    except (UnicodeError, TypeError, ValueError) as error:
        raise DataError(
            f"{where}, column {short(values.name)}: cannot be read as text or numbers"
        ) from error
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return pc.utf8_trim_whitespace(array)


def _plain(value: Any) -> Any:
    """Bytes as text, arrays as lists: printed, they would be cut short."""
    if isinstance(value, bytes):
        return value.decode()
    return str(value.tolist()) if isinstance(value, np.ndarray) else value


def _known(cells: pa.Array, nulls: tuple[str, ...] = NULLS) -> pa.Array:
    """The cells, null where a word says that nothing is known."""
    nothing = pc.is_in(pc.utf8_lower(cells), value_set=pa.array(nulls))
    return pc.if_else(nothing, None, cells) if pc.any(nothing).as_py() else cells


def _all_match(known: pa.Array, pattern: str) -> bool:
    return pc.all(pc.match_substring_regex(known, pattern)).as_py() is not False


def _floats(cells: pa.Array) -> pa.Array | None:
    """Floats, correctly rounded; None if a cell is no number."""
    try:
        floats = cells.cast(pa.float64())
    except pa.ArrowInvalid:
        floats = None
    if floats is None or pc.any(pc.is_nan(floats)).as_py():
        known = _known(cells)
        floats = known.cast(pa.float64()) if _all_match(known, _NUMBER) else None
    return floats


def _finite(values: pd.Series, floats: pa.Array | None, where: str) -> pd.Series:
    """The floats that were read from a column of text, or those that it holds already."""
    if floats is None:
        array = values.to_numpy(dtype=float, na_value=np.nan)
    else:
        array = floats.to_numpy(zero_copy_only=False)
    check(values, np.isinf(array), "infinite", where)
    return pd.Series(array + 0.0, index=values.index, name=values.name)  # no negative zero


def _exact(values: pd.Series, cells: pa.Array | None) -> pd.Series | None:
    """Whole numbers to the last digit; None if some are not. OverflowError: beyond 64 bits."""
    if is_integer_dtype(values):
        try:
            return values.astype("Int64")
        except (TypeError, ValueError) as error:  # an unsigned one
            raise OverflowError from error
    known = None if cells is None else _known(cells)
    if known is None or not _all_match(known, _WHOLE):
        return None
    try:
        whole = pc.utf8_ltrim(known, "+").cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise OverflowError from error
    found = whole.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return found.set_axis(values.index).rename(values.name)


def _fits(cell: Any) -> bool:
    try:
        return -(2**63) <= int(cell) < 2**63
    except (TypeError, ValueError):  # nothing there
        return True


def _truths(values: pd.Series, cells: pa.Array) -> pd.Series | None:
    """Truth values; None if a cell is none, or if there are none."""
    lower = _known(pc.utf8_lower(cells))
    if lower.null_count == len(lower) or not _all_match(lower, _TRUTH):
        return None
    truths = pc.equal(lower, "true").to_numpy(zero_copy_only=False)
    return pd.Series(truths, index=values.index, name=values.name, dtype="boolean")


def _objects(values: pd.Series, known: pa.Array) -> pd.Series:
    """Python's own strings, each kept once."""
    encoded = known.dictionary_encode()
    words = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    places = pc.fill_null(encoded.indices, len(words) - 1).to_numpy()
    return pd.Series(words[places], index=values.index, name=values.name, dtype=object)


def no_number(values: pd.Series) -> np.ndarray:
    """Which cells of a column of text are neither a number nor empty."""
    cells = _cells(values, str(values.name))
    if _floats(cells) is not None:
        return np.zeros(len(values), dtype=bool)
    return ~_good(cells)


def why_no_number(text: str) -> str:
    """What is said of a cell that is no number: how it is mended."""
    if "," in text and text.translate(_POINTS).isdigit():
        how = "write decimals with a point, and nothing between thousands"
    elif text.endswith("%"):
        how = "leave out the percent sign, and divide by 100 with --map"
    elif text[:1].isdigit() and text[-1:].isalpha():
        how = "leave out the unit, and convert with --map"
    else:
        how = "write it like 1.5 or 3e-4, and leave the cell empty where nothing is known"
    return f"no number: {how}"


def _good(cells: pa.Array) -> np.ndarray:
    good = pc.fill_null(pc.match_substring_regex(_known(cells), _NUMBER), True)
    return good.to_numpy(zero_copy_only=False)


def _refuse_text(values: pd.Series, cells: pa.Array, where: str) -> NoReturn:
    """Say which cell is no number, and how it is mended."""
    at = int(_good(cells).argmin())
    refuse(values, at, why_no_number(cells[at].as_py()), where)
