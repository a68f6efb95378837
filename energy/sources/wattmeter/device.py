"""Devices that tell one number over HTTP, as JSON: where they are asked, and what they answer."""

from __future__ import annotations

import http.client
import io
import json
import math
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ....errors import ConfigurationError, SourceError
from ...hardware import SUPPLY_W
from ...quantities import JOULES_PER_UNIT, WATTS_PER_UNIT

MAX_PLUG_POWER_W = 25_000.0  # three phases of 32 A
TOTAL_PERIOD_S = 60.0  # of a plug's counter: Shelly's always, Tasmota's (1 Wh) from 60 W on
LONGEST_ANSWER = 1 << 20

_UNITS = WATTS_PER_UNIT | JOULES_PER_UNIT
_SECRET = re.compile(r"(?i)(?<=//)[^/@#?]*(?=@)|(?<=[?&])(?P<key>pass|pwd|token|key|auth)[^&#]*")


@dataclass(frozen=True)
class Endpoint:
    """One number that one device tells."""

    id: str  # the id of its source
    url: SplitResult  # what is asked
    path: str  # where the number is in the JSON answer: keys and list indices, joined by dots
    unit: str  # its unit: of power, to be integrated, or of energy, a counter
    detail: str  # what it is, for people
    mend: str  # what to do if the device does not tell it
    sums_channels: bool = False  # whether a list of numbers stands for their sum
    step_s: float = 0.0  # how often the device renews it; 0 if always, or not known
    max_power_w: float = SUPPLY_W  # what can go through it
    warnings: tuple[str, ...] = ()  # what a reader of the joules must know

    @property
    def is_power(self) -> bool:
        """Whether it is a power, and not the state of a counter."""
        return self.unit in WATTS_PER_UNIT

    def find(self, answer: Any) -> float:
        """The number in a device's answer, in watts or joules; a SourceError if there is none."""
        for part in self.path.split("."):
            if isinstance(answer, list) and part.isdecimal() and int(part) < len(answer):
                answer = answer[int(part)]
            elif isinstance(answer, dict) and part in answer:
                answer = answer[part]
            else:
                raise SourceError(
                    f"{part!r} of {self.path!r} is not there: found {_describe_json(answer)}"
                )
        numbers = answer if self.sums_channels and isinstance(answer, list) else [answer]
        if not all(type(number) in (int, float) for number in numbers):
            raise SourceError(f"{self.path!r} is no number but {_describe_json(answer)}")
        total = sum(numbers)
        value = total * _UNITS[self.unit]
        # A machine that runs draws something: 0 W is a relay or a sensor that is off.
        possible = 0 < value <= self.max_power_w if self.is_power else 0 <= value < math.inf
        if not possible:
            raise SourceError(f"reads {total} {self.unit}, which is impossible")
        return value


class HttpDevice:
    """A device and the connection to it, which is kept open; no proxies."""

    def __init__(self, endpoint: Endpoint, timeout_s: float) -> None:
        url = endpoint.url
        secure = url.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._endpoint, self._timeout_s = endpoint, timeout_s
        self._connection = connect(url.hostname or "", url.port, timeout=timeout_s)
        self._connection.response_class = self._respond  # pyright: ignore[reportAttributeAccessIssue]
        self._target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._deadline_s = 0.0

    def ask(self) -> float:
        """The number now, in watts or joules, within the timeout from here to the last byte.

        A name that is looked up may take longer.
        """
        self._deadline_s = time.perf_counter() + self._timeout_s
        reused = self._connection.sock is not None
        try:
            return self._ask()
        except ConnectionError:
            if not reused:
                raise
            self.close()  # it hung up since the last answer, as it may
            return self._ask()

    def close(self) -> None:
        """Hang up; the next question connects again."""
        self._connection.close()

    def _ask(self) -> float:
        self._connection.timeout = self._left_s()
        if self._connection.sock is not None:
            self._connection.sock.settimeout(self._left_s())
        self._connection.request("GET", self._target)
        response = self._connection.getresponse()
        body = response.read(LONGEST_ANSWER)
        if response.status != http.client.OK:
            raise SourceError(f"HTTP {response.status} {response.reason}")
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise SourceError("the answer is no JSON") from error
        return self._endpoint.find(answer)

    def _left_s(self) -> float:
        left_s = self._deadline_s - time.perf_counter()
        if left_s <= 0:
            raise TimeoutError("timed out")
        return left_s

    def _respond(
        self, connected: socket.socket, *args: Any, **given: Any
    ) -> http.client.HTTPResponse:
        """A response that must have come by the deadline: a device may send byte by byte."""
        response = http.client.HTTPResponse(connected, *args, **given)
        response.fp.close()
        response.fp = io.BufferedReader(_InTime(connected, self._left_s))
        return response


class _InTime(io.RawIOBase):
    """What a socket receives while there is time left."""

    def __init__(self, connected: socket.socket, left_s: Callable[[], float]) -> None:
        self._socket, self._left_s = connected, left_s
        self._received = connected.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._socket.settimeout(self._left_s())
        return self._received.readinto(buffer)

    def close(self) -> None:
        self._received.close()
        super().close()


