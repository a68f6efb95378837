"""A strategy whose faults end its run, and nothing else."""

from __future__ import annotations

from typing import Any

from ...models.outcome import State
from ...tuners.strategy import Strategy, Told, Work


class Guarded:
    """A strategy that has no more work once it has failed, as in a comparison.

    Args:
        strategy: The strategy.

    Attributes:
        error: How it failed; empty as long as it did not.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy, self.error = strategy, ""
        self._paused: set[int] = set()

    def ask(self, spent_j: float) -> Work | None:
        """Its next work, None if there is none or it cannot be done."""
        if self.error:
            return None
        try:
            work = self._strategy.ask(spent_j)
            self._check(work)
        except Exception as error:  # noqa: BLE001 - of whatever library
            self.error = f"{type(error).__name__}: {error}"
            return None
        return work

    def tell(self, result: Told) -> None:
        """Tell it the result."""
        paused = result.state is State.PAUSED
        (self._paused.add if paused else self._paused.discard)(result.trial)
        try:
            self._strategy.tell(result)
        except Exception as error:  # noqa: BLE001 - of whatever library
            self.error = f"{type(error).__name__}: {error}"

    def _check(self, work: Any) -> None:
        if not isinstance(work, Work | None):
            raise TypeError(f"ask returned {work!r}, neither a perjoule.Work nor None")
        if work is not None and work.trial is not None and work.trial not in self._paused:
            raise ValueError(f"ask wants to go on with trial {work.trial}, which is not paused")
