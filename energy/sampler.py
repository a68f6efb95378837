"""The one background thread: power-only sources are sampled, wrapping counters kept alive."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence

from ..errors import SourceError
from .counter import IntegratedSource
from .source import Source

SAMPLE_PERIOD_S = 0.1
"""How often power-only sources are read."""
KEEP_ALIVE_S = 30.0
"""How often wrapping counters are read: the smallest range, 65 kJ, lasts 65 s at 1,000 W."""


def try_read(source: Source, name: str) -> float | str:
    """Read a source, or say why that failed; a meter never raises into what it meters."""
    try:
        energy_j = float(source.read())
    except SourceError as error:
        return f"{name}: {error}"
    except Exception as error:  # noqa: BLE001 - sources may be the user's own
        return f"{name}: unexpected {type(error).__name__}: {error}"
    return energy_j if math.isfinite(energy_j) else f"{name}: reads {energy_j} J"


class Sampler:
    """Reads the sources that need it in a daemon thread; starts none if no source does.

    It holds no reference to the meter, so that a forgotten meter can end it.

    Args:
        sources: The sources of a meter.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._stop = threading.Event()
        self._powers = [s for s in sources if isinstance(s, IntegratedSource)]
        self._wrapping = [s for s in sources if getattr(s, "wraps", False)]
        self._thread = threading.Thread(target=self._run, name="perjoule-meter", daemon=True)
        if self._powers or self._wrapping:
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()

    def _run(self) -> None:
        period_s = SAMPLE_PERIOD_S if self._powers else KEEP_ALIVE_S
        next_keep_alive = time.perf_counter() + KEEP_ALIVE_S
        while not self._stop.wait(period_s):
            due = [*self._powers]
            if time.perf_counter() >= next_keep_alive:
                next_keep_alive = time.perf_counter() + KEEP_ALIVE_S
                due += self._wrapping
            for source in due:
                try_read(source, "")
