"""Where recorders write that are given no place: in the run folder, and nowhere else."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from ...errors import OutputError


def inside(folder: Path, name: str, *, holds_links: bool = False) -> Path:
    """A place in a run folder, which may be somebody else's.

    Args:
        folder: The run folder.
        name: The file or folder in it.
        holds_links: Whether who writes there also makes links in it.

    Raises:
        OutputError: It is a link, or has one in it, by which other files would be written or
            removed.
    """
    place = folder / name
    inner = () if holds_links else place.rglob("*")
    if link := next((each for each in chain([place], inner) if each.is_symlink()), None):
        raise OutputError(f"{link} is a link to another place: remove it, and record again")
    return place
