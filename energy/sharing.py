"""Calls that are metered while others are: every joule of a process is in one of them, once.

A call is part of the one whose context it was made in, tasks and `asyncio.to_thread` included.
Calls that merely overlap share: whenever one begins or ends, what each source counted since is
split among those open: by the joules that each thread is known to have caused, else by the CPU time
of the threads, and by time where these only wait. What a board, a module or a machine counts cannot
be split so: such a call's part is unavailable.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .forksafe import Guard
from .meter import EnergyMeter
from .parts import Part
from .reading import Reading
from .shares import Tree
from .snapshot import Snapshot
from .source import Scope

WAITING = 0.01  # calls whose threads are busy for less of the time are shared by time
HOLDING = 0.1  # a call that is busy for less of the time may be waiting for those beside it
_HAS_THREAD_CLOCKS = hasattr(time, "pthread_getcpuclockid")
_SPLIT_BY_CPU = (Scope.PROCESS, Scope.PACKAGE)
_Key = tuple[EnergyMeter, int] | None  # joules of a source, by its place; None: CPU-seconds


class Function:
    """A function whose calls are metered: how many are open, and what is all calls' together."""

    def __init__(self) -> None:
        self.open = 0
        self.part: Part | None = None  # since the last of its calls ended


class Call:
    """An open call of a metered function."""

    def __init__(self, function: Function, parent: Call | None, part: Part) -> None:
        self.function, self.parent, self.part = function, parent, part
        self.home = threading.get_ident()  # the thread that it began in
        self.active: dict[_Key, float] = {}  # since the last edge, without its parts
        self.busy_s = self.shared_s = 0.0  # CPU time and time in which it was not alone
        self.may_hold = False  # whether calls in threads that it may have started began in it
        self._thread: int | None = None  # which runs it now, and not a part of it
        self._clock: int | None = None
        self._mark: dict[_Key, float] = {}

    def resume(self) -> None:
        """This thread goes on with it."""
        self._thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread) if _HAS_THREAD_CLOCKS else None
        self._mark = self._activity()

    def pause(self) -> None:
        """This thread does something else."""
        self.note_activity()
        self._thread = None

    def note_activity(self) -> None:
        """Add up what its thread did since the last time."""
        if self._thread is None:
            return
        now = self._activity()
        for key, value in now.items():
            self.active[key] = self.active.get(key, 0.0) + value - self._mark.get(key, value)
        self._mark = now

    def _activity(self) -> dict[_Key, float]:
        """What its thread has done so far: CPU-seconds, and joules by source where known."""
        assert self._thread is not None
        found: dict[_Key, float] = {}
        if self._clock is not None:
            found[None] = time.clock_gettime(self._clock)
        for meter in _meters():
            for index, joules in enumerate(meter.caused_by(self._thread)):
                if joules is not None:
                    found[meter, index] = joules
        return found


_guard = Guard()
_open: list[Call] = []  # in the order in which they began
_edges: dict[EnergyMeter, Snapshot] = {}
_calling: ContextVar[Call | None] = ContextVar("_calling", default=None)
_here = threading.local()  # `call`: the one that this thread runs


def begin(function: Function, meter: EnergyMeter) -> Call:
    """Open a call of a function in this context."""
    with _guard:
        edges = _share([*_meters(), meter])
        call = Call(function, _calling.get(), Part(meter, edges[meter]))
        if not function.open:
            function.part = Part(meter, edges[meter])
        function.open += 1
        if _parent_of(call) is None:
            for other in _open:
                is_beside = _parent_of(other) is None and other.home != call.home
                other.may_hold |= is_beside and other.function is not function
        _open.append(call)
        meter.watch.open(call)
    return call


