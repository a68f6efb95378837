"""The registry of meters: what each name in a meter's text stands for, and how it is found."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError, MeterError, UnknownNameError
from ..source import Discovery, Kind, PowerSource, Scope, Source

Found = list[Source | PowerSource]


@dataclass(frozen=True)
class Machine:
    """Where sources are looked for."""

    gpus: Sequence[str] | None = None  # UUIDs of those in use; None for all visible
    rapl_root: Path | None = None  # the powercap tree; None for the system's
    hwmon_root: Path | None = None  # the hwmon tree; None for the system's
    nvml_binding: Any = None  # the NVML binding; None for ``pynvml``


THIS_MACHINE = Machine()


@dataclass(frozen=True)
class MeterKind:
    """A name that a meter's text may hold."""

    spec: str  # its name, and behind a colon its argument, in brackets if it may be left out
    summary: str  # whose joules it gives, for people
    kind: str  # how these become known, for people
    find: Callable[[str, Machine], Found]  # finds its sources, given the argument and where to look
    counts_cpu: bool = False  # whether it counts the processor, as one name of a text may

    @property
    def name(self) -> str:
        """The name alone."""
        return self.spec.partition(":")[0].removesuffix("[")

    @property
    def takes_argument(self) -> bool:
        """Whether anything may follow the name."""
        return ":" in self.spec

    @property
    def needs_argument(self) -> bool:
        """Whether something must follow the name."""
        return self.takes_argument and "[" not in self.spec


def resolve(spec: str, machine: Machine = THIS_MACHINE, *, shared: bool = False) -> Found:
    """Find the sources that a meter's text names: names of ``METERS``, joined by commas.

    If ``shared``, other workers of ours use the same processors: package joules are split by
    CPU-time share, and GPUs cannot be. Warns of visible hardware that cannot be read.

    Raises:
        UnknownNameError: A name is not known.
        ConfigurationError: An argument cannot be used, or names do not go together.
        DataError: A recorded trace cannot be read.
        MeterError: A source named explicitly, or a GPU of ``machine``, cannot be read here.
    """
    parts = [_parse(part.strip(), spec) for part in spec.split(",")]
    names = [name for name, _ in parts]
    if "auto" in names and len(names) > 1:
        raise ConfigurationError(f"meter {spec!r}: auto chooses by itself, so name it alone")
    _check_once(spec, parts, sum(METERS[name].counts_cpu for name in names))
    found = [METERS[name].find(argument, machine) for name, argument in parts]
    sources = [source for some in found for source in some]
    of_the_cpu = sum(any(source.info.component == "cpu" for source in some) for some in found)
    _check_once(spec, [source.info.id for source in sources], of_the_cpu)
    return [_share(source) for source in sources] if shared else sources


def meters_help() -> str:
    """All meters in one line, as they are written, for the help of a command line."""
    return f"{', '.join(meter.spec for meter in METERS.values())}; see `perjoule doctor`."


# Modules are loaded when their sources are asked for: a meter should start at once.


def _find_auto(_: str, machine: Machine) -> Found:
    cpu = _find_packages("", machine, needed=0)
    if not cpu:
        counters = _find_sensors("", machine).sources
        cpu = [s for s in counters if (s.info.component, s.info.kind) == ("cpu", Kind.MEASURED)]
    return (cpu or _find_cpu_time("", machine)) + _find_gpus("", machine, needed=0)


def _find_packages(_: str, machine: Machine, needed: int = 1) -> Found:
    from . import rapl

    return _complete(rapl.discover(machine.rapl_root or rapl.ROOT), needed, what="RAPL")


def _find_gpus(_: str, machine: Machine, needed: int = 1) -> Found:
    from .nvml import source as nvml

    found = nvml.discover(machine.nvml_binding, machine.gpus)
    if machine.gpus is not None:  # each of them is in use, so none may be missing
        needed = len(found.sources) + int(found.incomplete)
    return _complete(found, needed, what="GPU")


def _find_hwmon(channel: str, machine: Machine) -> Found:
    return _complete(_find_sensors(channel, machine), needed=1, what="hwmon")


