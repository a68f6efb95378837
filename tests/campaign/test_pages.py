"""Odd tables through all doors of the report: no traceback, one truth, text is text."""

import json
import math
import random
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import numpy as np

import perjoule
from perjoule.reports.page import render

from .odd import odd_table

WHOLE = 150
OF_STRANGERS = ("<script>document", "<img src=x", "<b>bold", "<!--<script", "<b>f1")
FAULTS = ("tracebacks", "numbers_that_differ", "unescaped_texts", "empty_figures", "no_json")


class Read(HTMLParser):
    """The JSON, the marked numbers and the preformatted texts of a page, and its odd elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.json: dict[str, Any] = {}
        self.texts: dict[str, str] = {}
        self.rows: dict[str, dict[str, dict[str, str]]] = {}
        self.odd: list[str] = []
        self._section = self._strategy = self._tag = self._id = self._of = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "section":
            self._section = given.get("id", "")
        if tag == "tr":
            self._strategy = given.get("data-strategy", "")
        if "data-field" in given and "data-value" in given:
            rows = self.rows.setdefault(self._section, {}).setdefault(self._strategy, {})
            rows[given["data-field"]] = given["data-value"]
        self._tag, self._id, self._of = tag, given.get("id", ""), given.get("type", "")
        if tag in ("img", "b", "u") or any(name.startswith("on") for name in given):
            self.odd.append(f"{tag} {given}")
        if tag == "script" and given and not self._id:
            self.odd.append(f"{tag} {given}")

    def handle_data(self, data: str) -> None:
        if self._of == "application/json":
            self.json[self._id] = json.loads(data, parse_constant=refuse)
        elif self._tag == "pre":
            self.texts[self._id] = self.texts.get(self._id, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._tag = self._id = self._of = ""

    def rows_of(self, section: str) -> Iterator[tuple[str, dict[str, str]]]:
        """The marked numbers of each strategy in the table of a section."""
        for place, row in self.rows.get(section, {}).items():
            own = self.json[f"{section}-steps"]["strategies"][int(place)]
            yield (own["name"] if isinstance(own, dict) else own), row


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def numbers(values: Any) -> np.ndarray:
    """An array of a figure; a category counts as a place."""
    if isinstance(values, dict):
        return np.frombuffer(b64decode(values["bdata"]), values["dtype"]).astype(float)
    places = {None: math.nan} | {each: 1.0 for each in values or () if isinstance(each, str)}
    return np.array([places.get(each, each) for each in values or ()], dtype=float)


def is_drawn(figure: dict[str, Any]) -> bool:
    """Whether a figure shows any mark, line or bar, or says why not."""
    layout = figure["layout"]
    if any(each.get("visible", True) for each in layout.get("annotations", ())):
        return True
    for trace in figure["data"]:
        if trace.get("visible", True) is not True:
            continue
        if trace.get("type") == "heatmap":
            return True
        there = []
        for axis in ("x", "y"):
            values = numbers(trace.get(axis))
            name = trace.get(f"{axis}axis", axis)
            log = layout.get(f"{axis}axis{name[1:]}", {}).get("type") == "log"
            there.append(np.isfinite(values) & (values > 0 if log else True))
        if all(each.size for each in there):
            size = min(len(each) for each in there)
            if (there[0][:size] & there[1][:size]).any():
                return True
    return False


def strings(data: Any) -> Iterator[str]:
    """All texts that Plotly may take for its markup."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, list):
        for each in data:
            yield from strings(each)
    elif isinstance(data, dict):
        for name, each in data.items():
            if name not in ("meta", "bdata"):
                yield from strings(each)


def agree(told: str, known: float | None) -> bool:
    """Whether a marked number of the page is one of the analysis; what is unknown has none."""
    found = float(told or "nan")
    if known is None:
        return not math.isfinite(found)
    return math.isclose(found, known, rel_tol=1e-9)


def differing(read: Read, analysis: Any, disclosed: dict[str, str]) -> Iterator[str]:
    """What one door says and another does not."""
    if (told := read.json.get("page-analysis")) is not None:
        whole = json.loads(json.dumps(analysis.to_dict(), allow_nan=False))
        for group in whole["groups"]:
            del group["tests"]
        if told != whole:
            yield "the analysis in the page"
    for number, group in enumerate(analysis.groups):
        for name, row in read.rows_of(f"targets-{number}-section"):
            own = group.strategies[name]
            pairs = {
                "hits": own.energy_to_target.hits,
                "joules": own.energy_to_target.ert_j,
                "level": own.level,
            }
            for field, expected in pairs.items():
                if not agree(row[field], expected):
                    yield f"{field} of {name!r}: {row[field]} and {expected}"
        for name, row in read.rows_of(f"per-joule-{number}-section"):
            own = group.strategies[name].score_per_joule
            found, expected = row["trial"], own and own.trial
            if not agree(found, expected):
                yield f"per joule of {name!r}: {found} and {expected}"
    for form, text in disclosed.items():
        if read.texts.get(f"export-{form}", text).strip() != text.strip():
            yield f"the {form} of the page"


def faults_of(seed: int) -> Iterator[tuple[str, str]]:
    """What is wrong with a table's page and with what one more door says, each with its kind."""
    table = odd_table(seed)
    analysis = table.compare()
    page = render(table, analysis)
    try:
        read = Read(page)
    except ValueError as error:
        yield "no_json", str(error)
        return
    for what in read.odd:
        yield "unescaped_texts", what
    figures = {name: each for name, each in read.json.items() if name.endswith("-data")}
    disclosed = {}
    if door := ("", "latex", "markdown")[seed % 3]:
        disclosed[door] = str(perjoule.disclose(table, door))
    else:
        alone = perjoule.figures.draw(table)
        figures |= {f"{name}, alone": json.loads(each.to_json()) for name, each in alone.items()}
    for what in differing(read, analysis, disclosed):
        yield "numbers_that_differ", what
    for name, figure in figures.items():
        if not is_drawn(figure):
            yield "empty_figures", name
        if bad := [t for t in strings(figure) if any(each in t for each in OF_STRANGERS)]:
            yield "unescaped_texts", f"{name}: {bad[0][:200]}"


def test_odd_tables_make_true_pages(share_of, tally):
    found: Counter[str] = Counter()
    seeds = random.Random(7).sample(range(WHOLE), share_of(WHOLE))
    for seed in seeds:
        try:
            for kind, what in faults_of(seed):
                found[kind] += 1
                print(seed, kind, what)
        except Exception as error:  # noqa: BLE001 - any is a traceback
            found["tracebacks"] += 1
            print(seed, repr(error))
    tally("pages of odd tables", len(seeds), **{kind: found[kind] for kind in FAULTS})
