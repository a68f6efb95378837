"""A local HTTP server plays the plugs."""

import contextlib
import gc
import json
import os
import re
import signal
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy import Kind, Scope
from perjoule.energy.sources.wattmeter.device import parse
from perjoule.energy.sources.wattmeter.source import HeldPower, Wattmeter
from perjoule.errors import ConfigurationError, MeterError, SourceError

PERIOD_S = 0.01


class Device:
    """What a plug answers, and the wattmeters that ask it."""

    def __init__(self, wait_for: Callable[[Callable[[], object]], None]) -> None:
        self.wait_for = wait_for
        self.power_w: object = 50.0
        self.total: object = 2.0
        self.status = 200
        self.body: bytes | None = None
        self.drops = self.hangs_up = False
        self.drips = ""
        self.go_on = threading.Event()
        self.go_on.set()
        self.n_asked = self.n_connections = 0
        self.address = ""
        self.wattmeters: weakref.WeakSet[Wattmeter] = weakref.WeakSet()

    def answer(self, target: str) -> object:
        total, energy = {"total": self.total}, {"Total": self.total, "Power": self.power_w}
        return {
            "/rpc/Switch.GetStatus?id=0": {"apower": self.power_w, "aenergy": total},
            "/rpc/Switch.GetStatus?id=1": {"apower": 7.0, "aenergy": {"total": 9.0}},
            "/cm?cmnd=Status%2010": {"StatusSNS": {"Time": "2026-01-01", "ENERGY": energy}},
        }.get(target, {"data": [{"watts": self.power_w, "kWh": self.total, "name": "desk"}]})

    def wattmeter(self, kind: str = "shelly", rest: str = "", **given) -> Wattmeter:
        start = f"http://{self.address}" if kind == "http" else self.address
        given = {"period_s": PERIOD_S, "timeout_s": 0.2, **given}
        wattmeter = Wattmeter(parse(kind, start + rest), **given)
        self.wattmeters.add(wattmeter)
        return wattmeter

    def wait_for_answers(self, n: int = 2) -> None:
        """Wait until the thread has been given that many more answers."""
        n_asked = self.n_asked
        self.wait_for(lambda: self.n_asked > n_asked + n)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    device: Device

    def setup(self) -> None:
        super().setup()
        self.device.n_connections += 1

    def do_GET(self) -> None:
        self.device.n_asked += 1
        self.device.go_on.wait(10.0)
        self.close_connection = self.device.hangs_up or self.device.drops
        if self.device.drops:
            return
        body = self.device.body or json.dumps(self.device.answer(self.path)).encode()
        with contextlib.suppress(ConnectionError):  # who asked has given up
            if self.device.drips == "head":
                self._drip(b"HTTP/1.1 200 OK\r\n")
            self.send_response(self.device.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.device.drips == "body":
                self._drip(body)
            else:
                self.wfile.write(body)

    def _drip(self, text: bytes) -> None:
        while self.device.drips and text:
            self.wfile.write(text[:1])
            text = text[1:] or text
            time.sleep(0.05)

    def log_message(self, format: str, *args: object) -> None:
        pass


def fails(source: Wattmeter) -> str:
    """Why a reading fails; empty if it does not."""
    try:
        source.read()
    except SourceError as error:
        return str(error)
    return ""


def check_power(source: Wattmeter, power_w: float, until: Callable[[], object]) -> None:
    """Check that a constant power is integrated while something happens."""
    first_s, start_j, second_s = time.perf_counter(), source.read(), time.perf_counter()
    until()
    third_s, end_j, last_s = time.perf_counter(), source.read(), time.perf_counter()
    least_j, most_j = power_w * (third_s - second_s), power_w * (last_s - first_s)
    assert least_j * (1 - 1e-6) <= end_j - start_j <= most_j * (1 + 1e-6)


def threads_of(source_id: str) -> list[str]:
    return [t.name for t in threading.enumerate() if t.name == f"perjoule-{source_id}"]


@pytest.fixture
def device(fakes) -> Iterator[Device]:
    device = Device(fakes.wait_for)
    handler = type("DeviceHandler", (Handler,), {"device": device})
    server = ThreadingTCPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    device.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield device
    for wattmeter in device.wattmeters:
        wattmeter.close()
    device.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("kind", "rest", "power_w"),
    [
        *(("shelly", "", 50.0), ("shelly", "/0", 50.0), ("shelly", "/1", 7.0)),
        *(("tasmota", "", 50.0), ("http", "/any#data.0.watts", 50.0)),
        *(("http", "/any?id=1#data.0.watts@mW", 0.05), ("http", "#data.0.watts@kW", 50e3)),
    ],
)
def test_power_is_integrated(device, kind, rest, power_w):
    source = device.wattmeter(kind, rest)
    check_power(source, power_w, device.wait_for_answers)
    info = source.info
    assert info.id.startswith(f"{kind}:")
    assert (info.component, info.scope, info.kind) == ("node", Scope.NODE, Kind.INTEGRATED)
    assert (info.update_period_s, info.gain_error) == (PERIOD_S, None)


