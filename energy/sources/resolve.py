"""The registry of meters: what each name in a meter's text stands for, and how it is found."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module

from ...errors import ConfigurationError, MeterError, UnknownNameError
from ..source import Discovery, Kind, PowerSource, Scope, Source
from .machine import (
    THIS_MACHINE,
    Machine,
    find_amd,
    find_cray,
    find_nvidia,
    find_packages,
    find_perf,
    find_rapl,
    find_sensors,
)

Found = list[Source | PowerSource]


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
    names_of = [{source.info.component for source in some} for some in found]
    of_the_cpu = max(sum(part in names for names in names_of) for part in ("cpu", "dram"))
    cards = [card for some in found for card in _cards(some)]
    _check_once(spec, [*cards, *(source.info.id for source in sources)], of_the_cpu)
    return [_share(source) for source in sources] if shared else sources


def meters_help() -> str:
    """All meters in one line, as they are written, for the help of a command line."""
    return f"{', '.join(meter.spec for meter in METERS.values())}; see `perjoule doctor`."


def _find_auto(_: str, machine: Machine) -> Found:
    cpu = _complete(find_packages(machine), needed=0, what="RAPL")
    cpu = cpu or _measured_cpu(_complete(find_cray(machine), needed=0, what="Cray"))
    cpu = cpu or _measured_cpu(find_sensors(machine).sources)
    nvidia = find_nvidia(machine)
    amd = _only_amd_card(machine) if machine.gpus and not nvidia.sources else []
    gpus = amd or _take_gpus(nvidia, machine, needed=0)
    return (cpu or _find_cpu_time("", machine)) + gpus


def _only_amd_card(machine: Machine) -> Found:
    """The one AMD card: GPUs in use that NVIDIA does not know must be on it."""
    cards = find_amd(machine)
    return cards.sources if len(cards.sources) == 1 and not cards.incomplete else []


def _measured_cpu(found: Found) -> Found:
    """The counters of the processors, and of their memory, if they are among those found."""
    parts = [s for s in found if s.info.component in ("cpu", "dram")]
    counters = [s for s in parts if s.info.kind is Kind.MEASURED]
    return counters if any(s.info.component == "cpu" for s in counters) else []


def _find_named(
    what: str, find: Callable[..., Discovery], argument: str, machine: Machine
) -> Found:
    """What was named must be there."""
    return _complete(find(machine, argument) if argument else find(machine), 1, what)


def _find_gpus(part: str, machine: Machine) -> Found:
    if part not in ("", "module"):
        raise ConfigurationError(f"meter 'nvml:{part}': write nvml, or nvml:module for CPU and GPU")
    return _take_gpus(find_nvidia(machine, modules=bool(part)), machine, needed=1)


def _take_gpus(found: Discovery, machine: Machine, needed: int) -> Found:
    if machine.gpus is not None:  # each of them is in use, so none may be missing
        needed = len(found.sources) + int(found.incomplete)
    return _complete(found, needed, what="GPU")


# Modules are loaded when their sources are asked for: a meter should start at once.


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
_AUTO = "rapl, perf or pm_counters, and nvml, where they can be read, else cpu_time"
_OTHERS = "AMD and Intel GPUs, Jetson, power supplies and others that Linux shows"
_CRAY = "node, CPU, memory and accelerators of an HPE Cray, for every user"
_NVIDIA = "NVIDIA GPUs that this process uses; :module: Grace with its GPU"
_JSON = "any wattmeter that answers in JSON; @W, @mW, @kW, @J, @Wh or @kWh"
_TIME = "CPU-seconds times watts per core"
_COUNTED = "counted operations times joules for each: the same joules every time"
_TRACE = "a recorded trace: nvidia-smi, time and watts, or our own series"
_RAPL, _PERF = partial(_find_named, "RAPL", find_rapl), partial(_find_named, "perf", find_perf)
_PM, _AMD = partial(_find_named, "Cray", find_cray), partial(_find_named, "AMD GPU", find_amd)
_HWMON = partial(_find_named, "hwmon", find_sensors)
_KINDS = (
    MeterKind("auto", _AUTO, "any", _find_auto),
    MeterKind("rapl", "processor packages and their DRAM", _MEASURED, _RAPL, True),
    MeterKind("perf", "the same through perf events, without root", _MEASURED, _PERF, True),
    MeterKind("pm_counters[:FILE]", _CRAY, _MEASURED, _PM),
    MeterKind("nvml[:module]", _NVIDIA, _EITHER, _find_gpus),
    MeterKind("amdsmi[:CARD]", "AMD GPUs, by the library of ROCm", _MEASURED, _AMD),
    MeterKind("hwmon[:CHIP/CHANNEL]", _OTHERS, _EITHER, _HWMON),
    MeterKind("shelly:HOST", _PLUG.format("Shelly"), _EITHER, partial(_find_plug, "shelly")),
    MeterKind("tasmota:HOST", _PLUG.format("Tasmota"), _EITHER, partial(_find_plug, "tasmota")),
    MeterKind("http:URL#json.path", _JSON, _EITHER, partial(_find_plug, "http")),
    MeterKind("cpu_time[:WATTS]", _TIME, _MODELLED, _find_cpu_time, True),
    MeterKind("model[:JOULES]", _COUNTED, _MODELLED, _find_model, True),
    MeterKind("recorded:FILE.csv", _TRACE, "as recorded", _find_recorded),
    MeterKind("codecarbon", "CodeCarbon's tracker, to compare meters", _MODELLED, _find_codecarbon),
)
METERS: dict[str, MeterKind] = {meter.name: meter for meter in _KINDS}  # every meter by its name
_PCI = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
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
            f"{', '.join(of_the_cpu_names)}, and each source or card once"
        )


def _cards(found: Found) -> set[str]:
    """The places on the PCI bus that sources of one meter are named after."""
    return {place for source in found for place in _PCI.findall(source.info.id)}


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
