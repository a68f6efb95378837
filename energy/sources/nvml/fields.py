"""What NVML gives by number and scope (``nvmlDeviceGetFieldValues``, nvml.h), and whose it is."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ....errors import SourceError
from ...hardware import MOST_W
from ...source import Scope

ENERGIES: Final = (83, 191)  # NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION, NVML_FI_DEV_ENERGY, in mJ
SCOPED_ENERGY: Final = 191  # the one that has scopes
POWER_AVERAGE: Final = 185  # NVML_FI_DEV_POWER_AVERAGE: over a second, in mW
POWER_INSTANT: Final = 186  # NVML_FI_DEV_POWER_INSTANT: now, where the plain call averages a second
_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")  # by nvmlValueType_t


class Domain(NamedTuple):
    """What a reading covers."""

    name: str  # in ids
    component: str
    scope: Scope
    number: int  # NVML's
    detail: str  # for people
    max_power_w: float  # if no limit is told


BOARD: Final = Domain("nvml", "gpu", Scope.BOARD, 0, "", MOST_W["gpu"])
"""NVML_POWER_SCOPE_GPU, its memory included."""
MODULE: Final = Domain(
    "nvml-module",
    "node",
    Scope.MODULE,
    1,
    " with the CPU of its module",
    MOST_W["gpu"] + MOST_W["cpu"],
)
"""NVML_POWER_SCOPE_MODULE of a Grace Hopper or Grace Blackwell."""


def read_field(nvml: Any, handle: Any, field: int, domain: Domain = BOARD) -> int:
    """A field's number.

    Raises:
        SourceError: NVML does not give it.
    """
    asked = (field, domain.number) if domain.number else field  # old bindings take numbers alone
    [answer] = nvml.nvmlDeviceGetFieldValues(handle, [asked])
    if answer.nvmlReturn != 0:
        raise SourceError(f"error {answer.nvmlReturn}")
    return int(getattr(answer.value, _MEMBERS[answer.valueType]))
