"""Write CITATION.cff: this version, and the papers of strategies and studies that it builds on.

    python packaging/citation.py > CITATION.cff

The papers stand in `reports/exports/references.bib`, from which `perjoule disclose --as bibtex`
cites them too. A test compares the file with what this writes.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import yaml

from perjoule.reports.exports.bibtex import references
from perjoule.version import RELEASED, __version__

ACCENTS = {
    "{\\'a}": "á", "{\\'e}": "é", "{\\'i}": "í", "{\\'o}": "ó", "{\\ss}": "ß",
}  # fmt: skip
KINDS = {"article": "article", "inproceedings": "conference-paper", "software": "software"}
DASH = "\u2013"
PARTICLES = ("van", "del", "de", "von")
FIELD = re.compile(r"^ {2}(\w+) = \{(.*?)\},$", re.MULTILINE | re.DOTALL)
HEAD = {
    "cff-version": "1.2.0",
    "message": "If you use perjoule, please cite it, and the papers of what you used of it: "
    "`perjoule disclose RUN --as bibtex` names them.",
    "title": "perjoule: hyperparameter searches compared by their joules",
    "type": "software",
    "authors": [{"name": "The perjoule authors"}],
    "version": __version__,
    "date-released": RELEASED,
    "license": "MIT",
    "keywords": ["energy", "green AI", "hyperparameter optimization", "benchmark"],
}


def citation() -> str:
    """The file, by version 1.2.0 of its schema."""
    told = {**HEAD, "references": [_reference(entry) for entry in references().values()]}
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=98)


def _reference(entry: str) -> dict[str, Any]:
    """One entry of BibTeX as a reference."""
    kind = entry[1 : entry.index("{")]
    told = {name: _plain(value) for name, value in FIELD.findall(entry)}
    found: dict[str, Any] = {
        "type": KINDS.get(kind, "generic"),
        "title": told["title"],
        "authors": [_person(each) for each in _raw(entry, "author").split(" and ")],
    }
    if "year" in told:
        found["year"] = int(told["year"])
    if "booktitle" in told:
        found["collection-title"] = told["booktitle"]
    for name, key in (("journal", "journal"), ("doi", "doi")):
        if name in told:
            found[key] = told[name]
    for name, key in (("volume", "volume"), ("number", "issue")):
        if name in told:
            found[key] = int(told[name])
    if "pages" in told:
        found["start"], found["end"] = map(int, told["pages"].split(DASH))
    if "eprint" in told:
        found["identifiers"] = [{"type": "other", "value": f"arXiv:{told['eprint']}"}]
        found["url"] = f"https://arxiv.org/abs/{told['eprint']}"
    return found


def _raw(entry: str, wanted: str) -> str:
    text = next(value for name, value in FIELD.findall(entry) if name == wanted)
    return " ".join(text.split())


def _person(text: str) -> dict[str, str]:
    """A person by names, or whoever goes by one name, which stands in braces."""
    family, comma, given = _plain(text).partition(", ")
    if not comma:
        return {"name": family}
    particle, _, rest = family.partition(" ")
    if particle in PARTICLES:
        return {"name-particle": particle, "family-names": rest, "given-names": given}
    return {"family-names": family, "given-names": given}


def _plain(text: str) -> str:
    """Text of BibTeX without its marks."""
    for mark, letter in ACCENTS.items():
        text = text.replace(mark, letter)
    return " ".join(text.replace("{", "").replace("}", "").replace("--", DASH).split())


if __name__ == "__main__":
    sys.stdout.write(citation())
