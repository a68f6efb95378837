"""Real commands, at one watt per core: joules are CPU-seconds."""

import ctypes
import os
import signal
import subprocess
import sys
import threading

import pytest

from perjoule.energy import EnergyMeter
from perjoule.energy.command import GET_SUBREAPER, measure
from perjoule.energy.sources.cpu.time import CpuTimeSource
from perjoule.errors import ConfigurationError

TICK_S = 0.01
"""The kernel reports the time of other processes in such steps."""
BURN = "import time\nwhile time.process_time() < {}: pass"
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets us adopt orphans")


@pytest.fixture
def meter(fakes):
    """A meter of CPU-seconds that looks for descendants at every edge of a window."""
    clock = fakes.Clock()

    def pass_time():
        clock.now += 1_000.0

    with EnergyMeter([CpuTimeSource(1.0, clock=clock)], synchronize=pass_time) as meter:
        yield meter


@pytest.fixture
def ready(tmp_path):
    return tmp_path / "ready"


def python(script: str) -> list[str]:
    return [sys.executable, "-S", "-c", script]


@linux
def test_a_daemon_that_outlives_the_command_is_counted_up_to_its_end(meter, tmp_path):
    pid_file = tmp_path / "pid"
    daemon = f"""{BURN.format(0.2)}
import os
open({str(pid_file)!r}, "w").write(str(os.getpid()))
while True: time.sleep(1.0)
"""
    script = '"$@" & while ! [ -s "$FILE" ]; do sleep 0.01; done; exit 5'
    command = ["env", f"FILE={pid_file}", "sh", "-c", script, "sh", *python(daemon)]
    result = measure(command, meter)
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGKILL)
    assert os.waitpid(pid, 0) == (pid, signal.SIGKILL)  # it has become our child
    assert result.exit_code == 5
    assert result.reading.total_j >= 0.2 - TICK_S


def test_children_of_other_threads_keep_their_exit_codes(meter):
    started = []
    thread = threading.Timer(0.05, lambda: started.append(subprocess.Popen(["sh", "-c", "exit 5"])))
    thread.start()
    measure(["sleep", "0.3"], meter)
    thread.join()
    assert started[0].wait() == 5


@linux
def test_signal_handlers_are_put_back_and_orphans_go_to_init_again(meter):
    numbers = [n for n in signal.valid_signals() if n not in (signal.SIGKILL, signal.SIGSTOP)]
    before = [signal.getsignal(number) for number in numbers]
    measure(["true"], meter)
    with pytest.raises(ConfigurationError):
        measure(["no-such-program"], meter)
    assert [signal.getsignal(number) for number in numbers] == before
    adopts = ctypes.c_int(-1)
    ctypes.CDLL(None).prctl(GET_SUBREAPER, ctypes.byref(adopts))
    assert adopts.value == 0


def test_a_failing_source_neither_stops_nor_hides_the_command(fakes):
    counter = fakes.Counter()
    counter.failure = fakes.failure
    result = measure(["sh", "-c", "exit 3"], EnergyMeter([counter]))
    assert (result.exit_code, result.reading.total_j) == (3, None)
    assert result.command == ("sh", "-c", "exit 3")


def test_outside_the_main_thread_commands_are_metered_too(meter):
    results = []
    thread = threading.Thread(target=lambda: results.append(measure(["sh", "-c", "exit 3"], meter)))
    thread.start()
    thread.join()
    assert results[0].exit_code == 3
    assert results[0].reading.total_j is not None


@pytest.mark.parametrize("name", ["no-such-program", ".", "plain.txt", "no-shebang", "a\0b"])
def test_a_command_that_cannot_be_run_is_named_with_the_remedy(meter, tmp_path, name):
    for file in ("plain.txt", "no-shebang"):
        (tmp_path / file).write_text("words")
    (tmp_path / "no-shebang").chmod(0o755)
    command = name if name == "no-such-program" or "\0" in name else f"{tmp_path}/{name}"
    remedy = r"cannot be run .*on PATH or an executable"
    with pytest.raises(ConfigurationError, match=remedy) as told:
        measure([command, "--epochs", "3"], meter)
    assert repr(command) in str(told.value)
    assert "\n" not in str(told.value)
    for no_list in ("python train.py", [], ""):
        with pytest.raises(ConfigurationError, match="a list of the program and its arguments"):
            measure(no_list, meter)


