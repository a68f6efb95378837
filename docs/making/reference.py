"""The pages of the reference that the program itself tells: `make reference` writes them anew.

python -m perjoule.docs.making.reference
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from . import experiment, sources, strategies

FOLDER = Path(__file__).parents[1] / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "experiment.md": experiment.page,
    "sources.md": sources.page,
    "strategies.md": strategies.page,
}
"""What writes each page of the folder."""


def main() -> int:
    """Write all pages."""
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
