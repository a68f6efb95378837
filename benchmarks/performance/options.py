"""What the scripts of this folder share: their options, and the file of their figures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from perjoule.benchmarks.tables.facts import finite

DIGITS = Path(__file__).parents[1] / "recorded" / "digits"
"""A recorded table."""


def make_parser(doc: str | None, *, json: bool = False) -> argparse.ArgumentParser:
    """A parser that describes a script by the first line of its docstring.

    Args:
        doc: The docstring.
        json: Whether the script can write its figures.
    """
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    if json:
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser


def write_figures(path: Path | None, figures: dict[str, Any]) -> None:
    """Write figures as JSON if a file is named; infinite and unknown ones become null."""
    if path is not None:
        path.write_text(json.dumps(finite(figures), indent=1) + "\n")
