"""Write `docs/gallery.md` and its figures from what studies found.

``--from FOLDER`` stores the findings of the studies in it, a folder each, as
`perjoule study all --quick --out FOLDER` writes them. Without it the page is made again of what is
stored.

    python -m perjoule.docs.making.gallery --from runs/studies
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import plotly.graph_objects as go

from ...benchmarks.performance.options import make_parser
from ...benchmarks.studies import wording
from ...benchmarks.studies.facts import Claim, Findings, Heat, Plot
from ...benchmarks.studies.registry import STUDIES, find_study
from ...benchmarks.tables.facts import Fact
from ...benchmarks.tables.table import counted
from ...energy.quantities import format_energy
from ...files.writing import write_whole
from ...reports.figures.chart import Chart
from ...reports.figures.heats import heat_chart
from ...reports.figures.plots import plot_chart
from ...reports.format import format_duration, format_kinds
from ...reports.study_content import safe_link
from .pictures.drawing import TEMPLATE, write_figures

DOCS = Path(__file__).parents[2] / "docs"
FOLDER, PAGE = DOCS / "gallery", DOCS / "gallery.md"
FIGURES = {"layers": "joules"}
"""The exhibit that is shown of a study; its first figure if none is named."""
HEAD = """\
# Gallery: studies of the field, repeated

What published studies on the energy of training found, beside what their quick repetition found
on a small machine. Each section has the question, the paper, its findings beside ours, a figure and
the command that repeats it. The tables are made from the findings in `docs/gallery/`, as the
program wrote them; the full reports are interactive pages of 5 MB each, which `make gallery` makes.

A quick repetition is smaller than the paper's: fewer images, epochs and repetitions, on other
hardware. "Does not hold here" says that of this design on this machine, and is no verdict on the
paper. Below five repetitions verdicts are hints.
"""


@dataclass(frozen=True)
class Stored(Fact):
    """What is kept of a study."""

    name: str
    date: str
    machine: str
    cores: int
    versions: Mapping[str, str]
    trials: int
    repetitions: int
    energy_j: float | None
    energy_kind: str
    duration_s: float
    others_cores: float | None  # that others kept busy, the median over the time
    command: str
    findings: Findings

    @property
    def exhibit(self) -> Plot | Heat | None:
        """The figure that is shown."""
        figures = [each for each in self.findings.exhibits if isinstance(each, Plot | Heat)]
        named = [each for each in figures if each.name == FIGURES.get(self.name)]
        return next(iter([*named, *figures]), None)

    @property
    def chart(self) -> Chart | None:
        """The same, drawn."""
        exhibit = self.exhibit
        if exhibit is None:
            return None
        draw = plot_chart if isinstance(exhibit, Plot) else heat_chart
        return draw(cast("Plot & Heat", exhibit), exhibit.name, self.energy_kind)  # pyright: ignore


def main(arguments: Sequence[str] | None = None) -> int:
    """Store what is named, and write page and figures; returns the exit code."""
    parser = make_parser(__doc__)
    parser.add_argument("--from", dest="source", type=Path, metavar="FOLDER", help="of studies")
    options = parser.parse_args(arguments)
    if options.source is not None:
        for name in STUDIES:
            if (options.source / name / "findings.json").exists():
                _store(take(options.source / name))
    stored = load()
    write_figures(list(_images(stored)))
    write_whole(PAGE, lambda part: part.write_text(page(stored), "utf-8"))
    return 0


def take(folder: Path) -> Stored:
    """What is to be kept of a study's folder."""
    from ...api.studies import load_study

    result = load_study(folder)
    described = result.table.description or {}
    told, machine = described["study"], described["machine"]
    asked = told["options"]
    command = f"perjoule study {result.study.name} --quick"
    if asked["repetitions"] is not None:
        command += f" --repetitions {asked['repetitions']}"
    return Stored(
        result.study.name,
        described["created"][:10],
        machine["cpu"],
        machine["cores"],
        {name: described["versions"][name] for name in ("perjoule", "python", "torch")},
        len(result.table.trials),
        int(result.table.trials["seed"].nunique()),
        told["took"]["energy_j"],
        format_kinds(result.table.trials["energy_kind"].dropna()),
        told["took"]["duration_s"],
        (told.get("load") or {}).get("median_cores"),
        command,
        result.findings,
    )


