"""All statistics of a trial table, by group and strategy, as plain data.

    analysis = perjoule.load_table("theirs.csv", by="dataset").compare(target="95%")
    print(analysis.counts["equal_energy"]["1.0"])

``CONTRACT.md`` says what each number means, its unit, and where it comes from.
"""

from __future__ import annotations

import copy
import json
import math
from collections import Counter
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...energy.quantities import format_energy
from ...errors import ConfigurationError
from ...files import write_whole
from ...version import __version__
from ..statistics import friedman
from .groups import Target, group_numbers, number
from .winners import FRACTIONS
from .wording import label, notes, percent, sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..tables.table import Table

SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Analysis:
    """All statistics of a trial table; a notebook shows a table for each of its groups.

    Attributes:
        data: All numbers: schema 1 of ``CONTRACT.md``, None where unknown.
    """

    data: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """All numbers as plain data, fit for JSON: a copy of ``data``."""
        return copy.deepcopy(self.data)

    @property
    def winners(self) -> list[dict[str, Any]]:
        """Who wins in each group: the values of the group as ``by``, then a name per criterion."""
        return [{"by": group["by"], **group["winners"]} for group in self.data["groups"]]

    @property
    def counts(self) -> dict[str, Any]:
        """How many groups each strategy wins, by criterion."""
        return self.data["counts"]

    @property
    def sentences(self) -> list[str]:
        """What each group shows, in plain words."""
        return [sentence(group) for group in self.data["groups"]]

    def write(self, path: str | Path) -> None:
        """Write all numbers as JSON, whole or not at all.

        Raises:
            OutputError: The file cannot be written.
        """
        text = json.dumps(self.data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_whole(Path(path), lambda part: part.write_text(text, encoding="utf-8"))

    def _repr_html_(self) -> str:
        """What a notebook shows: a table of the strategies for each group, winners in bold."""
        groups = "".join(map(_html, self.data["groups"]))
        told = "".join(f"<li>{escape(note)}</li>" for note in self.data["notes"])
        return f"<p><b>{escape(self.data['table'])}</b></p>{groups}<ul>{told}</ul>"


def analyse(table: Table, target: str | float = "98%") -> Analysis:
    """Work out all statistics of a trial table.

    Args:
        table: The trials; what its ``by`` groups is compared apart.
        target: The accuracy to reach: a number or ``"0.95"`` as it is, ``"98%"`` as a share of the
            best accuracy in the group.

    Raises:
        ConfigurationError: The target is neither.
    """
    wanted = _target(target)
    groups = [group_numbers(by, part, wanted) for by, part in table.groups]
    ranked = [name for name in table.strategies if all(name in g["strategies"] for g in groups)]
    told = [note for group in groups for note in notes(group)]
    if len(groups) > 1 and len(ranked) < len(table.strategies):
        told.append(
            f"Strategies that are in every group, and ranked: {', '.join(ranked) or 'none'}."
        )
    return Analysis(
        {
            "schema": SCHEMA,
            "perjoule": __version__,
            "table": table.name,
            "by": list(table.by),
            "target": wanted.text,
            "fractions": list(FRACTIONS),
            "groups": groups,
            "counts": _counts(groups),
            "ranks": {each: _ranks(groups, ranked, each) for each in ("equal_energy", "anytime")},
            "notes": [*table.notes, *told],
        }
    )


def _target(asked: str | float) -> Target:
    text = str(asked).strip()
    is_share = text.endswith("%") and isinstance(asked, str)
    try:
        value = float(text.removesuffix("%")) / (100 if is_share else 1)
    except ValueError:
        value = math.nan
    if isinstance(asked, bool) or not 0 < value <= 1:
        raise ConfigurationError(
            f"target {text!r}: give an accuracy above 0 and up to 1, such as 0.95, or a share of "
            'the best in the group, such as "98%"'
        )
    return Target(text, value, is_share)


def _counts(groups: list[dict[str, Any]]) -> dict[str, Any]:
    """How many groups each strategy wins, by criterion; groups without a winner count nowhere."""

    def won(get: Callable[[dict[str, Any]], str | None]) -> dict[str, int]:
        names = (get(group["winners"]) for group in groups)
        return dict(Counter(name for name in names if name is not None).most_common())

    return {
        "equal_energy": {
            str(share): won(lambda winners, key=str(share): winners["equal_energy"][key])
            for share in FRACTIONS
        },
        "energy_to_target": won(lambda winners: winners["energy_to_target"]),
        "anytime": won(lambda winners: winners["anytime"]),
    }


def _ranks(groups: list[dict[str, Any]], names: list[str], metric: str) -> dict[str, Any] | None:
    """How strategies rank over groups; None if there are not two of both."""
    import pandas as pd

    def score(own: dict[str, Any]) -> float:
        found = own[metric]["1.0"] if metric == "equal_energy" else own[metric]
        if found is not None:
            return found["median"]
        return math.nan if own["energy_j"] is None else 0.0  # without a result, the last rank

    rows = [[score(group["strategies"][name]) for name in names] for group in groups]
    scores = pd.DataFrame(rows, columns=names, dtype=float)
    if len(names) < 2 or len(scores.dropna()) < 2:
        return None
    found = friedman(scores)
    return {
        "statistic": number(found.statistic),
        "p": number(found.p),
        "n_groups": found.n_groups,
        "strategies": dict(found.strategies),
        "critical_difference": number(found.critical_difference),
        "cliques": [list(clique) for clique in found.cliques],
        "conclusive": found.conclusive,
        "reason": found.reason,
    }


def _html(group: dict[str, Any]) -> str:
    """A group's strategies, one row each."""
    winners = group["winners"]

    def cell(name: str, text: str, winner: str | None) -> str:
        return f"<td>{f'<b>{text} ★</b>' if name == winner else text}</td>"

    rows = []
    for name, own in group["strategies"].items():
        equal, anytime = own["equal_energy"]["1.0"], own["anytime"]
        reached = own["energy_to_target"]
        rows.append(
            f"<tr><th>{escape(name)}</th>"
            + cell(name, _spread(equal), winners["equal_energy"]["1.0"])
            + cell(name, format_energy(reached["ert_j"]), winners["energy_to_target"])
            + cell(name, _spread(anytime), winners["anytime"])
            + f"<td>{reached['hits']} of {reached['runs']}</td></tr>"
        )
    target = group["target_accuracy"]
    heads = (
        f"accuracy at {format_energy(group['common_j'])}",
        f"expected joules to {'the target' if target is None else percent(target)}",
        "anytime score",
        "runs that reached it",
    )
    head = "".join(f"<th>{each}</th>" for each in ("strategy", *heads))
    caption = f"<caption>{escape(label(group['by']))}</caption>" if group["by"] else ""
    return (
        f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"<p>{escape(sentence(group))}</p>"
    )


def _spread(found: dict[str, Any] | None) -> str:
    """A median with its interval."""
    if found is None:
        return "n/a"
    bounds = "" if found["low"] is None else f" [{percent(found['low'])}, {percent(found['high'])}]"
    return percent(found["median"]) + bounds
