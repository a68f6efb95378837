"""Puts what `perjoule measure` wrote into the job's summary and the step's outputs.

It runs with whatever Python a runner has, so with the standard library alone.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path


def main(folder: Path) -> None:
    """Head the text by the name, and tell where everything is."""
    table, text = folder / "joules.json", folder / "joules.md"
    headed = f"### {plain(os.environ['INPUT_NAME'])}\n\n{text.read_text('utf-8')}"
    text.write_text(headed, "utf-8")
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
        summary.write(headed)
    found = json.loads(table.read_text("utf-8"))
    joules = found["total_j"]
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
        outputs.write(f"energy_j={'' if joules is None else joules}\n")
        outputs.write(f"kind={found['kind']}\njson={table}\nmarkdown={text}\n")


def plain(name: str) -> str:
    """A name in one line, in which nothing is Markdown or HTML, and nobody is mentioned."""
    escaped = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(name.split()))
    return re.sub("[@#]", "\\g<0>\N{ZERO WIDTH SPACE}", escaped)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
