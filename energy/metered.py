"""Metering by decorator: any function, or an Optuna objective."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
import weakref
from collections.abc import Awaitable, Callable, Generator
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast, overload

from ..errors import MeterError
from .forksafe import Guard
from .meter import EnergyMeter
from .reading import ComponentReading, Reading
from .sharing import Call, Function, begin, end, running
from .source import Scope

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

_ONCE = "first call in this process: what is done only once (loading, compiling) is in it"
_OF_ALL = "other workers may have used the same hardware: readings of several must not be added up"
_NOT_SPLIT = (Scope.PACKAGE, Scope.BOARD, Scope.MODULE, Scope.NODE)


class Metered(Protocol[P, R_co]):
    """A function whose calls are metered.

    Attributes:
        reading: Of the call that ended last; None before the first. That of the first call of a
            process has a warning: what is done only once is in it.
        total: Of all calls in this process so far, each joule once, also where calls nest or
            overlap.
        with_reading: Called like the function, it gives the pair of what the function gives and
            the call's reading, for calls that are made in another process:

                pairs = joblib.Parallel(n_jobs=2)(joblib.delayed(f.with_reading)(x) for x in xs)
                all_calls = sum((reading for _, reading in pairs), perjoule.Reading())

            That of a method is given its object, too: ``net.fit.with_reading(net, x)``.
    """

    reading: Reading | None
    total: Reading
    with_reading: Callable[..., Any]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function in a window of its own."""
        ...

    @overload
    def __get__(self, instance: None, owner: type) -> Metered[P, R_co]: ...
    @overload
    def __get__(
        self: Metered[Concatenate[Any, Q], R_co], instance: object, owner: type
    ) -> Metered[Q, R_co]: ...
    def __get__(self, instance: object, owner: type) -> Any:
        """Bind a method, as functions do."""
        ...


@overload
def metered(function: Callable[P, R], meter: EnergyMeter | None = None) -> Metered[P, R]: ...
@overload
def metered(
    function: None = None, meter: EnergyMeter | None = None
) -> Callable[[Callable[P, R]], Metered[P, R]]: ...
def metered(
    function: Callable[P, R] | None = None, meter: EnergyMeter | None = None
) -> Metered[P, R] | Callable[[Callable[P, R]], Metered[P, R]]:
    """Meter every call of a function, also one that fails; a coroutine until it is done.

        @metered
        def train(): ...

        train()
        print(train.reading, train.total)

    Calls that overlap, in threads or as tasks, share what is counted meanwhile: by what each thread
    is known to have caused, else by the CPU time of the threads, which is called apportioned. What
    cannot be split (a GPU's, a whole machine's joules) is None for each, and known in ``total``.
    A worker process meters its own calls. Since others may work beside it, a processor's joules
    are split by CPU time there too; what cannot be split is marked, and must not be added up.

    Every trial of an Optuna objective, failed and pruned ones too, gets the user attributes
    ``energy_j`` (gross joules, or None if unavailable), ``energy_kind`` and ``energy`` (the full
    reading):

        study.optimize(metered(objective), callbacks=[budget.stop_study])

    Args:
        function: Any function or method, with ``async`` or not.
        meter: The meter to read; if not given, an automatic one that all functions share and that
            is made at the first call.

    Raises:
        TypeError: It is no function, or a generator, whose work is done after the call.
    """
    return (lambda given: _metered(given, meter)) if function is None else _metered(function, meter)


class _Record:
    """What a process knows of the calls of a metered function, however many copies it has of it.

    A function that is sent to another process takes its token along, not its record.
    """

    def __init__(self, token: str) -> None:
        self.token, self.home = token, os.getpid()
        self.guard, self.calls = Guard(), Function()
        self.reading: Reading | None = None
        self.total = Reading()

    def __reduce__(self) -> tuple[Callable[[str], _Record], tuple[str]]:
        return _record_of, (self.token,)

    def note(self, reading: Reading, since_last: Reading) -> Reading:
        """Take note of a call that ended, and of what was used since the last one did."""
        with self.guard:
            if self.home != os.getpid():  # a forked child counts its own calls
                self.home, self.reading, self.total = os.getpid(), None, Reading()
            if _is_worker():
                reading = _warned(reading, _OF_ALL, lambda part: part.scope in _NOT_SPLIT)
            self.reading = _warned(reading, _ONCE) if self.reading is None else reading
            self.total += since_last
            return self.reading


