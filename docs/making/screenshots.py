"""The picture of a report on the home page, light and dark: `make screenshots` takes it anew.

    python -m perjoule.docs.making.screenshots

The report is a replay of the recorded search of the digits, so it says the same each time. It needs
Playwright and an installed Chromium; the build takes the pictures that are committed.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "img"
WIDTH, HEIGHT = 1440, 1660
MARGIN = 190  # beside the column of the report
REPLAY = ["--strategies", "random,tpe,asha,frugal", "--budget", "20 J per run", "--seeds", "20"]
COLOURS = 96  # of the picture: it stays below 150 kB
DRAWN_MS = 3_000  # figures are drawn soon after a page is shown


def write_report(page: Path) -> None:
    """Replay the recorded search, and write its report."""
    table = ROOT / "benchmarks" / "recorded" / "digits"
    command = [sys.executable, "-m", "perjoule", "replay", str(table), *REPLAY, "--html", str(page)]
    subprocess.run(command, cwd=page.parent, check=True, stdout=subprocess.DEVNULL)


def take(page: Path, scheme: str, image: Path) -> None:
    """Take a picture of the top of a page."""
    from PIL import Image
    from playwright.sync_api import FloatRect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        view = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        view.goto(page.as_uri())
        view.wait_for_timeout(DRAWN_MS)
        clip = FloatRect(x=MARGIN, y=0, width=WIDTH - 2 * MARGIN, height=HEIGHT)
        picture = Image.open(io.BytesIO(view.screenshot(clip=clip)))
        browser.close()
    picture.convert("RGB").quantize(COLOURS).save(image, optimize=True)


def main() -> int:
    """Take both pictures."""
    with TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        write_report(page)
        take(page, "light", IMAGES / "report.png")
        take(page, "dark", IMAGES / "report-dark.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