@pytest.mark.parametrize(
    ("kind", "rest", "energy_j", "update_period_s"),
    [
        *(("shelly", "#total", 7200.0, 60.0), ("shelly", "/1#total", 9.0 * 3600, 60.0)),
        ("tasmota", "#total", 2.0 * 3.6e6, 60.0),
        *(
            ("http", f"/any#data.0.kWh@{unit}", 2.0 * unit_j, PERIOD_S)
            for unit, unit_j in (("kWh", 3.6e6), ("Wh", 3600), ("J", 1))
        ),
    ],
)
def test_totals_are_the_devices_own_counter(device, kind, rest, energy_j, update_period_s):
    source = device.wattmeter(kind, rest)
    assert source.read() == energy_j
    assert (source.info.kind, source.info.update_period_s) == (Kind.MEASURED, update_period_s)
    [warning] = source.info.warnings
    assert warning.startswith(f"{source.info.id}: ")


def test_a_counter_moves_with_the_device_and_fails_but_loses_nothing_without_answers(device):
    source = device.wattmeter("shelly", "#total", patience_s=0.05)
    device.drops = True
    device.wait_for(lambda: fails(source))
    device.total, device.drops = 8.0, False
    device.wait_for(lambda: not fails(source))
    assert (source.read(), source.resets) == (8.0 * 3600, 0)
    assert source.largest_gap_s(0.0, time.perf_counter()) == 0.0
    device.total = 0.5
    device.wait_for(lambda: not fails(source) and source.read() == 0.5 * 3600)
    assert source.resets == 1


def test_the_channels_of_a_tasmota_plug_are_added(device):
    device.power_w, device.total = [30, 12.5], [1.0, 0.25]
    assert device.wattmeter("tasmota", "#total").read() == 1.25 * 3.6e6
    check_power(device.wattmeter("tasmota"), 42.5, device.wait_for_answers)


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_device_that_hangs_up_after_each_answer_is_asked_all_the_same(device, hangs_up):
    device.hangs_up = hangs_up
    source = device.wattmeter(period_s=0.15, timeout_s=5.0, patience_s=0.28)
    n_asked = device.n_asked
    while device.n_asked < n_asked + 3:  # readings would fail if every second answer did
        assert not fails(source)
        time.sleep(0.002)
    assert device.n_connections >= 3 if hangs_up else device.n_connections == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"drops": True}, "closed connection"),
        ({"body": b"{not JSON"}, "the answer is no JSON"),
        ({"body": b"[" * 100_000}, "recursion"),
        ({"body": b"{}"}, "'apower' of 'apower' is not there: found nothing"),
        ({"status": 500}, "HTTP 500 Internal Server Error"),
        ({"status": 401}, "HTTP 401 Unauthorized"),
        ({"power_w": -3.0}, "reads -3.0 W, which is impossible"),
        ({"power_w": 200e3}, "reads 200000.0 W, which is impossible"),
        ({"power_w": float("nan")}, "reads nan W, which is impossible"),
        ({"power_w": None}, "'apower' is no number but None"),
        ({"power_w": True}, "'apower' is no number but True"),
        ({"power_w": "50"}, "'apower' is no number but '50'"),
    ],
)
def test_failed_answers_are_bridged_and_readings_fail_after_a_while(device, fault, reason):
    well = {name: getattr(device, name) for name in fault}

    def fail_and_recover() -> None:
        vars(device).update(fault)
        device.wait_for(lambda: reason in fails(source))
        assert fails(source).startswith("no answer for ")
        vars(device).update(well)
        device.wait_for(lambda: not fails(source))

    source = device.wattmeter(patience_s=0.05)
    start_s = time.perf_counter()
    check_power(source, 50.0, fail_and_recover)
    assert source.largest_gap_s(start_s, time.perf_counter()) > 0.05
    assert source.largest_gap_s(start_s - 2.0, start_s - 1.0) == 0.0


