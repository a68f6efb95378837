"""What to cite: perjoule, the methods of the strategies, and the libraries that they are from.

The entries stand in ``references.bib``, each below the words by which `tuners.registry` names it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from ...tuners.registry import RECIPES
from ...version import __version__
from .. import content
from .facts import Cost, Disclosed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...benchmarks.analysis.analysing import Analysis
    from ...benchmarks.tables.table import Table

_MARK = "%% "


def write(cost: Cost) -> Disclosed:
    """Return the entries."""
    unknown = [name for name in cost.table.strategies if name not in RECIPES]
    notes = [f"no reference of {name} is known" for name in unknown]
    return Disclosed("bibtex", bibtex(cost.table, cost.analysis), tuple(notes))


def bibtex(table: Table, analysis: Analysis) -> str:
    """Return the entries of perjoule and of the strategies in a table, each once."""
    year = content.created(table)
    named = [RECIPES[name] for name in table.strategies if name in RECIPES]
    texts = [f"{recipe.summary}; {recipe.source}" for recipe in named]
    return "\n\n".join([_perjoule(year[0][:4] if year else None, analysis), *cited(texts)]) + "\n"


def cited(texts: Sequence[str]) -> list[str]:
    """Return the entries whose names are in any of the texts."""
    return [entry for name, entry in references().items() if any(name in text for text in texts)]


@cache
def references() -> dict[str, str]:
    """Return all entries by the words that name them."""
    text = files(__package__ or "").joinpath("references.bib").read_text(encoding="utf-8")
    parts = [part.partition("\n") for part in f"\n{text}".split(f"\n{_MARK}")[1:]]
    return {name.strip(): entry.strip() for name, _, entry in parts}


def _perjoule(year: str | None, analysis: Analysis) -> str:
    """The entry of the version that analysed the table."""
    lines = {
        "author": "{{The perjoule authors}}",
        "title": "{{perjoule}: hyperparameter searches compared by their joules}",
        "version": f"{{{analysis.perjoule or __version__}}}",
        "year": f"{{{year}}}" if year else None,
    }
    told = "".join(f"  {key} = {value},\n" for key, value in lines.items() if value)
    return f"@software{{perjoule,\n{told}}}"
