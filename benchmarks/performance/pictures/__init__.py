"""The figures of `docs/explanation`, each a function of data that are in the repository."""

from __future__ import annotations

from perjoule.benchmarks.performance.pictures import energy, searches
from perjoule.benchmarks.performance.pictures.drawing import Picture

PICTURES: tuple[Picture, ...] = (*energy.PICTURES, *searches.PICTURES)
"""All of them; `benchmarks/performance/docs_figures.py` writes them."""