_records: weakref.WeakValueDictionary[str, _Record] = weakref.WeakValueDictionary()
_sent_here: list[_Record] = []  # copies come and go with each task, and their record stays


def _record_of(token: str) -> _Record:
    """This process' record of a function."""
    if (record := _records.get(token)) is None:
        record = _records[token] = _Record(token)
        _sent_here.append(record)
    return record


def _metered(function: Callable[P, R], meter: EnergyMeter | None) -> Metered[P, R]:
    _check(function)
    token = os.urandom(16).hex()
    record = _records[token] = _Record(token)

    def open_call() -> Call:
        return begin(record.calls, meter or _automatic_meter(os.getpid()))

    def close_call(call: Call, args: tuple[Any, ...]) -> Reading:
        reading = record.note(*end(call))
        result.reading, result.total = record.reading, record.total
        for trial in args[:2]:  # the first one of a method is its object
            if hasattr(trial, "set_user_attr"):
                trial.set_user_attr("energy_j", reading.total_j)
                trial.set_user_attr("energy_kind", reading.kind)
                trial.set_user_attr("energy", reading.to_dict())
        return reading

    def with_reading(*args: P.args, **kwargs: P.kwargs) -> tuple[R, Reading]:
        call = open_call()
        try:
            with running(call):
                value = function(*args, **kwargs)
        finally:
            reading = close_call(call, args)
        return value, reading

    async def awaited_with_reading(*args: P.args, **kwargs: P.kwargs) -> tuple[Any, Reading]:
        call = open_call()
        try:
            with running(call):
                task = cast(Any, function)(*args, **kwargs)
            value = await _Steps(call, task)
        finally:
            reading = close_call(call, args)
        return value, reading

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        return with_reading(*args, **kwargs)[0]

    @functools.wraps(function)
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
        return (await awaited_with_reading(*args, **kwargs))[0]

    is_async = _is(inspect.iscoroutinefunction, function)
    result = cast("Metered[P, R]", awaited if is_async else called)
    result.reading, result.total = None, Reading()
    both: Any = awaited_with_reading if is_async else with_reading
    both.__module__ = getattr(function, "__module__", __name__)
    both.__name__ = "with_reading"
    both.__qualname__ = f"{getattr(function, '__qualname__', '')}.with_reading"  # to be found by
    result.with_reading = both
    return result


class _Steps:
    """A coroutine of which each step, from one wait to the next, is a call's."""

    def __init__(self, call: Call, task: Awaitable[Any]) -> None:
        self._call, self._steps = call, cast("Generator[Any, Any, Any]", task.__await__())

    def __await__(self) -> Generator[Any, Any, Any]:
        value, error = None, None
        while True:
            with running(self._call):
                try:
                    step = self._steps.send(value) if error is None else self._steps.throw(error)
                except StopIteration as done:
                    return done.value
            try:
                value, error = (yield step), None
            except BaseException as thrown:  # noqa: BLE001 - it is the coroutine's to answer
                value, error = None, thrown


def _warned(
    reading: Reading, warning: str, which: Callable[[ComponentReading], bool] = lambda part: True
) -> Reading:
    """The reading with a word about what else is in it, of the components that it is true of."""
    parts = (
        replace(part, warnings=(*part.warnings, warning)) if which(part) else part
        for part in reading.components
    )
    return replace(reading, components=tuple(parts))


@functools.cache
def _automatic_meter(pid: int) -> EnergyMeter:
    if _is_worker():
        with contextlib.suppress(MeterError):  # something cannot be split: all is metered whole
            return EnergyMeter(shared=True)
    return EnergyMeter()


def _is_worker() -> bool:
    """Whether this is a process of multiprocessing, of joblib or of a pool of others."""
    processes: Any = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.current_process().name != "MainProcess"


def _check(function: object) -> None:
    if not callable(function):
        mend = "give a meter by name, as in @metered(meter=meter)"
        raise TypeError(f"metered: {function!r} is no function; {mend}")
    if _is(inspect.isgeneratorfunction, function) or _is(inspect.isasyncgenfunction, function):
        raise TypeError(
            f"metered: {function!r} is a generator, which works after it was called; meter the "
            "loop over it with `with meter.window():`"
        )


def _is(kind: Callable[[object], bool], function: object) -> bool:
    """Whether a function, or what an object runs when it is called, is of a kind."""
    return kind(function) or kind(type(function).__call__)
