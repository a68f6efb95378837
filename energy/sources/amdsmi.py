"""Measured AMD GPU energy: the accumulator of each card, asked through AMD's ``amdsmi`` library.

Its Python binding comes with ROCm 6 and newer (``/opt/rocm/share/amd_smi``; PyPI has copies) and
must match the library there, so no extra of ours installs it. ``amdsmi_get_energy_count`` gives the
accumulator, under a name that changed in 6.2.1, and the microjoules of its unit. It counts a
socket: of the two dies of an MI250 one shows the joules of both and the other 0, and partitions of
an MI300 all show those of their board. Such doubles are left out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from typing import Any, NamedTuple

from ...errors import SourceError
from ..counter import PossibleSteps
from ..forksafe import Guard
from ..hardware import MOST_W
from ..source import Discovery, Kind, PowerSource, Scope, Source, SourceInfo

PERIOD_S = 0.1  # AMD tells none; the driver asks the card's firmware at most every millisecond
ROUNDING_ERROR = 0.003  # libraries take 15.3 uJ for the unit, which is 2^-16 J (kgd_pp_interface.h)
NOT_THERE = (2**64 - 1, 2**32 - 1)  # what the driver writes for numbers that a card lacks
MIRROR_TOLERANCE_J = 1.0  # what a counter may move while another that shows the same is read
TWO_DIES = ("MI200", "MI250")  # cards whose second die shows 0
VISIBLE = ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
MEND_MISSING = "Install it from the ROCm that is there: `pip install /opt/rocm/share/amd_smi`"
MEND_LIBRARY = "Install ROCm's package amd-smi-lib, of the version of this Python package"
MEND_DRIVER = "Load the driver (`sudo modprobe amdgpu`), or pass /dev/kfd and /dev/dri on"
MEND_CARD = "Take --meter hwmon, which integrates the card's power"


class _Card(NamedTuple):
    """A card, or a part of one, that the library knows."""

    number: int  # the library's
    address: str  # on the PCI bus
    name: str  # what AMD sells it as; empty if it does not tell


class AmdSmiSource(Source):
    """The energy accumulator of one card."""

    def __init__(
        self, smi: Any, card: _Card, clock: Callable[[], float], warnings: tuple[str, ...] = ()
    ) -> None:
        self._smi, self._clock, self.card = smi, clock, card
        self._opened: tuple[int, Any] = (0, None)  # the process that looked the card up
        self._guard = Guard()
        self.info = SourceInfo(
            id=f"amdsmi:{card.address}",
            component="gpu",
            kind=Kind.MEASURED,
            scope=Scope.BOARD,
            detail=f"AMD's energy counter of {card.name or 'a card'} ({card.address}), all its "
            "dies and processes included",
            update_period_s=PERIOD_S,
            gain_error=ROUNDING_ERROR,
            max_power_w=MOST_W["gpu"],
            warnings=warnings,
        )
        self._steps = PossibleSteps(self.info.max_power_w, PERIOD_S)

    @property
    def resets(self) -> int:
        """How often the counter moved as none can: a reloaded driver, or a jump."""
        return self._steps.losses

    def read(self) -> float:
        """Joules since the driver was loaded."""
        with self._guard:
            asked_s = self._clock()
            energy_j = self._count_j()
            self._steps.judge(energy_j, asked_s, self._clock())
            return energy_j

    def _count_j(self) -> float:
        try:
            answer = self._smi.amdsmi_get_energy_count(self._handle())
            count = answer["energy_accumulator" if "energy_accumulator" in answer else "power"]
            unit_uj = float(answer["counter_resolution"])
        except Exception as error:  # each release fails in its own ways
            raise SourceError(f"amdsmi energy: {error}") from error
        if not isinstance(count, int) or count in NOT_THERE or count < 0 or not 0 < unit_uj < 1e6:
            raise SourceError(f"amdsmi energy: {count!r} times {unit_uj:g} uJ is no energy")
        return count * unit_uj * 1e-6

    def _handle(self) -> Any:
        pid, handle = self._opened
        if pid != os.getpid():  # a forked child opens the library anew
            self._smi.amdsmi_init()
            handle = self._smi.amdsmi_get_processor_handles()[self.card.number]
            self._opened = os.getpid(), handle
        return handle


def discover(
    smi: Any = None, wanted: str = "", clock: Callable[[], float] = time.perf_counter
) -> Discovery:
    """Find the cards with a counter, or the one of a number or PCI address.

    Args:
        smi: The binding; None for ``amdsmi``.
        wanted: Number or address of a card; empty for all that the library knows.
        clock: Monotonic seconds.
    """
    if smi is None:
        try:
            smi = _import()
        except Exception as error:  # noqa: BLE001 - it fails in many ways without its library
            is_there = not isinstance(error, ModuleNotFoundError)
            mend = MEND_LIBRARY if is_there else MEND_MISSING
            return Discovery(reason=f"amdsmi: {error}", mend=mend)
    try:
        smi.amdsmi_init()
        handles = smi.amdsmi_get_processor_handles()
        cards = [_look(smi, number, handle) for number, handle in enumerate(handles)]
    except Exception as error:  # noqa: BLE001 - drivers fail in many ways, and none may end us
        return Discovery(reason=f"amdsmi: {error}", mend=MEND_DRIVER)
    chosen = [c for c in cards if not wanted or wanted in (str(c.number), c.address)]
    if not chosen:
        names = ", ".join(card.address for card in cards) or "none"
        return Discovery(reason=f"no AMD card {wanted}".strip(), mend=f"There are: {names}")
    return _open(smi, chosen, clock, () if wanted else _hidden_from_us())


def _import() -> Any:
    """The binding, which prints where its library is not found."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        return import_module("amdsmi")


