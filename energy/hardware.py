"""What hardware can draw: a reading that needs more is a fault of its meter, or of its unit."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

SOCKET_W: Final = 500.0
"""Rated power of the largest processors."""
SOCKETS: Final = 4
"""Of the largest usual machines."""
CARD_W: Final = 1_500.0
"""Rated power of the largest boards."""
MEMORY_W: Final = 1_000.0
"""Of four terabytes."""
MACHINE_W: Final = 50_000.0
"""More than any single machine draws."""
SUPPLY_W: Final = 100_000.0
"""What goes through a wattmeter, before one or several machines."""
PEAKS: Final = 2.0
"""How far short peaks go beyond a rated power or a limit, which hold for a mean over time."""
MOST_W: Final = {
    "cpu": PEAKS * SOCKET_W,
    "dram": MEMORY_W,
    "gpu": PEAKS * CARD_W,
    "node": MACHINE_W,
}
"""By component: of one processor, the memory, one board, one machine."""


def most_of_limits(limits_w: Collection[float], component: str) -> float | None:
    """The most that a component with these power limits draws; None if it tells none."""
    known_w = [limit_w for limit_w in limits_w if limit_w > 0]
    return min(PEAKS * max(known_w), MOST_W[component]) if known_w else None
