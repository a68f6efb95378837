"""The page of the energy sources: the registry of meters, and what their modules hold for true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...energy.source import Kind, Scope
from ...energy.sources import amdsmi, codecarbon, model, pm_counters, rapl
from ...energy.sources.hwmon import drivers
from ...energy.sources.nvml import source as nvml
from ...energy.sources.resolve import METERS
from ...energy.sources.wattmeter import device
from ...energy.sources.wattmeter import source as wattmeter
from .markdown import GENERATED, code, table

HEAD = f"""{GENERATED}
# Energy sources

Every source that `--meter` takes: whose joules it counts, how they become known, how fine they are,
and what it needs to be read. Several are joined by commas (`--meter rapl,nvml`); what would count
the same joules twice is refused. `perjoule doctor` reads each one that is here, and says why the
others cannot be read and how to mend that.
"""
KINDS = {
    Kind.MEASURED: "read from an energy counter",
    Kind.INTEGRATED: "power readings, integrated over time",
    Kind.MODELLED: "computed from activity by a model, not measured",
    Kind.APPORTIONED: "a share of what several trials used at once",
    Kind.UNAVAILABLE: "not known; the reason stands beside it. Never 0",
}
SCOPES = {
    Scope.PROCESS: "this process and its children",
    Scope.PACKAGE: "the processor package or its memory, whoever uses it",
    Scope.BOARD: "the whole card, whoever uses it",
    Scope.MODULE: "a module of CPU and GPU, or of several GPUs",
    Scope.NODE: "the whole machine; never added to its parts",
}
STEP = (
    "The *step* is how often a counter moves. A window that is not a whole number of steps is off "
    "by up to power times one step: that is `bound_j` of a reading. Windows of less than five "
    "steps are flagged. The *gain* is the relative error of the whole amount, where it is known."
)


@dataclass(frozen=True)
class Facts:
    """What a reader of a source's numbers asks."""

    scope: str
    step: str
    gain: str
    needs: str
    mends: tuple[str, ...] = ()


def _every(period_s: float) -> str:
    return f"{1000 * period_s:g} ms" if period_s < 1 else f"{period_s:g} s"


_ONE_OF_RAPL = "the unit of the register, mostly 61 µJ, every " + _every(rapl.UPDATE_PERIOD_S)
_PLUG = f"power asked every {_every(wattmeter.PERIOD_S)}; `#total`: a counter that moves " + (
    f"about every {_every(device.TOTAL_PERIOD_S)}"
)
_SMI = (amdsmi.MEND_MISSING, amdsmi.MEND_LIBRARY, amdsmi.MEND_DRIVER)
_HWMON_STEP = f"asked every {_every(drivers.PERIOD_S)}; " + ", ".join(
    f"{name} every {_every(period_s)}" for name, period_s in drivers.PERIODS_S.items()
)
_READ_RAPL = (
    "read permission on `/sys/class/powercap/intel-rapl:*/energy_uj`, which is root's alone"
)
FACTS = {
    "auto": Facts(
        "that of what it takes", "likewise", "likewise", "nothing: it takes what is here"
    ),
    "rapl": Facts(
        Scope.PACKAGE,
        _ONE_OF_RAPL,
        "not told by the hardware",
        _READ_RAPL,
        (rapl.MEND, rapl.MEND_MISSING, rapl.MEND_CONTAINER, rapl.MEND_VIRTUAL),
    ),
    "perf": Facts(
        Scope.PACKAGE,
        _ONE_OF_RAPL,
        "not told by the hardware",
        "`perf_event_paranoid` at 0 or below, or the capability CAP_PERFMON",
        (
            "`sudo sysctl kernel.perf_event_paranoid=0`, or for one Python alone "
            "`sudo setcap cap_perfmon=ep $(readlink -f $(which python))`; in a container "
            "`--cap-add PERFMON`",
        ),
    ),
    "pm_counters": Facts(
        f"{Scope.NODE}; {Scope.PACKAGE} of CPU and memory, {Scope.MODULE} of accelerators",
        f"1 J, {pm_counters.SCANS_HZ:g} times a second",
        "not told by the hardware",
        "an HPE Cray; readable by everybody",
        (pm_counters.MEND, pm_counters.MEND_UNREADABLE),
    ),
    "nvml": Facts(
        f"{Scope.BOARD}; `nvml:module`: {Scope.MODULE}",
        f"1 mJ, about every {_every(nvml.COUNTER_PERIOD_S)}",
        f"{nvml.POWER_ERROR:.0%} where power is integrated; else not told",
        "NVIDIA's driver; a container needs the GPU passed on. Of a card in slices (MIG) it reads "
        "all of them",
        (nvml.MEND,),
    ),
    "amdsmi": Facts(
        Scope.BOARD,
        f"15.3 µJ, looked at every {_every(amdsmi.PERIOD_S)}",
        f"{amdsmi.ROUNDING_ERROR:.1%}, the rounding of its unit",
        "ROCm 6 or later with its Python package `amdsmi`, of the same version",
        _SMI,
    ),
    "hwmon": Facts(
        "by the channel",
        _HWMON_STEP,
        "not known",
        "Linux on hardware; some counters are readable by root alone",
        ("Give read permission to the file that `perjoule doctor` names",),
    ),
    "shelly": Facts(
        Scope.NODE,
        _PLUG,
        "that of the plug's data sheet",
        "a Shelly of generation 2 or later, reached by HTTP without a password",
    ),
    "tasmota": Facts(
        Scope.NODE,
        f"{_PLUG}; whole watts unless WattRes sets decimals",
        "that of the plug's data sheet",
        "a plug with Tasmota that measures, reached by HTTP",
    ),
    "http": Facts(
        Scope.NODE,
        f"asked every {_every(wattmeter.PERIOD_S)}",
        "not known",
        "an address that answers in JSON; `perjoule` reads it only where you name it",
    ),
    "cpu_time": Facts(
        Scope.PROCESS,
        "the kernel's count of CPU time",
        "43 %, the median error of such models in published comparisons, until `perjoule "
        "calibrate` measures it here",
        "nothing",
    ),
    "model": Facts(
        Scope.PROCESS,
        f"none; {model.JOULES_PER_OPERATION:g} J for each operation unless said otherwise",
        "not a measurement",
        "nothing; the search itself takes no joules by it",
    ),
    "recorded": Facts(
        "by the column",
        "that of the trace",
        "that of the trace",
        "the file; its clock starts with the run",
    ),
    "codecarbon": Facts(
        Scope.NODE,
        f"{_every(codecarbon.PERIOD_S)}",
        "not known; it is here to compare meters",
        "nothing",
    ),
}
"""Of each name in `METERS`."""


