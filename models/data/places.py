"""Where data sets lie on disk."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """What is downloaded or kept goes here: `PERJOULE_DATA`, else `~/.cache/perjoule`."""
    return Path(os.environ.get("PERJOULE_DATA") or "~/.cache/perjoule").expanduser()


def user_path(text: str) -> Path:
    """A path as a user writes it, with `~` for a home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # of nobody here
        return Path(text)