def describe_error(error: Exception) -> str:
    """What went wrong, without the error number."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return reason or type(error).__name__


def parse(kind: str, address: str) -> Endpoint:
    """What a wattmeter's text asks for, given what stands before and behind its first colon.

    The latter is ``HOST[:PORT][/SWITCH][#total]`` (shelly), ``HOST[:PORT][#total]`` (tasmota) or
    ``URL#json.path[@UNIT]`` (http; W if no unit is given).
    """
    parsers = {"shelly": _parse_shelly, "tasmota": _parse_tasmota, "http": _parse_http}
    try:
        return parsers[kind](address)
    except ValueError as error:
        spec = _mask_secrets(f"{kind}:{address}")
        raise ConfigurationError(f"meter {spec!r}: {error}") from error


def _parse_shelly(address: str) -> Endpoint:
    host, switch, total = _parse_plug(address, "shelly:HOST[:PORT][/SWITCH][#total]")
    name, switch = f"shelly:{address}", switch or "0"
    if not switch.isdecimal():
        raise ValueError(f"switch {switch!r} is not a number such as 0")
    return Endpoint(
        id=name,
        url=_parse_url(f"http://{host}/rpc/Switch.GetStatus?id={switch}"),
        path="aenergy.total" if total else "apower",
        unit="Wh" if total else "W",
        detail=f"{'energy counter' if total else 'power'} of switch {switch} of Shelly {host}",
        mend="check the address, and that it is a Shelly of generation 2 or later, without a "
        f"password, whose switch {switch} measures (others: http:URL#json.path)",
        step_s=TOTAL_PERIOD_S if total else 0.0,
        max_power_w=MAX_PLUG_POWER_W,
        warnings=(f"{name}: its counter moves about once a minute",) if total else (),
    )


def _parse_tasmota(address: str) -> Endpoint:
    host, rest, total = _parse_plug(address, "tasmota:HOST[:PORT][#total]")
    if rest:
        raise ValueError(f"nothing may follow the host, but /{rest} does")
    name = f"tasmota:{address}"
    steps = (
        "its counter moves in steps of 3.6 kJ (1 Wh) unless EnergyRes sets finer ones"
        if total
        else "its power is in whole watts unless WattRes sets decimals"
    )
    return Endpoint(
        id=name,
        url=_parse_url(f"http://{host}/cm?cmnd=Status%2010"),
        path=f"StatusSNS.ENERGY.{'Total' if total else 'Power'}",
        unit="kWh" if total else "W",
        detail=f"{'energy counter' if total else 'power'} of Tasmota plug {host}",
        mend="check the address, and that the plug measures (with a password: http:http://HOST"
        "/cm?user=admin&password=...&cmnd=Status%2010#StatusSNS.ENERGY.Power)",
        sums_channels=True,
        step_s=TOTAL_PERIOD_S if total else 0.0,
        max_power_w=MAX_PLUG_POWER_W,
        warnings=(f"{name}: {steps}",),
    )


def _parse_http(address: str) -> Endpoint:
    url, _, where = address.partition("#")
    path, _, unit = where.rpartition("@") if "@" in where else (where, "", "W")
    if not path:
        raise ValueError(
            "no JSON path: write http:URL#json.path[@UNIT], such as "
            "http:http://192.168.1.9/power#data.0.watts (a comma in the URL as %2C)"
        )
    if unit not in _UNITS:
        raise ValueError(f"unit {unit!r} is none of {', '.join(_UNITS)}")
    name, place = _mask_secrets(f"http:{address}"), _mask_secrets(url)
    return Endpoint(
        id=name,
        url=_parse_url(url),
        path=path,
        unit=unit,
        detail=f"{path!r} in {unit} from {place}",
        mend=f"look at what {place} answers in a browser on this machine",
        warnings=()
        if unit in WATTS_PER_UNIT
        else (f"{name}: how often its counter moves is not known",),
    )


def _parse_plug(address: str, form: str) -> tuple[str, str, bool]:
    """Host with port, what follows it, and whether the counter is wanted."""
    place, hash_, which = address.partition("#")
    host, _, rest = place.partition("/")
    if not host or (hash_ and which != "total"):
        raise ValueError(f"write {form}")
    return host, rest, which == "total"


def _parse_url(text: str) -> SplitResult:
    wrong = (
        f"{_mask_secrets(text)!r} is no address: write http://HOST[:PORT]/path, IPv6 in brackets, "
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


def _mask_secrets(text: str) -> str:
    """The text without passwords, for ids and messages."""
    return _SECRET.sub(lambda match: f"{match['key']}=***" if match["key"] else "***", text)


def _describe_json(value: Any) -> str:
    """What a piece of JSON is, for people."""
    if isinstance(value, dict):
        return f"only {', '.join([*value][:8])}" if value else "nothing"
    return f"a list of {len(value)}" if isinstance(value, list) else f"{value!r:.40}"
