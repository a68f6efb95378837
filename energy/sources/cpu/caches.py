"""Sizes of the processor's caches, as Linux tells them."""

from __future__ import annotations

from pathlib import Path

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}
_FILES = ("level", "type", "size")


def cache_sizes(root: Path = CACHES) -> dict[str, int]:
    """Bytes of the caches that hold data, by their names, the smallest first.

    Those of the first core: its own L1 and L2, and the L3 that it shares with others. Empty where
    the system does not tell, as everywhere but on Linux; a cache that cannot be read is left out.

    Args:
        root: A folder with ``index0/{level,type,size}``, ``index1`` ….
    """
    found: dict[str, int] = {}
    for index in sorted(root.glob("index*")):
        try:
            level, kind, size = ((index / name).read_text().strip() for name in _FILES)
            n_bytes = int(size.rstrip("KMG")) * _UNITS.get(size[-1:], 1)
        except (OSError, ValueError):
            continue
        if kind != "Instruction" and level.isdigit() and n_bytes > 0:
            found[f"L{level}"] = max(n_bytes, found.get(f"L{level}", 0))
    return dict(sorted(found.items(), key=lambda each: each[1]))
