"""Domains of counters that see more than one process are held by one comparison at a time."""

import os
import subprocess
import sys
import time

import pytest

from perjoule.energy import Scope
from perjoule.energy import exclusive as locks
from perjoule.energy.exclusive import exclusive
from perjoule.errors import MeterError

HOLD = """
import sys
import time
from types import SimpleNamespace
from perjoule.energy.exclusive import exclusive
info = SimpleNamespace(id=sys.argv[1], scope="package")
with exclusive([SimpleNamespace(info=info)]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["names", "files"], autouse=True)
def kind(request, monkeypatch, tmp_path):
    """The locks of Linux, and those of systems that have no such names."""
    monkeypatch.setenv("PERJOULE_HOME", str(tmp_path / "home"))
    if request.param == "files":
        monkeypatch.setattr(locks.sys, "platform", "plan9")
    return request.param


@pytest.fixture
def package(fakes, tmp_path):
    return fakes.Counter(f"rapl:package-0 {tmp_path.name} {os.getpid()}")


def test_a_domain_is_held_by_one_and_free_afterwards(fakes, package):
    gpu = fakes.Counter(f"nvml:GPU-a {os.getpid()}")
    refused = pytest.raises(MeterError, match=r"rapl:package-0 .* is being metered by another")
    with exclusive([package]):
        with refused, exclusive([gpu, package]):
            pass
        with exclusive([gpu]):  # it was let go again
            pass
    with exclusive([package, gpu]):
        pass


def test_a_process_scope_is_nobodys_domain(fakes):
    source = fakes.Counter("cpu_time", scope=Scope.PROCESS)
    with exclusive([source]), exclusive([source]):
        pass


def test_a_lock_file_that_cannot_be_made_is_named_with_the_remedy(package, kind, tmp_path):
    (tmp_path / "home").write_text("no folder")
    if kind == "names":  # no file is needed, so none can be in the way
        with exclusive([package]):
            return
    refused = pytest.raises(MeterError, match=r"package-0.*\.lock: .*set PERJOULE_HOME")
    with refused, exclusive([package]):
        pass


def test_the_holder_is_named_and_its_death_frees_the_domain(package, kind):
    if kind == "files":
        pytest.skip("a lock file does not say who holds it")
    command = [sys.executable, "-c", HOLD, package.info.id]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout.readline() == b"held\n"
        refused = pytest.raises(MeterError, match=rf"\(process {holder.pid} of yours\): wait")
        with refused, exclusive([package]):
            pass
        holder.kill()
    with exclusive([package]):
        pass


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="only root can be two")
def test_other_users_are_kept_out_and_leave_nothing_behind(package, kind):
    if kind == "files":
        pytest.skip("a file of one's own keeps no other user out")
    read, write = os.pipe()
    with exclusive([package]):
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            try:
                with exclusive([package]):
                    told = b"taken"
            except MeterError as error:
                told = str(error).encode()
            os.write(write, told)
            os._exit(0)
        os.waitpid(child, 0)
    assert f"process {os.getpid()} of user root" in os.read(read, 1_000).decode()
    os.close(read)
    os.close(write)


def test_many_who_ask_do_not_hang(package, kind, monkeypatch):
    if kind == "files":
        pytest.skip("files are not asked")
    monkeypatch.setattr(locks, "_MOST_ASKED", 1)
    with exclusive([package]):
        for _ in range(5):
            with pytest.raises(MeterError, match="by another perjoule"), exclusive([package]):
                pass


def test_who_waits_has_the_domain_as_soon_as_it_is_free(package, monkeypatch):
    held = exclusive([package])
    held.__enter__()
    monkeypatch.setattr(time, "sleep", lambda _: held.__exit__(None, None, None))
    with exclusive([package], patience_s=60):
        pass
    with exclusive([package]), pytest.raises(MeterError), exclusive([package], patience_s=0):
        pass
