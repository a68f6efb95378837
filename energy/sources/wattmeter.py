"""Measured energy at the wall: wattmeters that answer over HTTP.

Spec texts::

    shelly:192.168.1.20          power of a Shelly plug of generation 2 or later
    shelly:192.168.1.20/1#total  the energy counter of its second switch
    tasmota:plug.local:8080      power of a plug that runs Tasmota, all channels together
    http:http://192.168.1.9/power#data.0.watts@W   anything that answers with JSON
"""

from __future__ import annotations

import http.client
import json
import os
import re
import threading
import time
import weakref
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ...errors import ConfigurationError, MeterError, SourceError
from ..forksafe import Guard
from ..source import Kind, Scope, SourceInfo

PERIOD_S = 1.0
TIMEOUT_S = 2.0
PATIENCE_S = 10.0
"""For so long the last answer stands in for those that do not come."""
GAP_PERIODS = 3.0
"""No answer for more than this many periods is a gap that readings report."""
MAX_POWER_W = 100_000.0
TOTAL_PERIOD_S = 60.0
"""How often a plug's own counter moves: Shelly's once a minute, Tasmota's (1 Wh) from 60 W on."""
LONGEST_ANSWER = 1 << 20

WATTS = {"W": 1.0, "mW": 1e-3, "kW": 1e3}
JOULES = {"J": 1.0, "Wh": 3600.0, "kWh": 3.6e6}
_SECRET = re.compile(r"(?i)(?<=//)[^/@#?]*(?=@)|(?<=[?&])(?P<key>pass|pwd|token|key|auth)[^&#]*")


@dataclass(frozen=True)
class Quantity:
    """One number that one device tells.

    Attributes:
        id: The id of its source.
        url: What is asked.
        path: Where the number is in the JSON answer: keys and list indices, joined by dots.
        unit: Its unit: of power, to be integrated, or of energy, a counter.
        detail: What it is, for people.
        mend: What to do if the device does not tell it.
        sums_channels: Whether a list of numbers stands for their sum.
        step_s: How often the device renews it; 0 if at every answer, or if that is not known.
        warnings: What a reader of the joules must know.
    """

    id: str
    url: SplitResult
    path: str
    unit: str
    detail: str
    mend: str
    sums_channels: bool = False
    step_s: float = 0.0
    warnings: tuple[str, ...] = ()

    def find(self, answer: Any) -> float:
        """The number in a device's answer, in watts or joules.

        Raises:
            SourceError: It is not there, no number, or impossible.
        """
        for part in self.path.split("."):
            if isinstance(answer, list) and part.isdecimal() and int(part) < len(answer):
                answer = answer[int(part)]
            elif isinstance(answer, dict) and part in answer:
                answer = answer[part]
            else:
                raise SourceError(f"{part!r} of {self.path!r} is not there: found {_shape(answer)}")
        numbers = answer if self.sums_channels and isinstance(answer, list) else [answer]
        if not all(type(number) in (int, float) for number in numbers):
            raise SourceError(f"{self.path!r} is no number but {_shape(answer)}")
        total = sum(numbers)
        value = total * (WATTS | JOULES)[self.unit]
        if not 0 <= value <= (MAX_POWER_W if self.unit in WATTS else 1e300):
            raise SourceError(f"reads {total} {self.unit}, which is impossible")
        return value


