"""The machines of a comparison: what each is, what it meters with, and whether they go together.

A machine is called what its system calls it. Clocks of machines are never compared.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...energy import SourceInfo
from ...energy.sources.cpu.caches import cache_sizes
from ...energy.sources.cpu.cores import usable_cores
from ...energy.sources.cpu.power import processor
from ...errors import DataError, MeterError
from ..tables.facts import Fact


@dataclass(frozen=True)
class MachineFacts(Fact):
    """A machine that trains for a comparison."""

    name: str
    cpu: str
    cores: int  # that a process may use
    platform: str
    caches: Mapping[str, int] = field(default_factory=dict)  # bytes, by name
    device: str = ""  # what trains there
    meter: str = ""  # what counts the joules there, in words


def describe_machine() -> dict[str, Any]:
    """Describe this machine, in plain data."""
    cpu = processor()
    return {
        "cpu": f"{cpu.model} (virtual machine)" if cpu.virtual else cpu.model,
        "cores": usable_cores(),
        "platform": platform.platform(),
        "caches": cache_sizes(),
    }


def this_machine(sources: Iterable[SourceInfo], runtime: Mapping[str, Any]) -> MachineFacts:
    """The facts of this machine, and of what a worker here meters and trains with."""
    return MachineFacts(
        name=platform.node(),
        **describe_machine(),
        device=str(runtime.get("device", "")),
        meter="; ".join(source.detail for source in sources),
    )


@dataclass(frozen=True)
class Alike:
    """What all workers of a comparison must have in common, for their joules to be comparable."""

    kinds: tuple[str, ...]  # of the meter's sources: component, kind and scope
    data: str | None = None  # the fingerprint of the data set

    @classmethod
    def of(cls, sources: Iterable[SourceInfo], data: Mapping[str, Any]) -> Alike:
        """Of a worker's meter and data."""
        return cls(kinds_of(vars_of(source) for source in sources), data.get("fingerprint"))

    def check(self, other: Alike, machine: str) -> None:
        """Make sure that a worker may join.

        Args:
            other: What it has.
            machine: Where it is.

        Raises:
            MeterError: It meters in another way.
            DataError: It learns from other data.
        """
        if other.kinds != self.kinds:
            raise MeterError(
                f"a worker on {machine} meters {_listed(other.kinds)}, and others "
                f"{_listed(self.kinds)}: joules of different meters cannot be compared; name a "
                "--meter that all machines have, or leave that machine out"
            )
        if other.data != self.data:
            raise DataError(
                f"a worker on {machine} has other data (fingerprint {other.data}) than others "
                f"({self.data}): give all machines the same"
            )


def vars_of(source: SourceInfo) -> Mapping[str, Any]:
    """The fields of a source."""
    return {name: getattr(source, name) for name in ("component", "kind", "scope")}


def kinds_of(sources: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """What sources count and how, whichever piece of hardware they are.

    >>> kinds_of([{"component": "cpu", "kind": "modelled", "scope": "process"}])
    ('cpu modelled per process',)
    """
    told = (f"{s.get('component')} {s.get('kind')} per {s.get('scope')}" for s in sources)
    return tuple(sorted(told))


def _listed(kinds: Sequence[str]) -> str:
    return ", ".join(kinds) or "nothing"
