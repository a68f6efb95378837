"""The accuracy to reach."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import ConfigurationError

DEFAULT_TARGET = "98%"
"""The accuracy to reach, where nobody says it: this share of the best in the group."""


@dataclass(frozen=True)
class Target:
    """The accuracy to reach."""

    text: str  # as it was asked for
    value: float  # an accuracy, or a share of the best accuracy in the group
    is_share: bool  # which of the two

    def score(self, best: float) -> float:
        """The accuracy to reach in a group with this best one; NaN if that is not known."""
        return self.value * best if self.is_share else self.value


def parse_target(asked: str | float) -> Target:
    """Read an accuracy to reach: an accuracy, or a share of the best one.

    Raises:
        ConfigurationError: It is neither.
    """
    text = str(asked).strip()
    is_share = text.endswith("%") and isinstance(asked, str)
    try:
        value = float(text.removesuffix("%")) / (100 if is_share else 1)
    except ValueError:
        value = math.nan
    if isinstance(asked, bool) or not 0 < value <= 1:
        raise ConfigurationError(
            f"target {text!r}: give an accuracy above 0 and up to 1, such as 0.95, or a share of "
            'the best in the group, such as "98%"'
        )
    return Target(text, value, is_share)
