"""Calling a recorder in a thread of its own, so that it ends and holds up nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING

from ...models.importing import describe_error

if TYPE_CHECKING:
    from .recorder import Recorder


class Caller:
    """Calls one recorder in a thread of its own, until it fails for the first time.

    It begins a call only while it may work, so that what recorders take falls between slices, and
    into none of their joules.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.name = recorder.name or type(recorder).__name__
        self.error: BaseException | None = None
        self.fault = self.look = ""
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._n_left = 0
        self.may_work = threading.Event()
        self._done = threading.Condition()
        self._thread: threading.Thread | None = None

    @property
    def sentence(self) -> str:
        """What went wrong, and what is to be done; empty if nothing did."""
        if not self.fault:
            return ""
        return (
            f"{self.name} failed ({self.fault}), and records no more; the comparison is whole: "
            "record it by `perjoule report FOLDER --record …` once that is mended"
        )

    @property
    def is_busy(self) -> bool:
        """Whether a call has not come back."""
        return self._n_left > 0

    def call(self, what: Callable[[], object]) -> None:
        """Call it once it is not busy any more."""
        if self.fault:
            return
        with self._done:
            self._n_left += 1
        self._calls.put(what)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until all calls have come back, so long at most."""
        with self._done:
            self._done.wait_for(lambda: self._n_left == 0, max(0.0, seconds))

    def comes_back(self, seconds: float) -> bool:
        """Let it work until one more call has come back, or so long; whether one has."""
        self.may_work.set()
        with self._done:  # or a call that comes back meanwhile would be waited for in vain
            before = self._n_left
            return before == 0 or self._done.wait_for(lambda: self._n_left < before, seconds)

    def end(self, why_not: str) -> None:
        """Call it no more; it has failed if it is still busy."""
        if self.is_busy and not self.fault:
            self.fault = why_not
        self._calls.put(None)

    def _work(self) -> None:
        while (what := self._calls.get()) is not None:
            self.may_work.wait()
            if not self.fault:
                try:
                    what()
                    self.look = self.recorder.look()
                except BaseException as error:  # noqa: BLE001 - anybody's code
                    self.error = error
                    self.fault = describe_error(error)
            with self._done:
                self._n_left -= 1
                self._done.notify_all()
