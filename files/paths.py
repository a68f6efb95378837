"""Paths as users list them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import ConfigurationError


def split_paths(texts: Iterable[str | Path]) -> list[str]:
    """The paths in some texts, each of which may join several by commas.

    >>> split_paths(["runs/a, runs/b", "c.csv"])
    ['runs/a', 'runs/b', 'c.csv']

    Raises:
        ConfigurationError: One is empty or named twice.
    """
    paths = [part.strip() for text in texts for part in str(text).split(",")]
    for path in paths:
        if not path:
            raise ConfigurationError("the name of a table is empty: drop a comma")
        if paths.count(path) > 1:
            raise ConfigurationError(f"{path} is named twice: drop one")
    return paths
