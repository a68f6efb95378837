"""The figures of `docs/explanation`, each a function of data that are in the repository."""

from __future__ import annotations

from . import energy, searches
from .drawing import Picture

PICTURES: tuple[Picture, ...] = (*energy.PICTURES, *searches.PICTURES)
"""All of them; `python -m perjoule.docs.making.figures` writes them."""