def load() -> list[Stored]:
    """What is kept of each study, in the order of the registry."""
    paths = [FOLDER / f"{name}.json" for name in STUDIES]
    return [Stored.from_json(path.read_bytes()) for path in paths if path.exists()]


def _store(stored: Stored) -> None:
    text = json.dumps(stored.to_dict(), ensure_ascii=False, separators=(",", ":")) + "\n"
    FOLDER.mkdir(exist_ok=True)
    write_whole(FOLDER / f"{stored.name}.json", lambda part: part.write_text(text, "utf-8"))


def drawn(stored: Stored) -> go.Figure | None:
    """The figure that is shown of a study; None of one that has none."""
    chart = stored.chart
    if chart is None:
        return None
    figure = go.Figure(chart.figure).update_layout(template=TEMPLATE)
    return figure.update_layout(margin={"t": 24, "r": 64})


def _images(stored: Sequence[Stored]) -> Iterator[tuple[Path, str, go.Figure, int]]:
    for each in stored:
        chart, figure = each.chart, drawn(each)
        if chart is not None and figure is not None:
            height_px = int(16 * chart.height_rem) if chart.height_rem else 420 + 5 * chart.entries
            yield FOLDER / f"{each.name}.svg", chart.label, figure, height_px


def page(stored: Sequence[Stored]) -> str:
    """The page, as Markdown."""
    held = [claim.holds for each in stored for claim in each.findings.claims]
    known = [each for each in held if each is not None]
    tally = (
        f"Of {len(held)} findings of {counted(len(stored), 'study')}, {sum(known)} hold here, "
        f"{len(known) - sum(known)} do not, and of {len(held) - len(known)} nothing can be said."
    )
    lines = [HEAD, tally, "", *_lacking(stored)]
    return "\n".join([*lines, *(line for each in stored for line in _section(each))])


def _lacking(stored: Sequence[Stored]) -> Iterator[str]:
    """Which studies are not shown, and how to have them."""
    names = [name for name in STUDIES if name not in {each.name for each in stored}]
    for name in names:
        yield f"Not shown yet: `{name}`. `perjoule study {name} --quick` repeats it.\n"


def _section(stored: Stored) -> Iterator[str]:
    study = find_study(stored.name)
    link = safe_link(study.link)
    paper = f"[{study.paper}]({link})" if link else study.paper
    yield f"## {stored.name}"
    yield ""
    yield f"**{study.question}** {paper}. {wording.headline(stored.findings.claims, study.paper)}"
    yield ""
    yield "| what the paper found | paper | here | verdict |"
    yield "|---|---|---|---|"
    yield from map(_row, stored.findings.claims)
    yield ""
    chart = stored.chart
    if chart is not None:
        yield f"![{chart.label}](gallery/{stored.name}.svg)"
        yield ""
        yield f"*{_plain(chart.title)}.* {_plain(chart.lead)}"
        yield ""
    yield from (f"- {_plain(each)}" for each in stored.findings.notes)
    yield ""
    yield _conduct(stored)
    yield ""
    yield "```sh"
    yield stored.command
    yield "```"
    yield ""


def _row(claim: Claim) -> str:
    reason = _plain(wording.reason_of(claim).removeprefix(", "))
    why = f"<br>*{reason[:1].upper()}{reason[1:]}.*" if reason else ""
    cells = [wording.in_words(claim.paper), wording.in_words(claim.ours), wording.verdict_of(claim)]
    return f"| {_plain(claim.statement)}{why} | {' | '.join(map(_plain, cells))} |"


def _conduct(stored: Stored) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in stored.versions.items())
    load = ""
    if stored.others_cores is not None:
        load = f"; others kept {stored.others_cores:.1f} cores busy in the median"
    return (
        f"{stored.date}, {stored.machine}, {stored.cores} cores{load}: {stored.trials} trials in "
        f"{stored.repetitions} repetitions, {format_energy(stored.energy_j)} {stored.energy_kind}, "
        f"{format_duration(stored.duration_s)}; {versions}."
    )


def _plain(text: str) -> str:
    """Text that is nothing else in a table of Markdown."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
