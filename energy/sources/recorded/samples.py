"""From rows to readings: in order of time, of one device each, and of a counter or of a power.

A row whose time stands out of the order of its neighbours is damaged. What cannot be told is
refused: a counter that falls, and readings of several devices that no column tells apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import median
from typing import NamedTuple, NoReturn

from ....errors import DataError, MixedDevicesError
from ....files.table import TextRow
from .columns import Moment, ValueColumn, no_counter
from .rows import Rows
from .times import TimeColumn
from .trace import GAP_PERIODS, count_close

_HEAD = 1_000  # steps that are looked at together
_Flaw = Callable[[str, str, int], None]  # place, reason, column: what is done with a damaged row


class Sample(NamedTuple):
    """One reading: of which device, in seconds since some moment, and in watts or joules."""

    device: str
    at_s: float
    value: float
    part: int = 0  # of which recording, where several were appended to each other


class Columns(NamedTuple):
    """Which columns are read."""

    time: TimeColumn
    value: ValueColumn
    identity: int  # of the device; -1 where there is none
    is_series: bool  # whether it is a meter's own series, whose energies are running totals


class _Held(NamedTuple):
    sample: Sample
    place: str


class _Device:
    """The readings of one device as they come; two of them wait until their order is known."""

    def __init__(self, where: str, columns: Columns, header: list[str], damaged: _Flaw) -> None:
        self._where, self._columns, self._damaged = where, columns, damaged
        self._name, self._time_name = header[columns.value.at], header[columns.time.at]
        self.part = 0
        self._begin([])

    def _begin(self, held: list[_Held]) -> None:
        self._held = held
        self._first = self._last = Moment(0.0, 0.0)
        self._steps_s: list[float] = []
        self._n_readings = 0

    def add(self, sample: Sample, place: str, *, follows_header: bool) -> Iterator[Sample]:
        """Take one more reading, and give those whose order is certain."""
        new, held = _Held(sample, place), self._held
        if follows_header and held and self._is_another(sample):
            yield from self.close()
            self.part += 1
            self._begin([new])
        elif not held:
            held.append(new)
        elif len(held) == 1:
            if sample.at_s < held[0].sample.at_s:
                held.append(new)
            else:
                yield from self._give(held.pop())
                held.append(new)
        else:
            yield from self._decide(new)

    def close(self) -> Iterator[Sample]:
        """Give the last reading; a DataError if all of them are no trace of one device."""
        if len(self._held) > 1:
            self._refuse_backwards(self._held[1])
        for each in self._held:
            yield from self._give(each)
        self._check_steps()
        column = self._columns
        if not column.value.is_power and not column.is_series:
            why = no_counter(self._name, self._first, self._last, self._n_readings)
            if why:
                raise DataError(f"{self._where}, column {self._name}: {why}")

    def _is_another(self, sample: Sample) -> bool:
        """Whether a reading below another header is of another recording."""
        before_s = self._held[-1].sample.at_s
        if sample.at_s < before_s:
            return True
        known = self._steps_s[-_HEAD:]
        return len(known) > 1 and sample.at_s - before_s > GAP_PERIODS * median(known)

    def _decide(self, new: _Held) -> Iterator[Sample]:
        """Which of three readings is out of order, the second being earlier than the first."""
        first, second = self._held
        before_s = self._last.at_s if self._n_readings else -math.inf
        if new.sample.at_s > first.sample.at_s:
            wrong, right = second, first
        elif before_s < second.sample.at_s <= new.sample.at_s:
            wrong, right = first, second
        else:
            self._refuse_backwards(second)
        self._damaged(wrong.place, "its time is not in order", self._columns.time.at)
        self._held = [new]
        yield from self._give(right)

    def _give(self, held: _Held) -> Iterator[Sample]:
        sample = held.sample
        if not self._n_readings:
            self._first = Moment(sample.at_s, sample.value)
        elif not self._columns.value.is_power and sample.value < self._last.value:
            raise DataError(
                f"{self._where}, {held.place}, column {self._name}: the counter falls here: cut "
                "the trace where it was reset; or give watts, if it is the energy of each interval"
            )
        else:
            self._step(sample.at_s - self._last.at_s)
        self._last = Moment(sample.at_s, sample.value)
        self._n_readings += 1
        yield sample._replace(part=self.part)

    def _step(self, step_s: float) -> None:
        self._steps_s.append(step_s)
        if len(self._steps_s) >= _HEAD:
            self._check_steps()
            del self._steps_s[: _HEAD // 2]

    def _check_steps(self) -> None:
        if close := count_close(self._steps_s):
            told = "index or uuid too, as in nvidia-smi --query-gpu=timestamp,index,power.draw"
            if "power.draw" not in self._name:
                told = "in a column device which one each row is of"
            raise MixedDevicesError(
                f"{self._where}: {close} of {len(self._steps_s) + 1} readings come right after the "
                f"one before, and no column tells devices apart: record {told}"
            )

    def _refuse_backwards(self, held: _Held) -> NoReturn:
        raise DataError(
            f"{self._where}, {held.place}, column {self._time_name}: time runs backwards here: "
            "cut the trace, or mend or remove it"
        )


def read_samples(
    path: str, table: Rows, rows: Iterator[TextRow], columns: Columns, silent: list[str]
) -> Iterator[Sample]:
    """The readings, without the rows that have no value; ``close`` the table after them.

    Devices that have rows but no value in any are in ``silent`` then.
    """
    time, value, identity, _ = columns

    def damaged(place: str, why: str, at: int) -> None:
        table.leave_out(f"{place}, column {table.header[at]}", why)

    devices: dict[str, _Device] = {}
    without: dict[str, None] = {}  # devices of which a row has no value
    for row in rows:
        for at in row.absent & {time.at, value.at}:
            raise DataError(
                f"{path}, {row.place}: the header above it has no column {table.header[at]}, as "
                "the first one has: cut the file there"
            )
        last = len(row.cells) - 1
        if row.doubtful and last in (time.at, value.at):
            continue  # 10 W may be the beginning of 100 W
        if row.cut and "" in (row.cells[time.at], row.cells[value.at]):
            table.leave_out(row.place, "the file ends within it")
            continue
        column = value.at
        try:
            energy_or_power = value.read(row.cells[column])
            column = time.at
            at_s = time.read(row.cells)
        except ValueError as error:
            damaged(row.place, str(error), column)
            continue
        name = row.cells[identity] if identity >= 0 else ""
        if energy_or_power is None:
            without[name] = None
            continue
        if name not in devices:
            where = f"{path} ({name})" if name else path
            devices[name] = _Device(where, columns, table.header, damaged)
        device = devices[name]
        sample = Sample(name, at_s, energy_or_power)
        yield from device.add(sample, row.place, follows_header=row.follows_header)
    for device in devices.values():
        yield from device.close()
    silent += [name for name in without if name and name not in devices]
