"""What looking for a kind of source found, and why it did not find the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

from .source import PowerSource, Source


@dataclass(frozen=True)
class Discovery:
    """The sources found, and what is missing.

    Attributes:
        sources: Readable sources, possibly none.
        reason: Why something cannot be read; empty if all can.
        mend: What to do about it.
        incomplete: Whether hardware that is in use here cannot be read, so that its joules would
            be missing.
    """

    sources: list[Source | PowerSource] = field(default_factory=list)
    reason: str = ""
    mend: str = ""
    incomplete: bool = False