def test_a_device_that_does_not_answer_in_time_is_given_up_and_asked_again(device):
    source = device.wattmeter(timeout_s=0.05, patience_s=0.05)
    device.go_on.clear()
    device.wait_for(lambda: "timed out" in fails(source))
    device.go_on.set()
    device.wait_for(lambda: not fails(source))


def test_reading_takes_no_time_while_the_device_hangs(device):
    source = device.wattmeter(timeout_s=5.0)
    device.go_on.clear()
    device.wait_for_answers(0)
    before_j, started_s = source.read(), time.perf_counter()
    for _ in range(1_000):
        source.read()
    assert time.perf_counter() - started_s < 0.2
    assert source.read() > before_j  # the last power holds


def test_the_device_must_answer_at_once(device):
    device.drops = True
    with pytest.raises(MeterError, match=r"shelly:127.*cannot be read: .*; check the address"):
        device.wattmeter()
    assert not threads_of(f"shelly:{device.address}")
    for host, why in (("127.0.0.1", "Connection refused"), ("[::1]", "")):
        address = f"{host}:1"
        with pytest.raises(MeterError, match=f"tasmota:{re.escape(address)} cannot be read: {why}"):
            Wattmeter(parse("tasmota", address))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("data.3.watts", "'3' of 'data.3.watts' is not there: found a list of 1; look at what"),
        ("data.0.power", "'power' of 'data.0.power' is not there: found only watts, kWh, name;"),
        ("data.0.watts.x", "'x' of 'data.0.watts.x' is not there: found 50.0;"),
        ("data", "'data' is no number but a list of 1;"),
        ("data.0.name", "'data.0.name' is no number but 'desk';"),
    ],
)
def test_a_path_that_leads_nowhere_says_what_is_there(device, path, reason):
    with pytest.raises(MeterError) as raised:
        device.wattmeter("http", f"/any#{path}")
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("kind", "address", "reason"),
    [
        ("shelly", "", "write shelly:HOST"),
        ("shelly", "plug#energy", "write shelly:HOST"),
        ("shelly", "plug/left", "switch 'left' is not a number"),
        ("shelly", "fe80::1", "IPv6 in brackets"),
        ("shelly", "plug:http", "is no address"),
        ("http", "http://me:secret@plug/power#a", "no user before the host"),
        ("tasmota", "plug/1", "nothing may follow the host"),
        ("http", "http://plug/power", r"no JSON path: write http:URL#json.path\[@UNIT\]"),
        ("http", "http://plug/power?of=1", "a comma in the URL as %2C"),
        ("http", "http://plug/power#a@hp", "unit 'hp' is none of W, mW, kW, MW, J, "),
        ("http", "ftp://plug/power#a", "is no address"),
        ("http", "plug/power#a", "is no address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(kind, address, reason):
    with pytest.raises(ConfigurationError, match=reason) as raised:
        parse(kind, address)
    assert "secret" not in str(raised.value)


def test_passwords_do_not_show(device):
    spec = "/any?user=me&password=secret&id=1#data.0.watts"
    info = device.wattmeter("http", spec).info
    assert info.id.endswith("/any?user=me&pass=***&id=1#data.0.watts")
    assert "secret" not in info.detail


def test_closing_or_forgetting_a_source_ends_its_thread(device):
    source = device.wattmeter()
    name = source.info.id
    assert threads_of(name)
    source.close()
    device.wait_for(lambda: not threads_of(name))
    assert "closed" in fails(source)
    source = device.wattmeter()
    assert threads_of(name)
    del source
    gc.collect()
    device.wait_for(lambda: not threads_of(name))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_child_asks_by_itself(device):
    source = device.wattmeter("shelly", "#total")
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        with contextlib.suppress(BaseException):
            device.wait_for(lambda: not fails(source) and source.read() == 5.0 * 3600)
            source.close()
            os._exit(0)
        os._exit(1)
    device.total = 5.0
    assert os.waitpid(child, 0)[1] == 0
    device.wait_for_answers()  # and the parent goes on


moments = st.floats(1e-3, 2.0)
steps = st.lists(st.tuples(moments, st.floats(0.0, 1e3)), min_size=1, max_size=20)


def held(powers: list[tuple[float, float]]) -> tuple[HeldPower, float]:
    """Powers that were answered so many seconds after each other, and when the last one was."""
    now = powers[0][0]
    account = HeldPower(powers[0][1], now, hold_s=10.0, gap_s=3.0)
    for after_s, power_w in powers[1:]:
        now += after_s
        account.add(power_w, now)
    return account, now


@given(powers=steps, tail_s=moments)
def test_the_energy_of_power_steps_is_exact(powers, tail_s):
    account, now = held(powers)
    holds_s = [after_s for after_s, _ in powers[1:]] + [tail_s]
    expected_j = sum(power_w * hold_s for (_, power_w), hold_s in zip(powers, holds_s, strict=True))
    assert account.energy_j(now + tail_s) == pytest.approx(expected_j, rel=1e-9, abs=1e-9)
    assert account.largest_gap_s(0.0, now) == 0.0


@given(powers=steps, reads=st.lists(st.floats(0.0, 60.0), max_size=10), later_s=moments)
def test_readings_between_answers_add_up_and_never_fall(powers, reads, later_s):
    account, now = held(powers)
    values = [account.energy_j(now + at) for at in sorted(reads)]
    account.add(0.0, now + max(reads, default=0.0) + later_s)
    values.append(account.energy_j(now + 100.0))
    assert values == sorted(values)


def test_a_long_gap_is_held_first_and_then_bridged_by_the_trapezoid():
    account, _ = held([(0.0, 100.0)])
    assert [account.largest_gap_s(1.0, end_s) for end_s in (2.0, 8.0)] == [0.0, 8.0]  # it lasts
    account.add(300.0, 30.0)
    assert account.energy_j(30.0) == 100.0 * 10 + (100.0 + 300.0) / 2 * 20
    assert [account.largest_gap_s(start_s, 31.0) for start_s in (5.0, 30.5)] == [30.0, 0.0]


def test_a_later_smaller_gap_hides_no_earlier_one():
    account, _ = held([(at_s, 100.0) for at_s in (0.0, 8.0, 1.0, 5.0, 1.0, 4.0)])
    assert [account.largest_gap_s(at_s, 19.0) for at_s in (1.0, 8.5, 14.5)] == [8.0, 5.0, 4.0]


@pytest.mark.parametrize("place", ["head", "body"])
def test_a_device_that_answers_byte_by_byte_has_a_deadline_at_start_and_later(device, place):
    source = device.wattmeter(patience_s=0.05)
    device.drips = place
    started_s = time.perf_counter()
    device.wait_for(lambda: "timed out" in fails(source))
    with pytest.raises(MeterError, match=r"cannot be read: timed out; check the address"):
        device.wattmeter()
    assert time.perf_counter() - started_s < 5.0  # whole, an answer would take longer
    device.drips = ""
    device.wait_for(lambda: not fails(source))


def test_a_name_that_is_looked_up_for_ever_has_a_deadline_too(device, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1.0))
    started_s = time.perf_counter()
    with pytest.raises(MeterError, match=r"no answer within 0\.2 s"):
        device.wattmeter(timeout_s=0.1)
    assert time.perf_counter() - started_s < 0.9


def test_a_counter_that_is_silent_for_three_periods_is_unknown(device):
    """Its joules of the silence come later, so those of a window that ends now are too few."""
    source = device.wattmeter("http", "/any#data.0.kWh@J")
    device.go_on.clear()
    device.wait_for(lambda: fails(source))
    assert "no answer for" in fails(source)
    device.go_on.set()
    device.wait_for(lambda: not fails(source))