def page() -> str:
    """Return the page."""
    overview = table(
        ["name", "what it counts", "how"],
        [
            [f"[`{meter.spec}`](#{meter.name})", meter.summary, meter.kind]
            for meter in METERS.values()
        ],
    )
    kinds = table(["kind", "how a joule became known"], _coded(KINDS))
    scopes = table(["scope", "whose joules"], _coded(SCOPES))
    sections = [_section(name) for name in METERS]
    parts = [HEAD, overview, "## Words\n", kinds, scopes, STEP, "", *sections, OWN]
    return "\n".join(parts)


def _coded(told: Mapping[Any, str]) -> list[list[str]]:
    return [[code(str(word)), text] for word, text in told.items()]


def _section(name: str) -> str:
    meter, facts = METERS[name], FACTS[name]
    told = [
        f"- **Kind:** {meter.kind}",
        f"- **Scope:** {facts.scope}",
        f"- **Step:** {facts.step}",
        f"- **Gain:** {facts.gain}",
        f"- **Needs:** {facts.needs}",
    ]
    if facts.mends:
        told += ["- **If it cannot be read:**", *(f"    - {mend}" for mend in facts.mends)]
    title = f"## {code(meter.spec)} {{ #{name} }}"
    return "\n".join([title, "", _sentence(meter.summary), "", *told, ""])


def _sentence(text: str) -> str:
    return (
        f"{text[0].upper()}{text[1:]}." if text[0].islower() and "," not in text[:5] else f"{text}."
    )


OWN = """## One of your own { #own }

A subclass of `perjoule.energy.Source` (a counter of joules) or `perjoule.energy.PowerSource` (a
power, which the meter integrates), given to [`EnergyMeter`](api.md#perjoule.EnergyMeter):

```python
from perjoule import EnergyMeter
from perjoule.energy import Kind, PowerSource, Scope, SourceInfo


class Lamp(PowerSource):
    info = SourceInfo("lamp", "node", Kind.INTEGRATED, Scope.NODE, "a lamp of 40 W")

    def read_power_w(self):
        return 40.0


with EnergyMeter([Lamp()]) as meter:
    sum(range(100_000))
print(meter.reading)
```
"""
