"""Energy sources, one module each. This module finds the ones a meter's text stands for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError, MeterError, UnknownNameError
from ..discovery import Discovery
from ..source import Kind, PowerSource, Scope, Source
from .cpu.time import CpuTimeSource
from .model import ModelSource

Found = list[Source | PowerSource]


@dataclass(frozen=True)
class Machine:
    """Where sources are looked for.

    Attributes:
        gpus: UUIDs of the GPUs in use; None for all visible, empty for none.
        rapl_root: The powercap tree; None for the system's.
        hwmon_root: The hwmon tree; None for the system's.
        nvml_binding: The NVML binding; None for ``pynvml``.
    """

    gpus: Sequence[str] | None = None
    rapl_root: Path | None = None
    hwmon_root: Path | None = None
    nvml_binding: Any = None


def resolve(
    spec: str,
    gpus: Sequence[str] | None = None,
    *,
    shared: bool = False,
    rapl_root: Path | None = None,
    hwmon_root: Path | None = None,
    nvml_binding: Any = None,
) -> Found:
    """Find the sources that a meter's text names.

    Args:
        spec: ``"auto"``, or names joined by commas. Some take an argument: ``"cpu_time:6.5"`` watts
            per core, ``"model:1e-10"`` joules per operation, ``"hwmon:CHIP/CHANNEL"``,
            ``"shelly:HOST"``, ``"tasmota:HOST"``, ``"http:URL#json.path"``, ``"replay:FILE.csv"``.
        gpus: UUIDs of the GPUs in use; None for all visible, empty for none.
        shared: Whether other workers of ours use the same processors: package joules are split by
            CPU-time share, and GPUs cannot be.
        rapl_root: The powercap tree; None for the system's.
        hwmon_root: The hwmon tree; None for the system's.
        nvml_binding: The NVML binding; None for ``pynvml``.

    Returns:
        The sources. ``"auto"`` takes measured sources where they can be read and the modelled CPU
        where not.

    Raises:
        UnknownNameError: A name is not known.
        ConfigurationError: An argument cannot be used, or names do not go together.
        DataError: A recorded trace cannot be read.
        MeterError: A source named explicitly, or a GPU of ``gpus``, cannot be read here.

    Warns:
        RuntimeWarning: Visible hardware cannot be read, so that its joules are missing.
    """
    parts = [_parse(part.strip(), spec) for part in spec.split(",")]
    names = [name for name, _ in parts]
    if "auto" in names and len(names) > 1:
        raise ConfigurationError(f"meter {spec!r}: auto chooses by itself, so name it alone")
    _check_once(spec, parts, sum(name in _OF_THE_CPU for name in names))
    machine = Machine(gpus, rapl_root, hwmon_root, nvml_binding)
    found = [_FINDERS[name](argument, machine) for name, argument in parts]
    sources = [source for some in found for source in some]
    of_the_cpu = sum(any(source.info.component == "cpu" for source in some) for some in found)
    _check_once(spec, [source.info.id for source in sources], of_the_cpu)
    return [_share(source) for source in sources] if shared else sources


def _auto(_: str, machine: Machine) -> Found:
    cpu = _packages(machine, needed=0)
    if not cpu:
        counters = _sensors("", machine).sources
        cpu = [s for s in counters if (s.info.component, s.info.kind) == ("cpu", Kind.MEASURED)]
    return (cpu or [CpuTimeSource()]) + _gpus(machine, needed=0)


def _rapl(_: str, machine: Machine) -> Found:
    return _packages(machine, needed=1)


# Modules are loaded when their sources are asked for: a meter should start at once.


def _packages(machine: Machine, needed: int) -> Found:
    from . import rapl

    return _complete(rapl.discover(machine.rapl_root or rapl.ROOT), needed, what="RAPL")


def _nvml(_: str, machine: Machine) -> Found:
    return _gpus(machine, needed=1)


def _gpus(machine: Machine, needed: int) -> Found:
    from .nvml import source as nvml

    found = nvml.discover(machine.nvml_binding, machine.gpus)
    if machine.gpus is not None:  # each of them is in use, so none may be missing
        needed = len(found.sources) + int(found.incomplete)
    return _complete(found, needed, what="GPU")


def _hwmon(channel: str, machine: Machine) -> Found:
    return _complete(_sensors(channel, machine), needed=1, what="hwmon")


def _sensors(channel: str, machine: Machine) -> Discovery:
    from .hwmon import source as hwmon

    return hwmon.discover(machine.hwmon_root or hwmon.ROOT, channel or None)


def _wattmeter(kind: str) -> Callable[[str, Machine], Found]:
    def find(address: str, _: Machine) -> Found:
        from .wattmeter import source as wattmeter

        return [wattmeter.make(kind, address)]

    return find


def _replay(file: str, _: Machine) -> Found:
    from .recorded import source as replay

    return [replay.make(file)]


def _codecarbon(_: str, __: Machine) -> Found:
    from . import codecarbon

    return [codecarbon.make()]


def _cpu_time(text: str, _: Machine) -> Found:
    return [CpuTimeSource(_figure("cpu_time", text) if text else None)]


def _model(text: str, _: Machine) -> Found:
    return [ModelSource(_figure("model", text)) if text else ModelSource()]


_FINDERS: dict[str, Callable[[str, Machine], Found]] = {
    "auto": _auto,
    "codecarbon": _codecarbon,
    "cpu_time": _cpu_time,
    "http": _wattmeter("http"),
    "hwmon": _hwmon,
    "model": _model,
    "nvml": _nvml,
    "rapl": _rapl,
    "replay": _replay,
    "shelly": _wattmeter("shelly"),
    "tasmota": _wattmeter("tasmota"),
}
NAMES = tuple(_FINDERS)
_OF_THE_CPU = {"cpu_time", "model", "rapl"}
_WITHOUT_ARGUMENT = {"auto", "codecarbon", "nvml", "rapl"}
_NEEDS = {
    "http": "http:URL#json.path",
    "replay": "replay:FILE.csv",
    "shelly": "shelly:HOST",
    "tasmota": "tasmota:HOST",
}
"""What to write for names that are nothing without an argument."""


def _parse(part: str, spec: str) -> tuple[str, str]:
    name, colon, argument = part.partition(":")
    if name not in _FINDERS:
        unknown = UnknownNameError("meter", name, NAMES)
        if "http:" in spec:
            raise ConfigurationError(f"{unknown}; a comma in a URL is written %2C")
        raise unknown
    if colon and name in _WITHOUT_ARGUMENT:
        raise ConfigurationError(f"meter {part!r}: {name} takes no argument")
    if (colon or name in _NEEDS) and not argument:
        example = _NEEDS.get(name, name)
        raise ConfigurationError(f"meter {part!r}: nothing is named; write {example}")
    return name, argument


def _figure(name: str, text: str) -> float:
    try:
        figure = float(text)
    except ValueError:
        figure = 0.0
    if not 0 < figure < float("inf"):
        raise ConfigurationError(f"meter '{name}:{text}': {text!r} is not a number above zero")
    return figure


def _complete(found: Discovery, needed: int, what: str) -> Found:
    """The sources found; raise if one that was asked for is missing, warn if another is."""
    why = f"{found.reason}. {found.mend}".strip()
    if len(found.sources) < needed:
        raise MeterError(f"{what} energy cannot be read here: {why}")
    if found.incomplete:
        message = f"{what} energy is not all in the joules: {why}"
        warnings.warn(message, RuntimeWarning, stacklevel=4)
    return found.sources


def _check_once(spec: str, things: Sequence[object], of_the_cpu: int) -> None:
    """Refuse what counts the same joules twice: a thing twice, or two that count the CPU."""
    if len(things) != len(set(things)) or of_the_cpu > 1:
        raise ConfigurationError(
            f"meter {spec!r} would count the same joules twice: name one of "
            f"{', '.join(sorted(_OF_THE_CPU))}, and each source once"
        )


def _share(source: Source | PowerSource) -> Source | PowerSource:
    info = source.info
    if info.scope is Scope.PROCESS:
        return source
    if info.scope is Scope.PACKAGE and isinstance(source, Source):
        from .cpu.apportioned import ApportionedSource

        return ApportionedSource(source)
    raise MeterError(
        f"{info.id} counts a whole {info.scope}, which cannot be split among workers: "
        "take one worker, or --meter cpu_time"
    )
