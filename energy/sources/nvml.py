"""Measured GPU energy: NVML's total-energy counter, or its power where the counter is missing."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import SourceError
from ..discovery import Discovery
from ..source import Kind, PowerSource, Scope, Source, SourceInfo

COUNTER_PERIOD_S = 0.1
"""The energy counter's usual step; 20 to 100 ms are reported."""
POWER_ERROR = 0.05
MAX_BOARD_POWER_W = 3_000.0


class NvmlCounterSource:
    """The total-energy counter of one GPU.

    Args:
        nvml: The NVML binding, ``pynvml``.
        handle: NVML's device handle.
        uuid: The GPU's UUID.
        name: The card's name.
    """

    def __init__(self, nvml: Any, handle: Any, uuid: str, name: str) -> None:
        self._nvml, self._handle = nvml, handle
        self._lock = threading.Lock()
        self._last_mj: int | None = None
        self.resets = 0
        self.info = SourceInfo(
            id=f"nvml:{uuid}",
            component="gpu",
            kind=Kind.MEASURED,
            scope=Scope.BOARD,
            detail=f"NVML energy counter of {name} ({uuid}), all processes on it included",
            update_period_s=COUNTER_PERIOD_S,
            max_power_w=MAX_BOARD_POWER_W,
        )

    def read(self) -> float:
        """Joules since the driver was loaded."""
        with self._lock:
            try:
                now_mj = int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))
            except Exception as error:  # old bindings and drivers lack functions, each in its way
                raise SourceError(f"NVML energy: {error}") from error
            if self._last_mj is not None and now_mj < self._last_mj:
                self.resets += 1  # the driver was reloaded: windows across it have no energy
            self._last_mj = now_mj
            return now_mj / 1e3


class NvmlPowerSource:
    """The present board power of one GPU without an energy counter; integrated by the meter."""

    def __init__(self, nvml: Any, handle: Any, uuid: str, name: str) -> None:
        self._nvml, self._handle = nvml, handle
        self.info = SourceInfo(
            id=f"nvml-power:{uuid}",
            component="gpu",
            kind=Kind.INTEGRATED,
            scope=Scope.BOARD,
            detail=f"NVML power of {name} ({uuid}) integrated over time",
            update_period_s=COUNTER_PERIOD_S,
            gain_error=POWER_ERROR,
            max_power_w=MAX_BOARD_POWER_W,
        )

    def read_power_w(self) -> float:
        """Present board power in watts."""
        try:
            return self._nvml.nvmlDeviceGetPowerUsage(self._handle) / 1e3
        except Exception as error:
            raise SourceError(f"NVML power: {error}") from error


@dataclass(frozen=True)
class _Gpu:
    """A GPU that NVML knows; without a handle if NVML does not answer for it."""

    index: int
    handle: Any = None
    uuid: str = ""
    name: str = ""
    problem: str = ""


def discover(nvml: Any = None, gpus: Sequence[str] | None = None) -> Discovery:
    """Find the GPUs whose energy can be read, by asking each.

    Args:
        nvml: The NVML binding; None for ``pynvml``.
        gpus: UUIDs to take (a prefix is enough, ``GPU-`` may be missing, as torch gives them);
            None takes those that ``CUDA_VISIBLE_DEVICES`` lets this process see.

    Returns:
        One source per GPU, and the reason why any was left out.
    """
    if gpus is not None and not gpus:
        return Discovery(reason="no GPU is in use")
    if nvml is None:
        try:
            import pynvml as nvml
        except ImportError as error:
            return Discovery(reason=f"pynvml: {error}", mend="pip install nvidia-ml-py")
    try:
        nvml.nvmlInit()
        present = [_look(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]
    except Exception as error:  # noqa: BLE001 - drivers fail in many ways, and none may end us
        return Discovery(
            reason=f"NVML: {error}",
            mend="Install NVIDIA's driver, or pass the GPU to the container",
        )
    sources: list[Source | PowerSource] = []
    chosen, problems = _visible(present) if gpus is None else _named(present, gpus)
    for gpu in chosen:
        try:
            sources.append(_probe(nvml, gpu))
        except SourceError as error:
            problems.append(f"GPU {gpu.index}: {error}")
    if problems:
        mend = "Use a driver that reports energy or power, or --meter cpu_time for the CPU alone"
        return Discovery(sources, "; ".join(problems), mend, incomplete=True)
    none = "" if sources else f"none of the {len(present)} GPUs is in use by this process"
    return Discovery(sources, none)


def _look(nvml: Any, index: int) -> _Gpu:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        uuid, name = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
    except Exception as error:  # noqa: BLE001 - a card that fell off the bus; the others count
        return _Gpu(index, problem=str(error))
    return _Gpu(index, handle, _text(uuid), _text(name))


def _named(present: list[_Gpu], gpus: Sequence[str]) -> tuple[list[_Gpu], list[str]]:
    """The GPUs of these UUIDs, and what could not be found."""
    found = [(wanted, _match(present, wanted)) for wanted in gpus]
    unknown = [
        f"GPU {wanted}: not known to NVML (a slice of a GPU has no counter of its own)"
        for wanted, gpu in found
        if gpu is None
    ]
    return [gpu for _, gpu in found if gpu is not None], unknown


def _visible(present: list[_Gpu]) -> tuple[list[_Gpu], list[str]]:
    """The GPUs that CUDA_VISIBLE_DEVICES shows this process, and what could not be told."""
    text = os.environ.get("CUDA_VISIBLE_DEVICES")
    if text is None:
        return present, []
    visible: list[_Gpu] = []
    for entry in (part.strip() for part in text.split(",")):
        if entry.startswith("MIG-"):
            return visible, [f"{entry}: a slice of a GPU has no energy counter of its own"]
        gpu = _match(present, entry)
        if gpu is None:
            break  # CUDA, too, hides all from the first entry on that is no GPU, such as -1
        if entry.isdecimal() and _numbered_by_speed(present):
            return [], [
                f"CUDA_VISIBLE_DEVICES={text} is ambiguous, since CUDA numbers unlike cards by "
                "speed: set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name UUIDs"
            ]
        visible.append(gpu)
    return visible, []


def _match(present: list[_Gpu], wanted: str) -> _Gpu | None:
    """The one GPU of this number or (start of a) UUID."""
    if wanted.isdecimal():
        return present[int(wanted)] if int(wanted) < len(present) else None
    bare = wanted.removeprefix("GPU-")
    matches = [gpu for gpu in present if bare and gpu.uuid.removeprefix("GPU-").startswith(bare)]
    return matches[0] if len(matches) == 1 else None


def _numbered_by_speed(present: list[_Gpu]) -> bool:
    """Whether CUDA's numbers may differ from NVML's, which are those of the bus."""
    unlike = len({gpu.name for gpu in present}) > 1
    return unlike and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"


def _probe(nvml: Any, gpu: _Gpu) -> Source | PowerSource:
    """Take the counter if it answers with something, else the power, by calling them."""
    if gpu.handle is None:
        raise SourceError(gpu.problem)
    counter = NvmlCounterSource(nvml, gpu.handle, gpu.uuid, gpu.name)
    with contextlib.suppress(SourceError):
        if counter.read() > 0:  # some virtual GPUs answer 0 for ever
            return counter
    power = NvmlPowerSource(nvml, gpu.handle, gpu.uuid, gpu.name)
    if power.read_power_w() <= 0:
        raise SourceError(f"{gpu.name} reports neither energy nor power")
    return power


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
