"""Everything a paper or a model card says about the joules of a search.

Shows: a short search, then its LaTeX table, BibTeX, the lines of a Hugging Face model card, and
figures.
Takes about 10 s on one core; a run folder of yours takes a second (see below).

    python report_for_a_paper.py
"""

from pathlib import Path

import perjoule

RUN = None  # "runs/mine": a comparison that you have, in place of the short one
FIGURES = ["pareto", "anytime"]  # dir(perjoule.figures) has all
FORMATS = "json"  # Plotly's; "svg,pdf,png" need pip install 'perjoule[images]' and Chromium
WIDTH = "column"  # 88 mm; or "page", or millimetres
OUT = Path("paper")


def main() -> None:
    """Write the files."""
    run = RUN or perjoule.compare(strategies=["random", "frugal"], budget="4 J", seeds=2, workers=1)
    OUT.mkdir(exist_ok=True)
    for form, name in {"latex": "table.tex", "bibtex": "cite.bib", "hf": "model-card.md"}.items():
        disclosed = perjoule.disclose(run, form, carbon="FRA")
        (OUT / name).write_text(str(disclosed), encoding="utf-8")
        for note in disclosed.notes:
            print(f"{name}: {note}")
    perjoule.figures.write(run, OUT, only=FIGURES, formats=FORMATS, width=WIDTH, force=True)
    print(*sorted(map(str, OUT.iterdir())), sep="\n")


if __name__ == "__main__":  # workers import this file
    main()
