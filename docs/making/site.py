"""Build the documentation into build/site, without a warning and with every link checked.

python -m perjoule.docs.making.site
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from .links import main as check_links

ROOT = Path(__file__).parents[2]


def show_package(tree: Path) -> None:
    """Make a folder that holds nothing but the package, for mkdocstrings to read.

    The root of the repository is the package; beside it stand environments and results, which take
    a minute to walk through.
    """
    shutil.rmtree(tree, ignore_errors=True)
    package = tree / "perjoule"
    package.mkdir(parents=True)
    for path in [*ROOT.glob("*.py*"), *(each.parent for each in ROOT.glob("*/__init__.py"))]:
        (package / path.name).symlink_to(path)


def main() -> int:
    """Build and check; the exit code."""
    show_package(ROOT / "build" / "reference")
    shutil.rmtree(ROOT / "build" / "site", ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return code or check_links(iter([str(ROOT / "build" / "site")]))


if __name__ == "__main__":
    sys.exit(main())
