"""What the strategies of a comparison were told, for a worker: read from the ledger as it grows."""

from __future__ import annotations

import time
from contextlib import suppress

from ...errors import OutputError
from .folder import Folder
from .messages import Job, Setting
from .run import advance, restore_runs
from .tail import LedgerTail

SEEN_S = 90.0
"""Seconds in which another machine sees what was written: network file systems look anew at a file
after up to a minute."""
LOOK_S = 0.05


class Records:
    """The runs of a comparison, as far as this worker has read their ledger.

    Each line is read once. Which results a job goes on from is said by their number, as others may
    have been written since.
    """

    def __init__(self, setting: Setting) -> None:
        self._ledger = Folder(setting.folder).ledger
        self._tail = LedgerTail(self._ledger)
        self._runs = restore_runs(setting.experiment, (), self._ledger)

    def find(self, job: Job) -> None:
        """Find what a job goes on from, if it comes from another process.

        Raises:
            OutputError: The ledger cannot be read, or does not have it.
        """
        if job.history.is_here:
            return
        history, until_s = self._runs[job.run].history, time.monotonic() + SEEN_S
        while len(history) < len(job.history):
            advance(self._runs, self._tail.stream(), self._ledger, self._tail.n_read + 1)
            if len(history) >= len(job.history):
                break
            if time.monotonic() > until_s:
                raise OutputError(
                    f"{self._ledger}: has {len(history)} of the {len(job.history)} results that a "
                    f"trial of {job.run} goes on from: do the workers share the run folder?"
                )
            time.sleep(LOOK_S)
            with suppress(OSError), self._ledger.open("rb"):  # which network file systems look at
                pass
        job.history.find(history)
