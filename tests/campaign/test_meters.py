"""Every reading of every source fails in every way: no wrong joule may be called known.

Time is simulated but for wattmeters, which a local server plays. What the hardware draws is
decided here, so that the truth is known.
"""

import csv
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from types import SimpleNamespace

from perjoule.energy import EnergyMeter, Source
from perjoule.energy.sources import rapl
from perjoule.energy.sources.codecarbon import CodeCarbonSource
from perjoule.energy.sources.cpu.apportioned import ApportionedSource
from perjoule.energy.sources.cpu.time import CpuTimeSource
from perjoule.energy.sources.hwmon import source as hwmon
from perjoule.energy.sources.nvml import source as nvml
from perjoule.energy.sources.recorded.files import read_trace
from perjoule.energy.sources.recorded.source import RecordedSource
from perjoule.energy.sources.wattmeter.device import parse
from perjoule.energy.sources.wattmeter.source import Wattmeter
from perjoule.errors import DataError, MeterError

FAULTS = ("raises", "freezes", "zero", "negative", "text", "beyond", "jump", "reset")
# Children that end, begin or sleep show the others too.
FAULTS_OF_PROCESSES = ("raises", "negative", "text", "beyond")
RANGE_UJ = 262_143_328_850
CASES = 600
LONGEST_S = 10.0
TOLERANCE = 0.03  # of the truth, beside what the reading itself says