class HeldPower:
    """Joules of a power that each answer sets and that holds until the next.

    Unlike the trapezoid this never falls when it is read between two answers; it differs by at most
    half a period times the change of the power between the edges of a window. Where answers fail,
    the last one holds for ``hold_s``, and the trapezoid bridges the rest of the gap.

    Args:
        power_w: The first answer.
        now: When it came, on the clock of all times here.
        hold_s: How long an answer may stand in for later ones.
        gap_s: Longer than this without an answer is a gap.
    """

    resets = 0

    def __init__(self, power_w: float, now: float, hold_s: float, gap_s: float) -> None:
        self._last = (now, power_w, 0.0)
        self._hold_s, self._gap_s = hold_s, gap_s
        self._gaps: list[tuple[float, float]] = []

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
        self._last = (now, power_w, self.energy_j(now) + bridged_j)
        if now - then > self._gap_s:
            # Windows end now, and so touch this gap if they touch an earlier one: smaller may go.
            while self._gaps and self._gaps[-1][1] <= now - then:
                self._gaps.pop()
            self._gaps.append((now, now - then))

    def largest_gap_s(self, start_s: float, end_s: float) -> float:
        """Longest time without an answer that touches the window, 0 if none stands out."""
        gaps = [*self._gaps]
        if end_s - self.answered_s > self._gap_s:
            gaps.append((end_s, end_s - self.answered_s))
        touching = (gap_s for at, gap_s in gaps if at >= start_s and at - gap_s <= end_s)
        return max(touching, default=0.0)


class Total:
    """The latest state of a device's own energy counter; it goes on while nobody looks."""

    def __init__(self, energy_j: float, now: float) -> None:
        self._last = (now, energy_j)
        self.resets = 0

    @property
    def answered_s(self) -> float:
        """When the latest answer came."""
        return self._last[0]

    def energy_j(self, _now: float) -> float:
        """Joules at the latest answer."""
        return self._last[1]

    def add(self, energy_j: float, now: float) -> None:
        """Take the answer that came now."""
        if energy_j < self._last[1]:
            self.resets += 1
        self._last = (now, energy_j)

    def largest_gap_s(self, _start_s: float, _end_s: float) -> float:
        """No joules are lost in a gap."""
        return 0.0