class Running:
    """``measure`` in a process of its own, in its own process group, writing what it found."""

    SCRIPT = """
import os, signal, sys
from perjoule.energy import EnergyMeter
from perjoule.energy.command import measure
from perjoule.energy.sources.cpu.time import CpuTimeSource
seconds = [0.0]
def pass_time(): seconds[0] += 1_000.0
meter = EnergyMeter([CpuTimeSource(1.0, clock=lambda: seconds[0])], synchronize=pass_time)
{before}
result = measure(sys.argv[1:], meter)
print("exit", result.exit_code, result.reading.total_j is not None)
{afterwards}
"""

    def __init__(self, command, before="", afterwards="", **given) -> None:
        script = self.SCRIPT.format(before=before, afterwards=afterwards)
        given |= {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "process_group": 0}
        whole = [sys.executable, "-c", script, *command]
        self.process = subprocess.Popen(whole, text=True, **given)

    def output(self, given: str = "") -> list[str]:
        """All that it and its command wrote."""
        with self.process:
            return self.process.communicate(given, timeout=30.0)[0].splitlines()


@linux
def test_a_daemon_that_ends_within_the_command_is_counted_and_leaves_no_zombie(tmp_path):
    done = tmp_path / "done"
    daemon = f"{BURN.format(0.3)}\nopen({str(done)!r}, 'w').write('done')"
    script = f"""
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, {python(daemon)!r})
    os._exit(0)
os.wait()
while not os.path.exists({str(done)!r}): time.sleep(0.005)
time.sleep(0.1)
"""
    afterwards = """
import psutil, resource
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(result.reading.total_j, usage.ru_utime + usage.ru_stime, psutil.Process().children())
"""
    ended, found = Running(python(script), afterwards=afterwards).output()
    total_j, waited_for_s, zombies = found.split()
    assert (ended, zombies) == ("exit 0 True", "[]")
    assert float(waited_for_s) >= 0.3  # we have waited for the daemon
    assert float(total_j) == pytest.approx(float(waited_for_s), abs=5 * TICK_S)


def test_the_command_has_our_streams_environment_and_what_was_left_open_for_us():
    read, write = os.pipe()
    script = f'read line; echo "got $line and $GREETING"; echo token >/dev/fd/{write}; exit 6'
    environment = {**os.environ, "GREETING": "hello"}
    running = Running(["sh", "-c", script], env=environment, pass_fds=[write])
    os.close(write)
    assert running.output("words\n") == ["got words and hello", "exit 6 True"]
    with os.fdopen(read) as pipe:
        assert pipe.read() == "token\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_a_signal_from_the_terminal_ends_the_command_and_we_report(fakes, ready, number):
    running = Running(["sh", "-c", f"ulimit -c 0; echo yes >{ready}; exec sleep 60"])
    fakes.wait_for(lambda: ready.exists() and ready.read_text())
    os.killpg(running.process.pid, number)
    assert running.output() == [f"exit {128 + number} True"]


@pytest.mark.parametrize("name", ["TERM", "USR1"])
def test_a_signal_to_us_is_passed_on_to_the_command(fakes, ready, name):
    script = f"trap 'echo told; exit 7' {name}; echo yes >{ready}; while :; do sleep 0.01; done"
    running = Running(["sh", "-c", script])
    fakes.wait_for(lambda: ready.exists() and ready.read_text())
    os.kill(running.process.pid, signal.Signals[f"SIG{name}"])
    assert running.output() == ["told", "exit 7 True"]


def test_a_signal_that_we_are_told_to_ignore_is_ignored_by_the_command(fakes, ready):
    running = Running(
        ["sh", "-c", f"echo yes >{ready}; read line; exit 0"],
        before="signal.signal(signal.SIGHUP, signal.SIG_IGN)",
    )
    fakes.wait_for(lambda: ready.exists() and ready.read_text())
    os.killpg(running.process.pid, signal.SIGHUP)
    assert running.output("go on\n") == ["exit 0 True"]


@pytest.mark.parametrize(
    ("before", "afterwards", "said"),
    [
        ("signal.signal(signal.SIGCHLD, signal.SIG_IGN)", "", []),
        ("import subprocess; child = subprocess.Popen(['false'])", "print(child.wait())", ["1"]),
    ],
)
def test_exit_codes_are_known_where_children_are_ignored_and_of_earlier_ones(
    before, afterwards, said
):
    running = Running(["sh", "-c", "sleep 0.1; exit 3"], before, afterwards)
    assert running.output() == ["exit 3 True", *said]


def test_a_signal_that_comes_before_the_command_runs_is_passed_on_too():
    before = """
pending = [signal.SIGTERM]
def begin_a_window():
    if pending: os.kill(os.getpid(), pending.pop())
meter = EnergyMeter("cpu_time:1", synchronize=begin_a_window)
"""
    assert Running(["sleep", "60"], before).output() == ["exit 143 True"]