def end(call: Call) -> tuple[Reading, Reading]:
    """Close a call: its reading, and all that its function used since the last one ended."""
    meter, function = call.part.meter, call.function
    with _guard:
        meter.watch.close(call)
        if call not in _open:  # it began before a fork
            reading = call.part.reading(meter.snapshot(), _exact(meter))
            return reading, reading
        edges, exact = _share(_meters()), _exact(meter)
        _open.remove(call)
        part, function.open = function.part, function.open - 1
        assert part is not None
        if call.may_hold and call.busy_s < HOLDING * call.shared_s:
            doubt = (
                "the call waited while others began in other threads, and whether they are part "
                "of it is not known; open a window around it, or make an EnergyBudget"
            )
            for index in (index for index, shared in enumerate(call.part.shared) if shared):
                call.part.doubts[index] = part.doubts[index] = doubt
                part.shared[index] = True
        function.part = Part(meter, edges[meter])
        if not _open:
            _edges.clear()
        return call.part.reading(edges[meter], exact), part.reading(edges[meter], exact)


@contextmanager
def running(call: Call) -> Iterator[None]:
    """What this thread does is the call's, as is what is called in it."""
    before: Call | None = getattr(_here, "call", None)
    token = _calling.set(call)
    with _guard:
        if before is not None:
            before.pause()
        call.resume()
        _here.call = call
    try:
        yield
    finally:
        with _guard:
            call.pause()
            if before is not None:
                before.resume()
            _here.call = before
        _calling.reset(token)


def _share(meters: Iterable[EnergyMeter]) -> dict[EnergyMeter, Snapshot]:
    """Split what was used since the last edge among the open calls; returns the new edge."""
    edges = {meter: meter.snapshot() for meter in dict.fromkeys(meters)}
    calls = Tree(_open, _parent_of)
    for call in calls.calls:
        call.note_activity()
    if calls.overlaps:
        for meter, edge in edges.items():
            if (last := _edges.get(meter)) is not None:
                _split(calls, meter, last, edge)
        busy_s = calls.added_up(_did(calls, None))
        for call in calls.beside[None] if len(calls.beside[None]) > 1 else ():
            last = _edges[call.part.meter]
            call.shared_s += edges[call.part.meter].time_s - last.time_s
            call.busy_s += busy_s[call]
    for call in calls.calls:
        call.active.clear()
    _edges.update(edges)
    return edges


def _split(calls: Tree[Call], meter: EnergyMeter, last: Snapshot, edge: Snapshot) -> None:
    """Give each open call, and function, its share of what a meter's sources counted."""
    exact = _exact(meter)
    functions = dict.fromkeys(call.function for call in calls.calls)
    for index, info in enumerate(meter.sources):
        before, after = last.values[index], edge.values[index]
        joules = None
        if not (isinstance(before, str) or isinstance(after, str) or after < before):
            joules = after - before
        if exact[index]:
            shares = calls.shares(_did(calls, (meter, index)))
        elif info.scope in _SPLIT_BY_CPU and _HAS_THREAD_CLOCKS:
            shares = calls.shares(_did(calls, None), WAITING * (edge.time_s - last.time_s))
        else:
            shares = calls.sole_shares()
        for call in calls.calls:
            if call.part.meter is meter:
                call.part.take(index, joules, shares[call])
        for each in functions:
            if each.part is not None and each.part.meter is meter:
                share = calls.together(lambda call, each=each: call.function is each, shares)
                each.part.take(index, joules, share)


def _did(calls: Tree[Call], key: _Key) -> dict[Call, float]:
    return {call: call.active.get(key, 0.0) for call in calls.calls}


def _parent_of(call: Call) -> Call | None:
    """The open call that it is part of."""
    parent = call.parent
    while parent is not None and parent not in _open:
        parent = parent.parent
    return parent


def _meters() -> list[EnergyMeter]:
    return list(dict.fromkeys(call.part.meter for call in _open))


def _exact(meter: EnergyMeter) -> list[bool]:
    """Of which sources it is known what a thread has caused."""
    return [joules is not None for joules in meter.caused_by(threading.get_ident())]


def _forget_calls() -> None:
    """Begin anew, in a forked child: the calls are its parent's."""
    for call in _open:
        call.function.open, call.function.part = 0, None
    _open.clear()
    _edges.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_calls)
