"""Write the figures of `docs/explanation` from what is recorded in the repository.

python -m perjoule.docs.making.figures
python -m perjoule.docs.making.figures seeds tasks
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ...benchmarks.performance.options import make_parser
from .pictures import PICTURES
from .pictures.drawing import write_figures

FOLDER = Path(__file__).parents[2] / "docs" / "explanation" / "figures"


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw all, or those that are named; returns the exit code."""
    parser = make_parser(__doc__)
    known = [each.name for each in PICTURES]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}")
    names = parser.parse_args(arguments).names
    if unknown := sorted({*names} - {*known}):
        parser.error(f"no figure {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [each for each in PICTURES if not names or each.name in names]
    write_figures(
        [(FOLDER / f"{p.name}.svg", p.title, p.draw(), p.height_px) for p in chosen],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
