"""What looking for a kind of source found, or why it found nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from .source import PowerSource, Source


@dataclass(frozen=True)
class Discovery:
    """The sources found, or the reason for none.

    Attributes:
        sources: Readable sources, possibly none.
        reason: Why something cannot be read; empty if all can.
        mend: What to do about it.
    """

    sources: list[Source | PowerSource] = field(default_factory=list)
    reason: str = ""
    mend: str = ""
