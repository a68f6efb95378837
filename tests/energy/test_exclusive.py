"""Domains of counters that see more than one process are held by one comparison at a time."""

import os
import stat

import pytest

from perjoule.energy import Scope
from perjoule.energy.exclusive import exclusive
from perjoule.errors import MeterError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_domain_is_held_by_one_and_free_afterwards(fakes):
    package, gpu = fakes.Counter("rapl:package-0"), fakes.Counter("nvml:GPU-a")
    refused = pytest.raises(MeterError, match="rapl:package-0 is being metered by another perjoule")
    with exclusive([package]):
        with refused, exclusive([gpu, package]):
            pass
        with exclusive([gpu]):  # it was let go again
            pass
    with exclusive([package, gpu]):
        pass


def test_a_process_scope_is_nobodys_domain_and_others_are_open_to_the_next_user(fakes, folder):
    with exclusive([fakes.Counter("cpu_time", scope=Scope.PROCESS)]):
        assert not list(folder.iterdir())
    before = os.umask(0o077)
    try:
        with exclusive([fakes.Counter("rapl:package-0")]):
            [file] = folder.iterdir()
            assert stat.S_IMODE(file.stat().st_mode) == 0o666
    finally:
        os.umask(before)


def test_a_lock_file_that_cannot_be_opened_is_named_with_the_remedy(fakes, monkeypatch):
    def deny(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("filelock.FileLock.acquire", deny)
    refused = pytest.raises(
        MeterError, match=r"perjoule-rapl-package-0\.lock: Permission .* remove"
    )
    with refused, exclusive([fakes.Counter("rapl:package-0")]):
        pass