class Wattmeter:
    """A wattmeter that a thread of its own asks, so that nobody else waits for the network.

    The thread ends with ``close`` or when the source is forgotten; a forked child starts its own at
    its first reading.

    Args:
        quantity: The number to ask for.
        period_s: How often to ask.
        timeout_s: How long to wait for an answer.
        patience_s: Readings fail once no answer came for so long.

    Raises:
        MeterError: The device does not answer now, or not with that number.
    """

    def __init__(
        self,
        quantity: Quantity,
        period_s: float = PERIOD_S,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.info = SourceInfo(
            id=quantity.id,
            component="node",
            kind=Kind.INTEGRATED if quantity.unit in WATTS else Kind.MEASURED,
            scope=Scope.NODE,
            detail=f"{quantity.detail}, asked every {period_s:g} s: all that draws through it",
            update_period_s=max(quantity.step_s, period_s),
            max_power_w=MAX_POWER_W,
            warnings=quantity.warnings,
        )
        self._poller = _Poller(quantity, period_s, timeout_s, patience_s)
        weakref.finalize(self, self._poller.close)

    @property
    def resets(self) -> int:
        """How often the device's counter fell."""
        return self._poller.account.resets

    def read(self) -> float:
        """Joules up to the latest answer, with a power held up to now; waits for nothing.

        Raises:
            SourceError: The device has not answered for long.
        """
        return self._poller.read()

    def largest_gap_s(self, start_s: float, end_s: float) -> float:
        """Longest time without a power that touches the window, 0 if none stands out.

        Args:
            start_s: The window's start, on ``time.perf_counter``.
            end_s: Its end, which must be the latest reading.
        """
        with self._poller.guard:
            return self._poller.account.largest_gap_s(start_s, end_s)

    def close(self) -> None:
        """End the thread, which may still wait for one answer."""
        self._poller.close()


class _Poller:
    """What a source and its thread share; it knows nothing of the source."""

    def __init__(
        self, quantity: Quantity, period_s: float, timeout_s: float, patience_s: float
    ) -> None:
        self._quantity, self._timeout_s = quantity, timeout_s
        self._period_s, self._patience_s = period_s, patience_s
        self.guard = Guard()
        device = _Device(quantity, timeout_s)
        try:
            first = device.ask()
        except Exception as error:
            device.close()
            why = f"{quantity.id} cannot be read: {_plainly(error)}; {quantity.mend}"
            raise MeterError(why) from error
        now = time.perf_counter()
        self.account = (
            HeldPower(first, now, patience_s, GAP_PERIODS * period_s)
            if quantity.unit in WATTS
            else Total(first, now)
        )
        self._problem, self._closed = "", False
        self._start(device)

    def read(self) -> float:
        with self.guard:
            if self._closed:
                raise SourceError("it was closed: make a new one")
            if os.getpid() != self._pid:
                self._start(_Device(self._quantity, self._timeout_s))
            now = time.perf_counter()
            silent_s = now - self.account.answered_s
            if silent_s > self._patience_s:
                raise SourceError(f"no answer for {silent_s:.3g} s{self._problem}")
            return self.account.energy_j(now)

    def close(self) -> None:
        self._closed = True
        if os.getpid() == self._pid:
            self._stop.set()

    def _start(self, device: _Device) -> None:
        self._pid, self._stop = os.getpid(), threading.Event()
        name = f"perjoule-{self._quantity.id}"
        threading.Thread(
            target=self._poll, args=(device, self._stop), name=name, daemon=True
        ).start()

    def _poll(self, device: _Device, stop: threading.Event) -> None:
        due_s = time.perf_counter() + self._period_s
        while not stop.wait(max(due_s - time.perf_counter(), 0.0)):
            try:
                value = device.ask()
                with self.guard:  # the time too, or a reading could hold the old power for longer
                    self.account.add(value, time.perf_counter())
                self._problem = ""
            except Exception as error:  # noqa: BLE001 - outlives whatever a device does
                device.close()
                self._problem = f": {_plainly(error)}"
            due_s = max(due_s + self._period_s, time.perf_counter())
        device.close()


class _Device:
    """A device and the connection to it, which is kept open; no proxies."""

    def __init__(self, quantity: Quantity, timeout_s: float) -> None:
        url = quantity.url
        secure = url.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._quantity = quantity
        self._connection = connect(url.hostname or "", url.port, timeout=timeout_s)
        self._target = (url.path or "/") + (f"?{url.query}" if url.query else "")

    def ask(self) -> float:
        reused = self._connection.sock is not None
        try:
            return self._ask()
        except ConnectionError:
            if not reused:
                raise
            self.close()  # it hung up since the last answer, as it may
            return self._ask()

    def close(self) -> None:
        self._connection.close()

    def _ask(self) -> float:
        self._connection.request("GET", self._target)
        response = self._connection.getresponse()
        body = response.read(LONGEST_ANSWER)
        if response.status != http.client.OK:
            raise SourceError(f"HTTP {response.status} {response.reason}")
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise SourceError("the answer is no JSON") from error
        return self._quantity.find(answer)


def make(
    kind: str,
    address: str,
    *,
    period_s: float = PERIOD_S,
    timeout_s: float = TIMEOUT_S,
    patience_s: float = PATIENCE_S,
) -> Wattmeter:
    """Make the wattmeter that a spec text names.

    Args:
        kind: ``"shelly"``, ``"tasmota"`` or ``"http"``.
        address: The text after the colon: ``HOST[:PORT][/SWITCH][#total]`` for a Shelly,
            ``HOST[:PORT][#total]`` for Tasmota, ``URL#json.path[@UNIT]`` for ``http`` with a unit
            of W (the default), mW, kW, or J, Wh, kWh for a counter.
        period_s: How often to ask.
        timeout_s: How long to wait for an answer.
        patience_s: Readings fail once no answer came for so long.

    Raises:
        ConfigurationError: The text has not that form.
        MeterError: The device does not answer now, or not with that number.
    """
    parse = {"shelly": _shelly, "tasmota": _tasmota, "http": _any_device}[kind]
    try:
        quantity = parse(address)
    except ValueError as error:
        raise ConfigurationError(f"meter {_masked(f'{kind}:{address}')!r}: {error}") from error
    return Wattmeter(quantity, period_s, timeout_s, patience_s)


def _shelly(address: str) -> Quantity:
    host, switch, total = _plug(address, "shelly:HOST[:PORT][/SWITCH][#total]")
    name, switch = f"shelly:{address}", switch or "0"
    if not switch.isdecimal():
        raise ValueError(f"switch {switch!r} is not a number such as 0")
    return Quantity(
        id=name,
        url=_url(f"http://{host}/rpc/Switch.GetStatus?id={switch}"),
        path="aenergy.total" if total else "apower",
        unit="Wh" if total else "W",
        detail=f"{'energy counter' if total else 'power'} of switch {switch} of Shelly {host}",
        mend="check the address, and that it is a Shelly of generation 2 or later, without a "
        f"password, whose switch {switch} measures (others: http:URL#json.path)",
        step_s=TOTAL_PERIOD_S if total else 0.0,
        warnings=(f"{name}: its counter moves about once a minute",) if total else (),
    )


def _tasmota(address: str) -> Quantity:
    host, rest, total = _plug(address, "tasmota:HOST[:PORT][#total]")
    if rest:
        raise ValueError(f"nothing may follow the host, but /{rest} does")
    name = f"tasmota:{address}"
    steps = (
        "its counter moves in steps of 3.6 kJ (1 Wh) unless EnergyRes sets finer ones"
        if total
        else "its power is in whole watts unless WattRes sets decimals"
    )
    return Quantity(
        id=name,
        url=_url(f"http://{host}/cm?cmnd=Status%2010"),
        path=f"StatusSNS.ENERGY.{'Total' if total else 'Power'}",
        unit="kWh" if total else "W",
        detail=f"{'energy counter' if total else 'power'} of Tasmota plug {host}",
        mend="check the address, and that the plug measures (with a password: http:http://HOST"
        "/cm?user=admin&password=...&cmnd=Status%2010#StatusSNS.ENERGY.Power)",
        sums_channels=True,
        step_s=TOTAL_PERIOD_S if total else 0.0,
        warnings=(f"{name}: {steps}",),
    )


def _any_device(address: str) -> Quantity:
    url, _, where = address.partition("#")
    path, _, unit = where.rpartition("@") if "@" in where else (where, "", "W")
    if not path:
        raise ValueError(
            "no JSON path: write http:URL#json.path[@UNIT], such as "
            "http:http://192.168.1.9/power#data.0.watts (a comma in the URL as %2C)"
        )
    if unit not in WATTS | JOULES:
        raise ValueError(f"unit {unit!r} is none of {', '.join(WATTS | JOULES)}")
    name, place = _masked(f"http:{address}"), _masked(url)
    return Quantity(
        id=name,
        url=_url(url),
        path=path,
        unit=unit,
        detail=f"{path!r} in {unit} from {place}",
        mend=f"look at what {place} answers in a browser on this machine",
        warnings=(f"{name}: how often its counter moves is not known",) if unit in JOULES else (),
    )


def _plug(address: str, form: str) -> tuple[str, str, bool]:
    """Host with port, what follows it, and whether the counter is wanted."""
    place, hash_, which = address.partition("#")
    host, _, rest = place.partition("/")
    if not host or (hash_ and which != "total"):
        raise ValueError(f"write {form}")
    return host, rest, which == "total"


def _url(text: str) -> SplitResult:
    wrong = (
        f"{_masked(text)!r} is no address: write http://HOST[:PORT]/path, IPv6 in brackets, "
        "no user before the host"
    )
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError as error:
        raise ValueError(wrong) from error
    if not usable or url.username is not None:
        raise ValueError(wrong)
    return url


def _masked(text: str) -> str:
    """The text without passwords, for ids and messages."""
    return _SECRET.sub(lambda match: f"{match['key']}=***" if match["key"] else "***", text)


def _shape(value: Any) -> str:
    """What a piece of JSON is, for people."""
    if isinstance(value, dict):
        return f"only {', '.join([*value][:8])}" if value else "nothing"
    return f"a list of {len(value)}" if isinstance(value, list) else f"{value!r:.40}"


def _plainly(error: Exception) -> str:
    """What went wrong, without the error number."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return reason or type(error).__name__
