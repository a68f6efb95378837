"""Which GPUs NVML knows, which of them this process may see, and how to ask one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ....errors import SourceError

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Gpu:
    """A GPU that NVML knows."""

    index: int  # NVML's number, that of the bus
    handle: Any = None  # NVML's handle; None if NVML does not answer for it
    uuid: str = ""  # its UUID, ``GPU-...``
    name: str = ""  # the card's name
    problem: str = ""  # why there is no handle
    slices: tuple[str, ...] = ()  # ids of its MIG slices that this process has


class Device:
    """One GPU, asked through NVML, also from a forked child."""

    def __init__(self, nvml: Any, gpu: Gpu) -> None:
        self.gpu = gpu
        self._nvml = nvml
        self._opened = os.getpid(), gpu.handle

    def ask(self, what: str, read: Callable[[Any, Any], Answer]) -> Answer:
        """Ask NVML about this GPU; a failure is a SourceError that says what it was about."""
        try:
            return read(self._nvml, self._handle())
        except Exception as error:  # old bindings and drivers lack functions, each in its way
            raise SourceError(f"NVML {what}: {error}") from error

    def pids(self) -> set[int]:
        """Pids of the processes on this GPU, or on this process' slices of it."""
        return {process.pid for process in self.ask("processes", self._processes)}

    def _processes(self, nvml: Any, board: Any) -> list[Any]:
        own = [nvml.nvmlDeviceGetHandleByUUID(name) for name in self.gpu.slices]
        list_compute = nvml.nvmlDeviceGetComputeRunningProcesses
        listed = [process for handle in own or [board] for process in list_compute(handle)]
        for kind in ("Compute", "MPSCompute", "Graphics") if own else ("MPSCompute", "Graphics"):
            with contextlib.suppress(Exception):  # where it answers
                listed += getattr(nvml, f"nvmlDeviceGet{kind}RunningProcesses")(board)
        return listed

    def _handle(self) -> Any:
        pid, handle = self._opened
        if pid != os.getpid():  # what the parent opened may be dead here
            self._nvml.nvmlInit()
            handle = self._nvml.nvmlDeviceGetHandleByUUID(self.gpu.uuid)
            self._opened = os.getpid(), handle
        return handle


def list_gpus(nvml: Any) -> list[Gpu]:
    """All GPUs; those that do not answer with their problem."""
    return [_look(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]


def find_visible(nvml: Any, present: list[Gpu]) -> tuple[list[Gpu], list[str]]:
    """The GPUs that CUDA_VISIBLE_DEVICES shows this process, and what could not be told."""
    text = os.environ.get("CUDA_VISIBLE_DEVICES")
    if text is None:
        return _merge_boards(nvml, present), []
    seen: list[Gpu] = []
    problems: list[str] = []
    for entry in (part.strip() for part in text.split(",")):
        gpu = _find(nvml, present, entry)
        if gpu is not None and entry.isdecimal() and _numbered_by_speed(present):
            return [], [f"CUDA_VISIBLE_DEVICES={text} {_AMBIGUOUS}"]
        if gpu is not None:
            seen.append(gpu)
        elif entry.startswith("MIG-"):
            problems.append(f"{entry}: {_UNKNOWN_SLICE}")
        else:
            break  # CUDA also hides every GPU from the first entry on that names none, such as -1
    return _merge_boards(nvml, seen), problems


def find_named(nvml: Any, present: list[Gpu], names: Sequence[str]) -> tuple[list[Gpu], list[str]]:
    """The GPUs of these numbers, UUIDs or slices, and what could not be found."""
    found = [(name, _find(nvml, present, name)) for name in names]
    unknown = [
        f"{name}: {_UNKNOWN_SLICE}" if name.startswith("MIG-") else f"GPU {name}: not known to NVML"
        for name, gpu in found
        if gpu is None
    ]
    return _merge_boards(nvml, [gpu for _, gpu in found if gpu is not None]), unknown


_UNKNOWN_SLICE = "a slice of a GPU has no energy counter of its own, and its GPU was not found"
_AMBIGUOUS = (
    "is ambiguous, since CUDA numbers unlike cards by speed: set CUDA_DEVICE_ORDER=PCI_BUS_ID, or "
    "name UUIDs"
)


def _look(nvml: Any, index: int) -> Gpu:
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        uuid, name = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
    except Exception as error:  # noqa: BLE001 - a card that fell off the bus; the others count
        return Gpu(index, problem=str(error))
    return Gpu(index, handle, _decode(uuid), _decode(name))


def _find(nvml: Any, present: list[Gpu], name: str) -> Gpu | None:
    """The GPU of a number, a (start of a) UUID or a slice, with that slice noted."""
    if name.isdecimal():
        return present[int(name)] if int(name) < len(present) else None
    if not name.startswith("MIG-"):
        gpu = _find_by_uuid(present, name)
        if gpu is not None:
            return gpu
    bare = name.removeprefix("MIG-")
    if bare.startswith("GPU-"):  # MIG-GPU-<uuid>/<gi>/<ci>, the form before driver 470
        gpu = _find_by_uuid(present, bare.partition("/")[0])
        return gpu and replace(gpu, slices=(name,))
    return _find_by_slice(nvml, present, bare) if bare else None


def _find_by_uuid(present: list[Gpu], wanted: str) -> Gpu | None:
    """The one GPU whose UUID starts so; torch gives it without ``GPU-``."""
    bare = wanted.removeprefix("GPU-")
    matches = [gpu for gpu in present if bare and gpu.uuid.removeprefix("GPU-").startswith(bare)]
    return matches[0] if len(matches) == 1 else None


def _find_by_slice(nvml: Any, present: list[Gpu], bare: str) -> Gpu | None:
    """The GPU that has the one slice whose UUID starts so."""
    with contextlib.suppress(Exception):  # an unknown id, or a driver before slices
        handle = nvml.nvmlDeviceGetHandleByUUID(f"MIG-{bare}")
        parent = nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle)
        gpu = _find_by_uuid(present, _decode(nvml.nvmlDeviceGetUUID(parent)))
        if gpu is not None:
            return replace(gpu, slices=(f"MIG-{bare}",))
    matches = [
        replace(gpu, slices=(name,))
        for gpu in present
        for name in _list_slices(nvml, gpu)
        if name.startswith(f"MIG-{bare}")
    ]
    return matches[0] if len(matches) == 1 else None


def _list_slices(nvml: Any, gpu: Gpu) -> Iterator[str]:
    try:
        places = nvml.nvmlDeviceGetMaxMigDeviceCount(gpu.handle)
    except Exception:  # noqa: BLE001 - most GPUs cannot be sliced
        return
    for place in range(places):
        with contextlib.suppress(Exception):  # an empty place
            handle = nvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu.handle, place)
            yield _decode(nvml.nvmlDeviceGetUUID(handle))


def _merge_boards(nvml: Any, gpus: list[Gpu]) -> list[Gpu]:
    """Each board once, with all slices of it that were named, or else all that it has."""
    boards: dict[int, Gpu] = {}
    for gpu in gpus:
        known = boards.setdefault(gpu.index, gpu).slices
        boards[gpu.index] = replace(gpu, slices=tuple(dict.fromkeys(known + gpu.slices)))
    return [
        replace(gpu, slices=gpu.slices or tuple(_list_slices(nvml, gpu))) for gpu in boards.values()
    ]


def _numbered_by_speed(present: list[Gpu]) -> bool:
    """Whether CUDA's numbers may differ from NVML's, which are those of the bus."""
    unlike = len({gpu.name for gpu in present}) > 1
    return unlike and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"


def _decode(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
