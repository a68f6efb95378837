import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy import Kind, Scope
from perjoule.energy.sources import codecarbon
from perjoule.errors import SourceError


class Tracker:
    """A tracker whose totals a test decides, as CodeCarbon calls it."""

    def __init__(self, **settings) -> None:
        self.settings = settings
        self.n_stops = 0

    def start(self) -> None:
        self.measure(0.0)

    def measure(self, energy_kwh: float) -> None:
        total = SimpleNamespace(energy_consumed=energy_kwh)
        for handler in self.settings["output_handlers"]:
            handler.live_out(total, total)

    def stop(self) -> None:
        self.n_stops += 1


@pytest.fixture
def tracked(fakes):
    return Tracked(fakes)


class Tracked:
    """A source, its tracker and their clock."""

    def __init__(self, fakes) -> None:
        made: list[Tracker] = []
        self.clock = fakes.Clock()

        def make_tracker(**settings) -> Tracker:
            made.append(Tracker(**settings))
            return made[0]

        self.source = codecarbon.CodeCarbonSource(make_tracker, self.clock)
        [self.tracker] = made


RUN = """
import json, os, signal, sys, tempfile, time
tempfile.gettempdir()  # tries its folders by writing
touched = []

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        touched.append(str(arguments))
    if event == "open" and isinstance(arguments[0], str) and arguments[0] != os.devnull:
        if arguments[2] & (os.O_WRONLY | os.O_RDWR):
            touched.append(arguments[0])

sys.dont_write_bytecode = True
sys.addaudithook(watch)
signals = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
from perjoule.energy import EnergyMeter
from perjoule.energy.sources.codecarbon import CodeCarbonSource
source = CodeCarbonSource()
with EnergyMeter([source]) as meter:
    window = meter.window()
    deadline = time.monotonic() + 20
    while not window.reading.total_j and time.monotonic() < deadline:
        time.sleep(0.05)
    reading = window.close()
source.close()
assert signals == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
said = {"touched": touched, "detail": source.info.detail, "read_cost_s": meter.read_cost_s}
print(json.dumps({**said, "warnings": reading.warnings, **reading.to_dict()}))
"""


CONFIGURATION = """
[codecarbon]
emissions_endpoint = http://localhost:9/
electricitymaps_api_token = secret
co2_signal_api_token = secret
output_methods = csv,api
cloud_provider = gcp
cloud_region = nowhere
allow_multiple_runs = false
log_level = debug
"""


@pytest.mark.thorough
def test_codecarbons_own_tracker_counts_the_machine_and_neither_writes_nor_sends(tmp_path):
    """In a process of its own, under a configuration that says much."""
    (tmp_path / ".codecarbon.config").write_text(CONFIGURATION)
    command = [sys.executable, "-W", "error", "-c", RUN]
    answer = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == [".codecarbon.config"]
    run = json.loads(answer.stdout)
    assert 0 < run["total_j"] < 5_000 * run["duration_s"]
    assert run["kind"] == Kind.MODELLED
    assert "RAM (watts guessed from its size)" in run["detail"]
    assert "CPU(" in run["detail"]
    assert any("update periods" in warning for warning in run["warnings"])
    assert run["read_cost_s"] < 1e-3
    assert run["touched"] == []


@given(st.lists(st.floats(0, 1e-4), max_size=20))
def test_kilowatt_hours_become_joules_of_the_machine(fakes, steps_kwh):
    tracked, total_kwh = Tracked(fakes), 0.0
    info = tracked.source.info
    assert (info.component, info.kind, info.scope) == ("node", Kind.MODELLED, Scope.NODE)
    for step_kwh in steps_kwh:
        total_kwh += step_kwh
        tracked.tracker.measure(total_kwh)
        assert tracked.source.read() == pytest.approx(total_kwh * 3.6e6)
    assert tracked.source.resets == 0


def test_between_measurements_the_last_one_holds_until_the_tracker_seems_dead(tracked):
    tracked.tracker.measure(1e-6)
    tracked.clock.now += 2.5
    assert tracked.source.read() == pytest.approx(3.6)
    tracked.clock.now += 1.0
    with pytest.raises(SourceError, match="not measured for 3 s"):
        tracked.source.read()


@pytest.mark.parametrize("jump_j", [-0.1, -262_142.0, 264_394.0, float("nan")])
def test_an_impossible_step_makes_the_window_around_it_unavailable(fakes, tracked, jump_j):
    one = fakes.Metered(tracked.source, clock=tracked.clock)
    tracked.clock.now += 1.0
    tracked.tracker.measure(jump_j / 3.6e6)
    tracked.clock.now += 3_600.0  # so long that the window's mean power is possible
    tracked.tracker.measure((jump_j + 300_000.0) / 3.6e6)
    assert one.window.close().total_j is None
    assert tracked.source.resets >= 1


def test_closing_or_dropping_a_source_stops_the_tracker_once(fakes, tracked):
    tracked.source.close()
    tracked.source.close()
    assert tracked.tracker.n_stops == 1
    with pytest.raises(SourceError, match="stopped"):
        tracked.source.read()
    dropped = Tracked(fakes)
    del dropped.source
    assert dropped.tracker.n_stops == 1


def test_a_tracker_that_fails_is_a_source_error():
    def failing(**settings: object) -> Tracker:
        raise OSError("no such folder")

    class Silent(Tracker):
        """As CodeCarbon's own when it swallowed an error."""

        def start(self) -> None:
            pass

    with pytest.raises(SourceError, match="no such folder"):
        codecarbon.CodeCarbonSource(failing)
    with pytest.raises(SourceError, match="does not start"):
        codecarbon.CodeCarbonSource(Silent)


def test_a_tracker_that_died_is_unknown_and_no_zero(fakes, tracked):
    one = fakes.Metered(tracked.source, clock=tracked.clock)
    tracked.clock.now += 6.0
    reading = one.window.close()
    assert (reading.total_j, reading.kind) == (None, "unavailable")
    assert "has not measured for 3 s" in reading.warnings[0]
