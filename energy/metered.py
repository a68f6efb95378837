"""Metering by decorator: any function, or an Optuna objective."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Awaitable, Callable, Generator
from dataclasses import replace
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast, overload

from .forksafe import Guard
from .meter import EnergyMeter
from .reading import Reading
from .sharing import Call, Function, begin, end, running

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Metered(Protocol[P, R_co]):
    """A function whose calls are metered.

    Attributes:
        reading: Of the call that ended last; None before the first. That of the first call of a
            process has a warning: what is done only once is in it.
        total: Of all calls in this process so far, each joule once, also where calls nest or
            overlap.
    """

    reading: Reading | None
    total: Reading

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


def _metered(function: Callable[P, R], meter: EnergyMeter | None) -> Metered[P, R]:
    _check(function)
    guard, home, calls = Guard(), os.getpid(), Function()

    def open_call() -> Call:
        return begin(calls, meter or _automatic_meter(os.getpid()))

    def close_call(call: Call, args: tuple[Any, ...]) -> None:
        nonlocal home
        reading, since_last = end(call)
        with guard:
            is_first = result.reading is None or home != os.getpid()
            if home != os.getpid():  # a forked child counts its own calls, with a meter of its own
                home, result.total = os.getpid(), Reading()
            result.total += since_last
            result.reading = reading = _marked(reading) if is_first else reading
        for trial in args[:2]:  # the first one of a method is its object
            if hasattr(trial, "set_user_attr"):
                trial.set_user_attr("energy_j", reading.total_j)
                trial.set_user_attr("energy_kind", reading.kind)
                trial.set_user_attr("energy", reading.to_dict())

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        call = open_call()
        try:
            with running(call):
                return function(*args, **kwargs)
        finally:
            close_call(call, args)

    @functools.wraps(function)
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
        call = open_call()
        try:
            with running(call):
                task = cast(Any, function)(*args, **kwargs)
            return await _Steps(call, task)
        finally:
            close_call(call, args)

    is_async = _is(inspect.iscoroutinefunction, function)
    result = cast("Metered[P, R]", awaited if is_async else called)
    result.reading, result.total = None, Reading()
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


def _marked(reading: Reading) -> Reading:
    """The reading of a first call, with a word about what else is in it."""
    warning = "first call in this process: what is done only once (loading, compiling) is in it"
    parts = (replace(part, warnings=(*part.warnings, warning)) for part in reading.components)
    return replace(reading, components=tuple(parts))


@functools.cache
def _automatic_meter(pid: int) -> EnergyMeter:
    return EnergyMeter()


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