def _find_sensors(channel: str, machine: Machine) -> Discovery:
    from .hwmon import source as hwmon

    return hwmon.discover(machine.hwmon_root or hwmon.ROOT, channel or None)


def _find_plug(kind: str, address: str, _: Machine) -> Found:
    from .wattmeter.device import parse
    from .wattmeter.source import Wattmeter

    return [Wattmeter(parse(kind, address))]


def _find_recorded(file: str, _machine: Machine) -> Found:
    from .recorded.files import read_trace
    from .recorded.source import RecordedSource

    path, _, column = file.partition("#")
    return [RecordedSource(read_trace(path, column))]


def _find_software(name: str, path: str, text: str, _: Machine) -> Found:
    """The software meter of a class, with the figure that the text may hold."""
    module, kind = path.split(":")
    make = getattr(import_module(module, __package__), kind)
    return [make(_parse_figure(name, text)) if text else make()]


_find_cpu_time = partial(_find_software, "cpu_time", ".cpu.time:CpuTimeSource")
_find_model = partial(_find_software, "model", ".model:ModelSource")
_find_codecarbon = partial(_find_software, "codecarbon", ".codecarbon:CodeCarbonSource")


_MEASURED, _MODELLED, _EITHER = "measured", "modelled", "measured or integrated"
_PLUG = "the whole machine at a {} plug; #total: the plug's own counter"
_OTHERS = "AMD and Intel GPUs, Jetson, power supplies and others that Linux shows"
_JSON = "any wattmeter that answers in JSON; @W, @mW, @kW, @J, @Wh or @kWh"
_TIME = "CPU-seconds times watts per core"
_COUNTED = "counted operations times joules for each: the same joules every time"
_TRACE = "a recorded trace: nvidia-smi, time and watts, or our own series"
_KINDS = (
    MeterKind("auto", "rapl and nvml where they can be read, else cpu_time", "any", _find_auto),
    MeterKind("rapl", "processor packages and their DRAM", _MEASURED, _find_packages, True),
    MeterKind("nvml", "NVIDIA GPUs that this process uses", _EITHER, _find_gpus),
    MeterKind("hwmon[:CHIP/CHANNEL]", _OTHERS, _EITHER, _find_hwmon),
    MeterKind("shelly:HOST", _PLUG.format("Shelly"), _EITHER, partial(_find_plug, "shelly")),
    MeterKind("tasmota:HOST", _PLUG.format("Tasmota"), _EITHER, partial(_find_plug, "tasmota")),
    MeterKind("http:URL#json.path", _JSON, _EITHER, partial(_find_plug, "http")),
    MeterKind("cpu_time[:WATTS]", _TIME, _MODELLED, _find_cpu_time, True),
    MeterKind("model[:JOULES]", _COUNTED, _MODELLED, _find_model, True),
    MeterKind("recorded:FILE.csv", _TRACE, "as recorded", _find_recorded),
    MeterKind("codecarbon", "CodeCarbon's tracker, to compare meters", _MODELLED, _find_codecarbon),
)
METERS: dict[str, MeterKind] = {meter.name: meter for meter in _KINDS}  # every meter by its name
_FORMER_NAMES = {"replay": "recorded"}  # names that experiments of earlier versions hold


def _parse(part: str, spec: str) -> tuple[str, str]:
    name, colon, argument = part.partition(":")
    name = _FORMER_NAMES.get(name, name)
    if name not in METERS:
        unknown = UnknownNameError("meter", name, METERS)
        if "http:" in spec:
            raise ConfigurationError(f"{unknown}; a comma in a URL is written %2C")
        raise unknown
    meter = METERS[name]
    if colon and not meter.takes_argument:
        raise ConfigurationError(f"meter {part!r}: {name} takes no argument")
    if (colon or meter.needs_argument) and not argument:
        example = meter.spec if meter.needs_argument else name
        raise ConfigurationError(f"meter {part!r}: nothing is named; write {example}")
    return name, argument


def _parse_figure(name: str, text: str) -> float:
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
        of_the_cpu_names = sorted(name for name, meter in METERS.items() if meter.counts_cpu)
        raise ConfigurationError(
            f"meter {spec!r} would count the same joules twice: name one of "
            f"{', '.join(of_the_cpu_names)}, and each source once"
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
