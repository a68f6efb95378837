"""What the channels of hwmon drivers measure, after the kernel's documentation and sources."""

from __future__ import annotations

from dataclasses import dataclass

from ...source import Scope

PERIOD_S = 0.1
PERIODS_S = {"amd_energy": 1e-3, "corsairpsu": 1.0, "macsmc_hwmon": 1.0, "power_meter": 1.0}
"""Update periods of drivers. Those of a second ask USB, a mailbox or the firmware, which takes
milliseconds, so their last answer serves for that long."""
WRAPPING = frozenset({"i915", "xe"})
"""Drivers that unwrap their register only when read; it wraps after 262 s at 1,000 W."""


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
    # A file that marks chips to be left out, and why they are.
    unless: tuple[str, str] | None = None
    # Whether several may be a whole and its parts, so that only a single one is taken.
    alone: bool = False


DRIVERS = (
    HwmonDriver("amd_energy", "cpu", "counter of an AMD socket", (r"energy\d+_input Esocket\d+",)),
    HwmonDriver("amd_hsmp_hwmon", "cpu", "power of an AMD socket", ("power1_input",)),
    HwmonDriver(
        "zenpower", "cpu", "power of an AMD rail", (r"power\d_input (cpu\d )?SVI2_P_(Core|SoC)",)
    ),
    # Its power1_average sleeps while being read.
    HwmonDriver("fam15h_power", "cpu", "an AMD processor's own estimate", ("power1_input",)),
    HwmonDriver(
        "power_meter",
        "cpu",
        "power of an NVIDIA Grace",
        (r"power1_average Grace Power Socket \d+",),
    ),
    HwmonDriver(
        "amdgpu",
        "gpu",
        "power of an AMD card as its firmware knows it, of the chip alone on older ones",
        ("power1_average.*", "power1_input.*"),
        unless=("in1_input", "it is an APU, whose power includes the CPU"),
    ),
    HwmonDriver(
        "xe",
        "gpu",
        "counter of an Intel card",
        (r"energy\d_input card", r"energy\d_input pkg", "energy1_input"),
    ),
    HwmonDriver("i915", "gpu", "counter of an Intel card", ("energy1_input",)),
    HwmonDriver(
        "power_meter",
        "node",
        "power of an NVIDIA Grace module, GPU and memory included",
        (r"power1_average Module Power Socket \d+",),
        scope=Scope.MODULE,
    ),
    HwmonDriver(
        "power_meter",
        "node",
        "power of the machine by its firmware (ACPI)",
        (r"power1_average(?! (Module|Grace|CPU|SysIO) Power).*",),
        alone=True,
    ),
    HwmonDriver(
        "macsmc_hwmon", "node", "power of an Apple machine", (r"power\d+_input Total System Power",)
    ),
    HwmonDriver(
        "corsairpsu",
        "node",
        "power that a Corsair supply gives out, without its own loss",
        ("power1_input power total",),
    ),
    HwmonDriver(
        "ina3221", "node", "input power of a Jetson module", (r"\S+ VDD_IN",), scope=Scope.MODULE
    ),
)
"""The first driver that is there serves for the CPU,
and the first for the node, since the others measure the same again; all serve for GPUs."""
