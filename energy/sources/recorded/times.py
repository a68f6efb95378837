"""When a reading was taken: columns of seconds, of dates, or of a date and a time of day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from ....errors import DataError

_LATEST_S = 1e11  # above any time in seconds since 1970, below any of now in milliseconds
SECONDS_PER_UNIT = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec", "millis", "milliseconds"), 1e-3),
    **dict.fromkeys(("us", "µs", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nanoseconds"), 1e-9),
    **dict.fromkeys(("min", "mins", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hours"), 3600.0),
}
_DAYS = {"date", "datum"}
_CORE = _DAYS | {
    *("t", "ts", "time", "timestamp", "datetime", "elapsed", "epoch", "unixtime"),
    *("changed", "updated"),  # a state of Home Assistant
    *("zeit", "zeitstempel", "uhrzeit", "heure", "horodatage"),
}
_BESIDE = {
    *("stamp", "unix", "utc", "gmt", "local", "at", "since", "start", "relative", "wall", "posix"),
    *("sample", "sampling", "record", "recorded", "measured", "measurement"),
    *("log", "system", "and", "last"),
}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_AMBIGUOUS = re.compile(r"\d{1,2}/\d{1,2}/\d{4}.*")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?")
_DAY_S, _HALF_S = 86_400.0, 43_200.0


class TimeColumn:
    """Where the time is, and how long its unit is; a time of day goes on past midnight."""

    def __init__(self, at: int, unit_s: float = 1.0, day_at: int | None = None) -> None:
        self.at, self._unit_s, self._day_at = at, unit_s, day_at
        self._days_s = self._before_s = 0.0

    def read(self, cells: Sequence[str]) -> float:
        """Seconds since some moment, from a number or a date; one without a zone is in UTC.

        Raises:
            ValueError: It is no time; the message says why.
        """
        cell = cells[self.at]
        if self._day_at is not None:
            return _moment(f"{cells[self._day_at]} {cell}")
        if _NUMBER.fullmatch(cell):
            seconds = float(cell) * self._unit_s
            if not abs(seconds) < _LATEST_S:
                raise ValueError(
                    f"{cell!r} is no time in seconds: call the column time_ms if it is in ms"
                )
            return seconds
        if _CLOCK.fullmatch(cell):
            return self._of_day(cell)
        return _moment(cell)

    def _of_day(self, cell: str) -> float:
        """A time of day: one much before the last is of the next day."""
        seconds = _moment(f"1970-01-01 {cell}")
        if seconds < self._before_s - _HALF_S:
            self._days_s += _DAY_S
        self._before_s = seconds
        return seconds + self._days_s


def time_column(path: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> TimeColumn:
    """The first column whose name is that of a time; a time of day with the date beside it."""
    known = {at: unit_s for at, name in enumerate(header) if (unit_s := _unit(name)) is not None}
    clocks = [at for at in known if rows and all(_CLOCK.fullmatch(row[at]) for row in rows[:9])]
    days = [at for at in known if {*_words(header[at])[:1]} & _DAYS and at not in clocks]
    days = [at for at in days if rows and not any(":" in row[at] for row in rows[:9])]
    if clocks and days:
        return TimeColumn(clocks[0], day_at=days[0])
    if left := [at for at in known if at not in days]:
        return TimeColumn(left[0], known[left[0]])
    is_dmon = {"gpu", "pwr"} <= {name.split(" ")[0] for name in header}
    if days:
        raise DataError(
            f"{path}: dates without a time of day in {header[days[0]]}: record the time too"
            + (" (nvidia-smi dmon -o DT)" if is_dmon else "")
        )
    if is_dmon:
        raise DataError(f"{path}: nvidia-smi dmon without times: record with nvidia-smi dmon -o DT")
    raise DataError(
        f"{path}: no time_s or timestamp among the columns {', '.join(header)}: call the one with "
        "the times timestamp"
    )


def _words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[^\W\d_]+", name.replace("µs", "us"))]


def _unit(name: str) -> float | None:
    """How many seconds the unit of a column of times is; None if it is no such column."""
    words = _words(name)
    unit_s = 1.0
    if len(words) > 1 and words[-1] in SECONDS_PER_UNIT:
        unit_s = SECONDS_PER_UNIT[words.pop()]
    if words in (["seconds"], ["sec"]):
        return 1.0
    is_time = bool(words) and not _CORE.isdisjoint(words) and {*words} <= _CORE | _BESIDE
    return unit_s if is_time else None


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        moment = _other_moment(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _other_moment(text: str) -> datetime:
    """A date that is not of ISO 8601: the day first, or digits left out."""
    written = _DAY_FIRST.sub(lambda day: f"{day[3]}-{int(day[2]):02}-{int(day[1]):02}", text)
    if _AMBIGUOUS.fullmatch(written):
        raise ValueError(f"{text!r}: is the day or the month first? Write it like 2026-05-31")
    written = re.sub(r"^(\d{4})/(\d{1,2})/(\d{1,2})", _padded, written)
    written = re.sub(r"(?<=[ T])(\d):", r"0\1:", written)
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no time") from None


def _padded(day: re.Match[str]) -> str:
    return f"{day[1]}-{int(day[2]):02}-{int(day[3]):02}"