def _open(
    smi: Any, cards: list[_Card], clock: Callable[[], float], warnings: tuple[str, ...]
) -> Discovery:
    """The counters of cards, each once, and why others are left out."""
    sources: list[AmdSmiSource] = []
    doubles: list[str] = []
    problems: list[str] = []
    for card in cards:
        source = AmdSmiSource(smi, card, clock, warnings)
        try:
            if source.read() == 0:
                silent = f"{source.info.id} shows 0 J"
                is_second = any(name in card.name for name in TWO_DIES)
                counted = f"{silent}: the first die of its module counts for both"
                (doubles if is_second else problems).append(counted if is_second else silent)
            elif any(_mirrors(source, other) for other in sources):
                doubles.append(f"{source.info.id} shows the counter of another part of its board")
            else:
                sources.append(source)
        except SourceError as error:
            problems.append(f"{source.info.id}: {error}")
    if not sources and not problems:  # second dies alone: their firsts were not chosen
        problems, doubles = doubles, []
    found: list[Source | PowerSource] = [*sources]
    reason, mend = "; ".join([*problems, *doubles]), MEND_CARD if problems else ""
    return Discovery(found, reason, mend, incomplete=bool(problems))


def _mirrors(source: AmdSmiSource, other: AmdSmiSource) -> bool:
    """Whether two show one counter: then a reading lies between two of the other's."""
    before, now, after = other.read(), source.read(), other.read()
    return before - MIRROR_TOLERANCE_J <= now <= after + MIRROR_TOLERANCE_J


def _look(smi: Any, number: int, handle: Any) -> _Card:
    try:
        name = str(smi.amdsmi_get_gpu_asic_info(handle)["market_name"])
    except Exception:  # noqa: BLE001 - it is but a name
        name = ""
    return _Card(number, str(smi.amdsmi_get_gpu_device_bdf(handle)).lower(), name)


def _hidden_from_us() -> tuple[str, ...]:
    """A warning if this process may use some cards only: the library shows all of them."""
    limits = [f"{name}={os.environ[name]}" for name in VISIBLE if os.environ.get(name)]
    if not limits:
        return ()
    return (
        f"amdsmi counts all cards, though {', '.join(limits)} hides some from this process: name "
        "those in use, such as --meter amdsmi:0",
    )
