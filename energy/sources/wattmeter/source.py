"""Measured energy at the wall: wattmeters that answer over HTTP (see ``device.parse``)."""

from __future__ import annotations

import os
import threading
import time
import weakref

from ....errors import MeterError, SourceError
from ...counter import GAP_PERIODS, Gaps, PossibleSteps
from ...forksafe import Guard
from ...source import Kind, Scope, Source, SourceInfo
from .device import Endpoint, HttpDevice, describe_error

PERIOD_S = 1.0
TIMEOUT_S = 2.0
PATIENCE_S = 10.0  # how long the last power stands in for missing ones
START_TIMEOUTS = 2.0  # in these the first answer must be there, a name being looked up included


class HeldPower:
    """Joules of a power that each answer sets and that holds until the next, or for ``hold_s``.

    Unlike the trapezoid this never falls when read between two answers; the trapezoid bridges the
    rest of a failure. Longer than ``gap_s`` without an answer is a gap.
    """

    resets = 0

    def __init__(self, power_w: float, now: float, hold_s: float, gap_s: float) -> None:
        self._last = (now, power_w, 0.0)
        self._hold_s, self._gap_s = hold_s, gap_s
        self._gaps = Gaps()

    @property
    def answered_s(self) -> float:
        """When the latest answer came."""
        return self._last[0]

    def energy_j(self, now: float) -> float:
        """Joules up to now."""
        then, power_w, energy_j = self._last
        return energy_j + power_w * min(now - then, self._hold_s)

    def add(self, power_w: float, now: float) -> None:
        """Take the answer that came now."""
        then, last_w, _ = self._last
        bridged_j = (last_w + power_w) / 2 * max(now - then - self._hold_s, 0.0)
        # At once: a fork may fall between two steps.
        self._last = (now, power_w, self.energy_j(now) + bridged_j)
        if now - then > self._gap_s:
            self._gaps.add(now, now - then)

    def largest_gap_s(self, start_s: float, end_s: float) -> float:
        """Longest time without an answer that touches the window, 0 if none stands out."""
        silent_s = end_s - self.answered_s
        lasting_s = silent_s if silent_s > self._gap_s else 0.0
        return max(self._gaps.largest_s(start_s, end_s), lasting_s)


class Total:
    """The latest state of a device's own energy counter; it goes on while nobody looks."""

    def __init__(self, energy_j: float, now: float, info: SourceInfo) -> None:
        self._steps = PossibleSteps(info.max_power_w, info.update_period_s)
        self.add(energy_j, now)

    @property
    def resets(self) -> int:
        """How often the counter fell or leapt."""
        return self._steps.losses

    def energy_j(self, _now: float) -> float:
        """Joules at the latest answer."""
        return self._energy_j

    def add(self, energy_j: float, now: float) -> None:
        """Take the answer that came now."""
        self._steps.judge(energy_j, now, now)
        self.answered_s, self._energy_j = now, energy_j

    def largest_gap_s(self, _start_s: float, _end_s: float) -> float:
        """No joules are lost in a gap."""
        return 0.0


class Wattmeter(Source):
    """A wattmeter that a thread of its own asks, so that nobody else waits for the network.

    Readings fail once no answer came for ``patience_s``, or for three periods if it is a counter,
    whose joules would be missing. A device that does not answer now, or not with that number, is a
    MeterError.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        period_s: float = PERIOD_S,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.info = SourceInfo(
            id=endpoint.id,
            component="node",
            kind=Kind.INTEGRATED if endpoint.is_power else Kind.MEASURED,
            scope=Scope.NODE,
            detail=f"{endpoint.detail}, asked every {period_s:g} s: all that draws through it",
            update_period_s=max(endpoint.step_s, period_s),
            max_power_w=endpoint.max_power_w,
            warnings=endpoint.warnings,
        )
        self._poller = _Poller(endpoint, self.info, period_s, timeout_s, patience_s)
        weakref.finalize(self, self._poller.close)

    @property
    def resets(self) -> int:
        """How often the device's counter fell."""
        return self._poller.account.resets

    def read(self) -> float:
        """Joules up to the latest answer, with a power held up to now; waits for nothing."""
        return self._poller.read()

    def largest_gap_s(self, start_s: float, end_s: float) -> float:
        """Longest time without a power that touches the window, 0 if none stands out."""
        with self._poller.guard:
            return self._poller.account.largest_gap_s(start_s, end_s)

    def close(self) -> None:
        """End the thread, which may still wait for one answer."""
        self._poller.close()


class _Poller:
    """What a source and its thread share; it knows nothing of the source."""

    def __init__(
        self,
        endpoint: Endpoint,
        info: SourceInfo,
        period_s: float,
        timeout_s: float,
        patience_s: float,
    ) -> None:
        self._endpoint, self._timeout_s = endpoint, timeout_s
        gap_s = GAP_PERIODS * period_s
        self._period_s = period_s
        self._patience_s = patience_s if endpoint.is_power else min(patience_s, gap_s)
        self.guard = Guard()
        device = HttpDevice(endpoint, timeout_s)
        try:
            first = _ask_in_time(device, START_TIMEOUTS * timeout_s)
        except Exception as error:
            device.close()
            why = f"{endpoint.id} cannot be read: {describe_error(error)}; {endpoint.mend}"
            raise MeterError(why) from error
        now = time.perf_counter()
        self.account = (
            HeldPower(first, now, patience_s, gap_s)
            if endpoint.is_power
            else Total(first, now, info)
        )
        self._problem, self._closed = "", False
        self._pid, self._stop = os.getpid(), threading.Event()
        self._start(device)

    def read(self) -> float:
        with self.guard:
            if self._closed:
                raise SourceError("it was closed: make a new one")
            if os.getpid() != self._pid:
                self._pid, self._stop = os.getpid(), threading.Event()
                self._start(HttpDevice(self._endpoint, self._timeout_s))
            now = time.perf_counter()
            silent_s = now - self.account.answered_s
            if silent_s > self._patience_s:
                raise SourceError(f"no answer for {silent_s:.3g} s{self._problem}")
            return self.account.energy_j(now)

    def close(self) -> None:
        self._closed = True
        if os.getpid() == self._pid:
            self._stop.set()

    def _start(self, device: HttpDevice) -> None:
        work, name = (device, self._stop), f"perjoule-{self._endpoint.id}"
        threading.Thread(target=self._poll, args=work, name=name, daemon=True).start()

    def _poll(self, device: HttpDevice, stop: threading.Event) -> None:
        due_s = time.perf_counter() + self._period_s
        while not stop.wait(max(due_s - time.perf_counter(), 0.0)):
            try:
                value = device.ask()
                with self.guard:  # the time too, or a reading could hold the old power for longer
                    self.account.add(value, time.perf_counter())
                self._problem = ""
            except Exception as error:  # noqa: BLE001 - outlives whatever a device does
                device.close()
                self._problem = f": {describe_error(error)}"
            due_s = max(due_s + self._period_s, time.perf_counter())
        device.close()


def _ask_in_time(device: HttpDevice, within_s: float) -> float:
    """Ask on a thread of its own, since looking up a name cannot be ended."""
    answers: list[float | Exception] = []

    def ask() -> None:
        try:
            answers.append(device.ask())
        except Exception as error:  # noqa: BLE001 - raised below
            answers.append(error)

    thread = threading.Thread(target=ask, name="perjoule-first-question", daemon=True)
    thread.start()
    thread.join(within_s)
    answer = answers[0] if answers else TimeoutError(f"no answer within {within_s:g} s")
    if isinstance(answer, Exception):
        raise answer
    return answer
