"""CodeCarbon's tracker as one more software meter, to compare meters with."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...errors import SourceError
from ..counter import PossibleSteps
from ..quantities import JOULES_PER_UNIT
from ..source import Kind, Scope, Source, SourceInfo

PERIOD_S = 1.0  # its own default of 15 s would blur windows below a minute
LOST_AFTER_S = 3.0 * PERIOD_S  # a tracker that has not measured for so long has died
MAX_POWER_W = 20_000.0  # machines of eight GPUs are rated up to 15 kW


class _Totals:
    """What the tracker hands to an output of its own after each measurement."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.last: tuple[float, float] | None = None  # joules and when they came
        self.steps = PossibleSteps(MAX_POWER_W, PERIOD_S)  # a failed reading is taken for a wrap

    def live_out(self, total: Any, delta: Any) -> None:
        energy_j, now = total.energy_consumed * JOULES_PER_UNIT["kWh"], self._clock()
        self.steps.judge(energy_j, now, now)
        self.last = (energy_j, now)

    def out(self, total: Any, delta: Any) -> None:
        self.live_out(total, delta)

    def exit(self) -> None:
        """Nothing to close."""


class CodeCarbonSource(Source):
    """The energy that CodeCarbon's offline tracker counts for the whole machine.

    It runs on its own threads, once a second; ``read`` holds its last total, since asking for a
    fresh one (``flush``) races with its timer and counts twice. Nothing is written, sent or asked
    over a network, whatever a configuration file sets. Its logger is silenced for the process.
    """

    def __init__(
        self,
        make_tracker: Callable[..., Any] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._clock = clock
        self._totals = _Totals(clock)
        tracker = _start(make_tracker, self._totals)
        self._stop = weakref.finalize(self, _stop, tracker)
        self._stop.atexit = False
        self.info = SourceInfo(
            id="codecarbon",
            component="node",
            kind=Kind.MODELLED,
            scope=Scope.NODE,
            detail=f"CodeCarbon's tracker of the whole machine: {_claims(tracker)}",
            update_period_s=PERIOD_S,
            max_power_w=MAX_POWER_W,
            moves=True,  # a machine draws always, and so its model of it
        )

    @property
    def resets(self) -> int:
        """How often the tracker's total moved by an impossible amount."""
        return self._totals.steps.losses

    def read(self) -> float:
        """Joules since the tracker started, as of its last measurement."""
        if not self._stop.alive:
            raise SourceError("CodeCarbon's tracker was stopped")
        energy_j, at_s = self._totals.last or (0.0, 0.0)
        if self._clock() - at_s > LOST_AFTER_S:
            raise SourceError(f"CodeCarbon's tracker has not measured for {LOST_AFTER_S:g} s")
        return energy_j

    def close(self) -> None:
        """Stop the tracker."""
        self._stop()


def find_data_files(pattern: str) -> list[Path]:
    """Files of CodeCarbon's tables by name, none if it is not installed; it is not imported."""
    spec = find_spec("codecarbon")
    folders = (spec.submodule_search_locations or []) if spec else []
    return sorted(file for folder in folders for file in Path(folder, "data").glob(pattern))


def _start(make_tracker: Callable[..., Any] | None, totals: _Totals) -> Any:
    import logging

    try:
        if make_tracker is None:
            import codecarbon

            make_tracker = codecarbon.OfflineEmissionsTracker
        logging.getLogger("codecarbon").setLevel(logging.CRITICAL)  # it logs while being made
        tracker = make_tracker(
            measure_power_secs=PERIOD_S,
            tracking_mode="machine",
            pue=1.0,
            output_handlers=[totals],
            api_call_interval=1,  # hand over each measurement
            output_methods=[],
            output_dir=".",
            emissions_endpoint=None,
            electricitymaps_api_token=None,
            force_carbon_intensity_g_co2e_kwh=0.0,
            country_iso_code=None,
            cloud_provider=None,
            allow_multiple_runs=True,  # no lock file and no signal handlers
            log_level="critical",
        )
        tracker.start()
    except Exception as error:
        raise SourceError(f"CodeCarbon's tracker: {type(error).__name__}: {error}") from error
    if totals.last is None:  # it swallows its own errors
        _stop(tracker)
        raise SourceError("CodeCarbon's tracker does not start: run it by itself to see why")
    return tracker


def _stop(tracker: Any) -> None:
    with contextlib.suppress(Exception):  # half-made ones lack attributes
        tracker.stop()


def _claims(tracker: Any) -> str:
    """What the tracker counts, in its own words: ``CPU(Cpu Load)``, ``CPU(Intel Rapl)``."""
    parts = [part.description() for part in getattr(tracker, "_hardware", ())]
    return ", ".join(parts).replace("RAM()", "RAM (watts guessed from its size)") or "unknown parts"
