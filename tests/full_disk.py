"""A disk that becomes full."""

import errno
import math
import os
from contextlib import contextmanager
from pathlib import Path

import pytest


class Disk:
    """Counts the writes of this process that need room; from one of them on there is none."""

    def __init__(self, full_at: float = math.inf) -> None:
        self.writes, self.full_at = 0, full_at

    def write(self, file, data):
        self.writes += 1
        if self.writes < self.full_at:
            return file.write(data)
        if self.writes == self.full_at:  # the last room that there was
            file.write(data[:7])
            file.flush()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class _File:
    def __init__(self, file, disk):
        self._file, self._disk = file, disk

    def write(self, data):
        return self._disk.write(self._file, data)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


@contextmanager
def disk(full_at: float = math.inf):
    """Let files that are made or added to be on a disk that is full at the n-th write."""
    found, opened = Disk(full_at), Path.open

    def open_(path, mode="r", *arguments, **options):
        file = opened(path, mode, *arguments, **options)
        return _File(file, found) if set(mode) & set("wax") else file

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", open_)
        yield found


@contextmanager
def trained_joules():
    """The joules of all slices that workers in this process train meanwhile."""
    from perjoule.benchmarks.comparison.worker import Session
    from perjoule.models.objective import Objective

    joules, in_job = [], []
    train, execute = Objective.train_slice, Session.execute

    def train_slice(self, *arguments, **options):
        result = train(self, *arguments, **options)
        if in_job:
            joules.append(result.reading.total_j)
        return result

    def execute_job(self, job):
        in_job.append(job)
        try:
            return execute(self, job)
        finally:
            in_job.pop()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objective, "train_slice", train_slice)
        patch.setattr(Session, "execute", execute_job)
        yield joules
