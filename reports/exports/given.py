"""What only the user knows of a search: where it ran, on what, what the hardware cost to make."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ...energy.carbon import intensity
from ...errors import ConfigurationError, UnknownNameError

if TYPE_CHECKING:
    from ...energy.carbon import CarbonIntensity

DATA_TYPES = (
    "tabular", "audio", "boolean", "image", "video", "object", "text", "token", "word", "other",
)  # fmt: skip
INFRASTRUCTURES = ("publicCloud", "privateCloud", "onPremise", "other")
TRAINING_TYPES = ("pre-training", "fine-tuning")

_NAMES = {
    "training_type": TRAINING_TYPES,
    "data_type": DATA_TYPES,
    "infrastructure": INFRASTRUCTURES,
}
_NUMBERS = ("share", "flops", "tokens")

_SECONDS = {"days": 86_400.0, "months": 30.4375 * 86_400.0, "years": 365.25 * 86_400.0}
_TIME = re.compile(r"(\d+\.?\d*|\.\d+)\s*(day|month|year)s?")
_MASS = re.compile(r"(\d+\.?\d*|\.\d+)\s*(k?)g(?:\s*CO2(?:eq?)?)?", re.I)
_HARDWARE = re.compile(r"(\d+)\s*x\s*(\w+)\s+(\S.*)")


@dataclass(frozen=True)
class Hardware:
    """So many of one component."""

    count: int
    type: str  # cpu, gpu, ram …
    name: str

    def __str__(self) -> str:
        """For people: ``"2 x NVIDIA A100"``; of a processor the count is that of its cores."""
        if self.type == "cpu":
            return f"{self.name}, {self.count} core{'' if self.count == 1 else 's'}"
        return f"{self.count} x {self.name}"


@dataclass(frozen=True)
class Embodied:
    """What making the hardware emitted, and how much of its life and of it the search had."""

    made_g: float  # grams of CO2 equivalents of all of it
    lifetime_s: float
    share: float  # of the hardware that was reserved

    def grams(self, reserved_s: float) -> float:
        """The part of a search that had it for so long: TE x TS x RS of ISO/IEC 21031."""
        return self.made_g * (reserved_s / self.lifetime_s) * self.share


@dataclass(frozen=True)
class Given:
    """What the user says beside the table; None is not said.

    Attributes:
        carbon: As for ``compare``; in place of what the table says.
        location: The place in words, as granular as possible: ``"Paris, France"``.
        hardware: ``"2 x gpu NVIDIA A100, 32 x cpu AMD EPYC 7543"``; of a processor its cores.
        training_type: One of `TRAINING_TYPES`.
        task: What was trained for: ``"image classification"``.
        data_type: Of the data, one of `DATA_TYPES`.
        infrastructure: One of `INFRASTRUCTURES`.
        embodied: What making the hardware emitted: ``"1200 kg"``.
        lifetime: How long it is used: ``"4 years"``.
        share: Of it that was reserved for the search, above 0 and up to 1.
        flops: Floating point operations of the whole search.
        tokens: Tokens that were trained on.
    """

    carbon: str | None = None
    location: str | None = None
    hardware: str | None = None
    training_type: str | None = None
    task: str | None = None
    data_type: str | None = None
    infrastructure: str | None = None
    embodied: str | None = None
    lifetime: str | None = None
    share: float | None = None
    flops: float | None = None
    tokens: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ConfigurationError: A value cannot be used; the message says how to write it.
            UnknownNameError: There is no such type of training or data, or infrastructure.
        """
        said = {what: value for what, value in vars(self).items() if value is not None}
        for what, value in said.items():
            kind = int | float if what in _NUMBERS else str
            if not isinstance(value, kind) or isinstance(value, bool):
                wanted = "a number" if what in _NUMBERS else "a text"
                raise ConfigurationError(f"{what}={value!r} is not {wanted}")
        for what, known in _NAMES.items():
            if what in said and said[what] not in known:
                raise UnknownNameError(what.replace("_", " "), said[what], known)
        for what in _NUMBERS:
            number = said.get(what)
            if number is not None and not 0 < number < math.inf:
                raise ConfigurationError(f"--{what} {number} is not above zero")
        if self.share is not None and self.share > 1:
            raise ConfigurationError(f"--share {self.share} is above 1, which is all the hardware")
        _ = self.parts, self.made

    @classmethod
    def of(cls, **facts: Any) -> Given:
        """Make it of what a user gives; UnknownNameError where there is no such fact."""
        unknown = facts.keys() - {each.name for each in fields(cls)}
        if unknown:
            raise UnknownNameError("fact", min(unknown), [each.name for each in fields(cls)])
        return cls(**facts)

    @property
    def grid(self) -> CarbonIntensity | None:
        """What a kilowatt-hour emits there."""
        return None if self.carbon is None else intensity(self.carbon)

    @property
    def parts(self) -> tuple[Hardware, ...]:
        """The hardware, component by component."""
        found = []
        for text in filter(None, map(str.strip, (self.hardware or "").split(","))):
            if (match := _HARDWARE.fullmatch(text)) is None or int(match[1]) < 1:
                raise ConfigurationError(
                    f'--hardware {text!r}: write count, type and name, such as "2 x gpu NVIDIA '
                    'A100, 32 x cpu AMD EPYC 7543"'
                )
            found.append(Hardware(int(match[1]), match[2].lower(), match[3].strip()))
        return tuple(found)

    @property
    def made(self) -> Embodied | None:
        """What making the hardware emitted, where all that it takes is said."""
        said = {"embodied": self.embodied, "lifetime": self.lifetime, "share": self.share}
        missing = [f"--{name}" for name, value in said.items() if value is None]
        if len(missing) == len(said):
            return None
        if self.embodied is None or self.lifetime is None or self.share is None:
            raise ConfigurationError(
                f"embodied carbon needs {' and '.join(missing)} too: what making the hardware "
                'emitted ("1200 kg"), how long it is used ("4 years"), and the share of it that '
                "was reserved (1 for all)"
            )
        mass, time = _MASS.fullmatch(self.embodied.strip()), _TIME.fullmatch(self.lifetime.strip())
        if mass is None:
            raise ConfigurationError(
                f'--embodied {self.embodied!r} is no mass: write it like "1200 kg" or "900 g"'
            )
        if time is None or float(time[1]) == 0:
            raise ConfigurationError(
                f'--lifetime {self.lifetime!r} is no time: write it like "4 years" or "30 months"'
            )
        made_g = float(mass[1]) * (1000.0 if mass[2] else 1.0)
        return Embodied(made_g, float(time[1]) * _SECONDS[f"{time[2]}s"], self.share)