class World:
    """A clock, a constant power, and one fault of the counter at some moment."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = self.start_s = 1_000.0
        self.power_w = self.random.uniform(20.0, 200.0)
        self.first_j = self.random.choice([0.0, 1.0, self.random.uniform(1e3, 2.6e5)])
        self.fault = ""
        self.at_s = self.until_s = float("inf")
        self.catches_up = self.random.random() < 0.5
        self.leap_j = self.random.uniform(400.0, 5_000.0)

    def __call__(self) -> float:
        return self.now

    def fail(self, fault: str, start_s: float, end_s: float, least_s: float) -> None:
        """Let the counter fail so at a random moment, for some time or for good."""
        self.fault, self.at_s = fault, self.random.uniform(start_s, end_s)
        lasts_s = self.random.choice([0.02, least_s, 10 * least_s, 1e9])
        self.until_s = self.at_s + lasts_s * self.random.uniform(0.5, 1.5)

    @property
    def failing(self) -> bool:
        return self.at_s <= self.now < self.until_s

    def true_j(self) -> float:
        return self.first_j + self.power_w * (self.now - self.start_s)

    def shown(self, tick_s: float) -> object:
        """What a counter of joules shows, in steps; an exception or a text where it fails so."""
        moment_s = self.start_s + (self.now - self.start_s) // tick_s * tick_s
        energy_j = self.first_j + self.power_w * (moment_s - self.start_s)
        at_fault_j = self.first_j + self.power_w * (self.at_s - self.start_s)
        past = self.now >= self.at_s
        if self.fault == "jump":
            return energy_j + self.leap_j * past
        if self.fault == "reset":
            return max(energy_j - at_fault_j, 0.0) if past else energy_j
        if self.fault == "freezes" and past and not self.failing and not self.catches_up:
            return energy_j - self.power_w * (self.until_s - self.at_s)
        if not self.failing:
            return energy_j
        wrong = {"freezes": at_fault_j, "zero": 0.0, "negative": -energy_j, "beyond": 1e16}
        return wrong.get(self.fault, self.fault)

    def power(self) -> object:
        """What a meter of power shows; it cannot freeze, since its power is constant."""
        wrong = {"zero": 0.0, "negative": -5.0, "beyond": 1e9, "jump": 1e6, "reset": "raises"}
        return wrong.get(self.fault, self.fault) if self.failing else self.power_w


def _number(shown: object, unit: float) -> str:
    """A number as a file shows it."""
    if shown == "raises":
        return ""
    return "no number" if isinstance(shown, str) else str(int(float(str(shown)) * unit))


class Files:
    """A file that shows what the world says whenever it is read."""

    def __init__(self, world: World, path: Path, show: Callable[[], str]) -> None:
        self._path, self._show = path, show
        world.files.append(self)  # pyright: ignore[reportAttributeAccessIssue]
        self.refresh()

    def refresh(self) -> None:
        self._path.write_text(self._show())


def rapl_source(world: World, folder: Path) -> Source:
    zone = folder / "intel-rapl:0"
    zone.mkdir()
    (zone / "name").write_text("package-0")
    (zone / "max_energy_range_uj").write_text(str(RANGE_UJ))

    def show() -> str:
        shown = world.shown(1e-3)
        if isinstance(shown, float) and 0 <= shown < 1e15:
            shown %= (RANGE_UJ + 1) / 1e6
        return _number(shown, 1e6)

    Files(world, zone / "energy_uj", show)
    return rapl.discover(folder, world).sources[0]  # pyright: ignore[reportReturnType]


def shared_source(world: World, folder: Path) -> Source:
    """The share of a process that is alone on its package."""
    return ApportionedSource(rapl_source(world, folder), world, world, world)


def hwmon_source(name: str, file: str, show: Callable[[World], str]):
    def make(world: World, folder: Path) -> Source:
        chip = folder / "hwmon0"
        chip.mkdir()
        (chip / "name").write_text(name)
        (chip / "energy1_label").write_text("Esocket0")
        Files(world, chip / file, lambda: show(world))
        return hwmon.discover(folder, clock=world).sources[0]  # pyright: ignore[reportReturnType]

    return make


def nvml_source(*, counter: bool):
    def ask(shown: object) -> object:
        if shown == "raises":
            raise OSError("GPU is lost")
        return shown if isinstance(shown, str) else float(str(shown)) * 1e3

    def make(world: World, folder: Path) -> Source:
        world.first_j = max(world.first_j, 1_000.0)
        answers = {
            "Init": lambda: None,
            "DeviceGetCount": lambda: 1,
            "DeviceGetHandleByIndex": lambda index: index,
            "DeviceGetUUID": lambda _: "GPU-campaign",
            "DeviceGetName": lambda _: "Card",
            "DeviceGetMaxMigDeviceCount": lambda _: 0,
            "DeviceGetComputeRunningProcesses": lambda _: [],
            "DeviceGetPowerManagementLimitConstraints": lambda _: (100_000, 350_000),
            "DeviceGetPowerUsage": lambda _: ask(world.power()),
        }
        if counter:
            answers["DeviceGetTotalEnergyConsumption"] = lambda _: ask(world.shown(0.1))
        binding = SimpleNamespace(**{f"nvml{name}": answer for name, answer in answers.items()})
        return nvml.discover(binding, ["0"], clock=world).sources[0]  # pyright: ignore

    return make


def codecarbon_source(world: World, folder: Path) -> Source:
    """A tracker whose thread measures once a second, unless it has died."""
    told: list = []
    tracker = SimpleNamespace(stop=lambda: None)

    def measure() -> None:
        shown = world.shown(1.0)
        if shown != "raises" and not (world.fault == "freezes" and world.failing):
            value = float("nan") if isinstance(shown, str) else float(str(shown)) / 3.6e6
            told[0].live_out(SimpleNamespace(energy_consumed=value), None)

    def make_tracker(output_handlers, **_settings):
        told.extend(output_handlers)
        tracker.start = measure
        return tracker

    world.leap_j *= 100.0
    world.first_j += 1e4  # a smaller total may be overtaken within a second
    source = CodeCarbonSource(make_tracker, world)
    world.every_second = measure  # pyright: ignore[reportAttributeAccessIssue]
    return source


def recorded_source(world: World, folder: Path) -> Source:
    """A counter recorded ten times a second, with the fault in the recording."""
    now, rows = world.now, []
    world.leap_j += 500.0  # less could be drawn
    world.fail(world.fault, *world.when)  # pyright: ignore[reportAttributeAccessIssue]
    for number in range(250):
        world.now = now + 0.1 * number
        shown = world.shown(0.1)
        if isinstance(shown, float) and 0 <= shown < 1e15:
            rows.append((f"{0.1 * number:.1f}", f"{shown:.3f}"))
        else:
            rows.append((f"{0.1 * number:.1f}", "[N/A]"))
    world.now = now
    path = folder / "trace.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("time_s", "cpu_energy_j"), *rows])
    return RecordedSource(read_trace(path), world)


def cpu_source(world: World, folder: Path) -> Source:
    """The joules of child processes, whose CPU times fail."""

    def children_s(_pid: int) -> float:
        shown = world.shown(0.01)
        if isinstance(shown, str):
            raise OSError(shown)
        return float(str(shown)) / world.power_w

    return CpuTimeSource(world.power_w, children_s, world)


def _joules(world: World) -> str:
    return _number(world.shown(1e-3), 1e6)


def _watts(world: World) -> str:
    return _number(world.power(), 1e6)


def _run(world: World, make, folder: Path, fault: str) -> str:
    """What is wrong with two windows around a fault; empty if nothing is."""
    world.files, world.every_second = [], lambda: None  # pyright: ignore
    length_s = world.random.uniform(0.3, 8.0)
    world.when = (world.now + 0.7, world.now + 0.7 + length_s, 0.5)  # pyright: ignore
    world.fault = fault if make is recorded_source else ""
    try:
        source = make(world, folder)
    except DataError:  # a trace that falls is refused by its reader
        return ""
    if make is not recorded_source:
        world.fail(fault, *world.when)  # pyright: ignore[reportAttributeAccessIssue]
    meter = EnergyMeter([source], clock=world)
    look_s = [world.now] * (1 + len(source.tasks()))
    looks = [meter.watch.look, *source.tasks()]

    def pass_time(seconds: float) -> None:
        end_s = world.now + seconds
        while world.now < end_s:
            second_s = world.now // 1 + 1
            world.now = max(min(end_s, second_s, *look_s), world.now + 1e-3)
            for file in world.files:  # pyright: ignore[reportAttributeAccessIssue]
                file.refresh()
            if world.now >= second_s:
                world.every_second()  # pyright: ignore[reportAttributeAccessIssue]
            for number, look in enumerate(looks):
                if world.now >= look_s[number]:
                    wait_s = 1.0
                    with suppress(Exception):
                        wait_s = look()
                    look_s[number] = world.now + min(wait_s, WAKES_S if number == 0 else wait_s)

    pass_time(0.5)
    wrong = ""
    for duration_s in (0.2 + length_s, world.random.uniform(0.3, 3.0)):
        window, start_j = meter.window(), world.true_j()
        pass_time(duration_s)
        wrong = wrong or _judge(window.close(), world.true_j() - start_j)
    meter.close()
    return wrong


WAKES_S = 0.05  # the watch is looked at so often, since windows wake it


def _judge(reading, true_j: float) -> str:
    [part] = reading.components
    if part.energy_j is None:
        return "" if part.warnings and part.warnings[0] else "no reason"
    declared_j = (part.bound_j or 0.0) + TOLERANCE * true_j + 1.0
    if abs(part.energy_j - true_j) <= declared_j:
        return ""
    if part.bound_j is None and any("below 5 update periods" in told for told in part.warnings):
        return ""  # how far off it may be is not known, and it says so
    return f"{part.kind} {part.energy_j:.4g} J +- {part.bound_j}, truly {true_j:.4g} J"


def test_no_wrong_joule_of_a_failing_source_is_called_known(share_of, tally, tmp_path):
    sources = {
        "rapl": rapl_source,
        "share of rapl": shared_source,
        "hwmon counter": hwmon_source("amd_energy", "energy1_input", _joules),
        "hwmon power": hwmon_source("amd_hsmp_hwmon", "power1_input", _watts),
        "nvml counter": nvml_source(counter=True),
        "nvml power": nvml_source(counter=False),
        "codecarbon": codecarbon_source,
        "recorded": recorded_source,
        "cpu_time": cpu_source,
    }
    cases = [
        (name, fault)
        for name in sources
        for fault in FAULTS
        if name != "cpu_time" or fault in FAULTS_OF_PROCESSES
    ]
    chosen = random.Random(13).sample(range(CASES), share_of(CASES))
    wrong, tracebacks = [], []
    for number in chosen:
        name, fault = cases[number % len(cases)]
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            why = _run(World(number), sources[name], folder, fault)
        except Exception as error:  # noqa: BLE001 - counted
            tracebacks.append(f"{number} {name} {fault}: {error!r}")
            continue
        if why:
            wrong.append(f"{number} {name} {fault}: {why}")
    print(*wrong, *tracebacks, sep="\n")
    tally("meters", len(chosen), wrong_joules=len(wrong), tracebacks=len(tracebacks))


class Plug:
    """A plug at one path of the server below: its fault begins at some moment."""

    def __init__(self, number: int) -> None:
        self.random = random.Random(number)
        self.fault = (*FAULTS, "drip", "silence")[number % 10]
        self.counts = number // 10 % 2 == 0
        self.power_w = self.random.uniform(20.0, 200.0)
        self.start_s = time.perf_counter()
        self.at_s = self.start_s + self.random.uniform(0.5, 1.5)
        self.until_s = self.at_s + self.random.choice([0.1, 0.4, 100.0])

    def answer(self) -> str:
        now = time.perf_counter()
        failing, past = self.at_s <= now < self.until_s, now >= self.at_s
        value = 1e4 + self.power_w * (now - self.start_s) if self.counts else self.power_w
        if self.counts and past:
            if self.fault == "reset":
                return str(self.power_w * (now - self.at_s))
            if self.fault == "jump":
                return str(value + 1e5)
            if self.fault == "freezes":  # and goes on without what it missed
                return str(value - self.power_w * (min(now, self.until_s) - self.at_s))
        wrong = {"zero": "0", "negative": f"-{value}", "text": '"no number"', "beyond": "1e300"}
        wrong |= {"jump": "1e6", "reset": "null", "raises": "{}"}
        return wrong.get(self.fault, str(value)) if failing else str(value)


@contextmanager
def serving(plugs: list[Plug]) -> Iterator[str]:
    """Serve what plugs answer; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            plug = plugs[int(self.path.strip("/"))]
            failing = plug.at_s <= time.perf_counter() < plug.until_s
            if failing and plug.fault == "silence":
                time.sleep(1.0)
            body = json.dumps({"value": None}).replace("null", plug.answer()).encode()
            pieces = [body]
            if failing and plug.fault == "drip":
                pieces = [body[at : at + 1] for at in range(len(body))]
            with suppress(OSError):  # who asked has given up
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                for piece in pieces:
                    self.wfile.write(piece)
                    if len(pieces) > 1:
                        time.sleep(0.1)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _watch_plug(plug: Plug, address: str, number: int) -> tuple[str, float]:
    """What is wrong with a window over a plug's fault, and how long that took."""
    text = f"http://{address}/{number}#value@{'J' if plug.counts else 'W'}"
    began_s = time.perf_counter()
    try:
        wattmeter = Wattmeter(parse("http", text), period_s=0.05, timeout_s=0.2, patience_s=0.5)
    except MeterError:  # it failed by then, on a loaded machine
        return "", time.perf_counter() - began_s
    with EnergyMeter([wattmeter]) as meter:
        start_s = time.perf_counter()
        window = meter.window()
        time.sleep(plug.random.uniform(1.0, 2.0))
        reading = window.close()
        ended_s = time.perf_counter()
    wattmeter.close()
    return _judge(reading, plug.power_w * (ended_s - start_s)), time.perf_counter() - began_s


def test_no_wrong_joule_of_a_failing_wattmeter_is_called_known(share_of, tally):
    whole = 200
    chosen = random.Random(13).sample(range(whole), share_of(whole))
    wrong, n_hangs = [], 0
    for some in (chosen[at : at + 10] for at in range(0, len(chosen), 10)):
        plugs = [Plug(number) for number in some]
        with serving(plugs) as address, ThreadPoolExecutor(len(some)) as pool:
            watched = [pool.submit(_watch_plug, p, address, n) for n, p in enumerate(plugs)]
            for number, (why, took_s) in zip(some, (w.result() for w in watched), strict=True):
                n_hangs += took_s > LONGEST_S
                if why:
                    plug = plugs[some.index(number)]
                    what = "counter" if plug.counts else "power"
                    wrong.append(f"{number} {what} {plug.fault}: {why}")
    print(*wrong, sep="\n")
    tally("wattmeters", len(chosen), wrong_joules=len(wrong), hangs=n_hangs)
