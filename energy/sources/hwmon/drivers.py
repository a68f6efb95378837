"""What the channels of hwmon drivers measure, after the kernel's documentation and sources."""

from __future__ import annotations

from dataclasses import dataclass

from ...source import Scope

PERIOD_S = 0.1
# Those of a second ask USB or firmware, for milliseconds: their last answer serves for that long.
PERIODS_S = {"amd_energy": 1e-3, "corsairpsu": 1.0, "macsmc_hwmon": 1.0, "power_meter": 1.0}
WRAPPING = frozenset({"i915", "xe"})  # unwrap their register, of 262 s at 1,000 W, only when read


@dataclass(frozen=True)
class HwmonDriver:
    """What some channels of a known driver measure."""

    name: str  # the chip's name
    component: str  # what they feed
    detail: str  # what they are, for people
    # Patterns of ``"<file> <label>"``, wholes before their parts: on each chip all that the first
    # successful one matches is taken.
    channels: tuple[str, ...]
    scope: Scope | None = None  # whose joules they count; None for that of the component
    unless: tuple[str, str] | None = None  # a file that marks chips to leave out, and why
    alone: bool = False  # whether several may be a whole and its parts, so that one is taken


_CARD = "power of an AMD card as its firmware knows it, of the chip alone on older ones"
_APU = ("in1_input", "it is an APU, whose power includes the CPU")
_MODULE = "power of an NVIDIA Grace module, GPU and memory included"
_FIRMWARE = "power of the machine by its firmware (ACPI)"
_SUPPLY = "power that a Corsair supply gives out, without its own loss"
_JETSON = "input power of a Jetson module"
_ZEN = r"power\d_input (cpu\d )?SVI2_P_(Core|SoC)"
_XE = (r"energy\d_input card", r"energy\d_input pkg", "energy1_input")
_ACPI = r"power1_average {} Power Socket \d+"
_OTHER_ACPI = r"power1_average(?! (Module|Grace|CPU|SysIO) Power).*"
_APPLE = r"power\d+_input Total System Power"
# Of those for the CPU and the node the first that is there serves; all serve for GPUs.
DRIVERS = (
    HwmonDriver("amd_energy", "cpu", "counter of an AMD socket", (r"energy\d+_input Esocket\d+",)),
    HwmonDriver("amd_hsmp_hwmon", "cpu", "power of an AMD socket", ("power1_input",)),
    HwmonDriver("zenpower", "cpu", "power of an AMD rail", (_ZEN,)),
    # Its power1_average sleeps while being read.
    HwmonDriver("fam15h_power", "cpu", "an AMD processor's own estimate", ("power1_input",)),
    HwmonDriver("power_meter", "cpu", "power of an NVIDIA Grace", (_ACPI.format("Grace"),)),
    HwmonDriver("amdgpu", "gpu", _CARD, ("power1_average.*", "power1_input.*"), unless=_APU),
    HwmonDriver("xe", "gpu", "counter of an Intel card", _XE),
    HwmonDriver("i915", "gpu", "counter of an Intel card", ("energy1_input",)),
    HwmonDriver("power_meter", "node", _MODULE, (_ACPI.format("Module"),), Scope.MODULE),
    HwmonDriver("power_meter", "node", _FIRMWARE, (_OTHER_ACPI,), alone=True),
    HwmonDriver("macsmc_hwmon", "node", "power of an Apple machine", (_APPLE,)),
    HwmonDriver("corsairpsu", "node", _SUPPLY, ("power1_input power total",)),
    HwmonDriver("ina3221", "node", _JETSON, (r"\S+ VDD_IN",), Scope.MODULE),
)
