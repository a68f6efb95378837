"""How large is a report page, and how soon does it answer in a browser?

    python benchmarks/performance/page.py    # tables of 300 and of 100,000 trials

Each table is made here, seeded: 20 strategies, 10 seeds, four phases, three hyperparameters, a
tenth of the trials failed with messages of their own. *Rendered* is the time from the table to the
text of its page, analysis aside. Then Chromium opens the page from a file, without a network and
with an empty profile. *Interactive* is when the verdict stands, the first figure is drawn and no
task keeps the page busy for more than 50 ms, as the browser tells: the end of the last such task
before half a second without any. *CPU* is what the page's main thread worked in that time, which
other load of the machine does not change. Both are the median of `--repeats` visits.

Promised are less than 6 MB for 300 trials, and for 100,000 less than 15 MB and 3 s.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from perjoule import load_table
from perjoule.benchmarks.analysis.analysing import analyse
from perjoule.benchmarks.performance.options import make_parser, write_figures
from perjoule.reports.page import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from perjoule.benchmarks.tables.table import Table

SIZES = (300, 100_000)
"""Trials of the tables."""
STRATEGIES, SEEDS = 20, 10
PHASES = ("train", "validate", "setup", "search")
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET_MS = 500
"""How long no long task may begin until a page counts as interactive."""

_WATCH = """
globalThis.longTasks = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) longTasks.push([each.startTime, each.duration]);
}).observe({ type: "longtask", buffered: true });
"""
_INTERACTIVE = """(quiet) => {
  if (typeof perjoule === "undefined" || !perjoule.drawn.size) return null;
  globalThis.firstDrawn ??= performance.now();
  const last = Math.max(firstDrawn, ...longTasks.map(([start, duration]) => start + duration));
  return performance.now() - last > quiet ? last : null;
}"""
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Visit:
    """What a browser needed for a page."""

    interactive_s: float  # from the navigation
    cpu_s: float  # of the main thread until then


@dataclass(frozen=True)
class PageRow:
    """What a page of so many trials takes."""

    trials: int
    size_mb: float
    rendered_s: float
    interactive_s: float | None  # None where there is no browser
    cpu_s: float | None


def make_table(n: int) -> Table:
    """Return a seeded table of so many trials."""
    rng = np.random.default_rng(0)
    spent = {f"energy_{phase}_j": rng.lognormal(0, 1, n) for phase in PHASES}
    failed = rng.uniform(size=n) < 0.1
    return load_table(
        pd.DataFrame(
            {
                "strategy": [f"s{i * STRATEGIES // n}" for i in range(n)],
                "seed": np.arange(n) % SEEDS,
                "state": np.where(failed, "failed", "complete"),
                "score": np.where(failed, np.nan, rng.uniform(0, 0.99, n)),
                "energy_j": sum(spent.values()),
                **spent,
                "energy_kind": "modelled",
                "duration_s": rng.lognormal(0, 1, n),
                "learning_rate": 10 ** rng.uniform(-4, -1, n),
                "width": rng.integers(8, 64, n),
                "optimizer": rng.choice(["adam", "sgd"], n),
                "message": [
                    f"out of memory at {i}" if bad else None for i, bad in enumerate(failed)
                ],
            }
        )
    )


@contextmanager
def opening(browser: Any, path: Path) -> Iterator[Any]:
    """Begin to open a page as a first visit does, and close it afterwards."""
    context = browser.new_context(offline=True, viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(path.absolute().as_uri(), wait_until="commit")
    yield page
    context.close()


def interactive(page: Any) -> Visit:
    """Wait until a page is interactive.

    Raises:
        TimeoutError: It is not after `PATIENCE_S`.
    """
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    until_s = time.monotonic() + PATIENCE_S
    while (found := page.evaluate(_INTERACTIVE, QUIET_MS)) is None:
        if time.monotonic() > until_s:
            raise TimeoutError(f"{page.url}: not interactive after {PATIENCE_S:g} s")
        page.wait_for_timeout(50)
    metrics = session.send("Performance.getMetrics")["metrics"]
    worked_s = next(each["value"] for each in metrics if each["name"] == "TaskDuration")
    return Visit(found / 1000, worked_s)


def visit(browser: Any, path: Path) -> Visit:
    """Open a page, and wait until it is interactive."""
    with opening(browser, path) as page:
        return interactive(page)


def measure(n: int, browser: Any, repeats: int) -> PageRow:
    """Render the page of a table of so many trials, and open it."""
    table = make_table(n)
    analysis = analyse(table)
    started_s = time.perf_counter()
    text = render(table, analysis)
    rendered_s = time.perf_counter() - started_s
    size_mb = len(text.encode()) / 1e6
    if browser is None:
        return PageRow(n, size_mb, rendered_s, None, None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        path.write_text(text, encoding="utf-8")
        visits = [visit(browser, path) for _ in range(repeats)]
    return PageRow(
        n,
        size_mb,
        rendered_s,
        median(each.interactive_s for each in visits),
        median(each.cpu_s for each in visits),
    )


def _print(row: PageRow) -> None:
    told = f"{row.trials:>7,} trials: {row.size_mb:5.2f} MB, rendered in {row.rendered_s:.2f} s"
    if row.interactive_s is None:
        print(f"{told}; no Chromium with Playwright to open it")
    else:
        print(f"{told}, interactive after {row.interactive_s:.2f} s, CPU {row.cpu_s:.2f} s")


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, json=True)
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="visits of each page")
    options = parser.parse_args()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    rows = []
    if sync_playwright is None or BROWSER is None:
        for n in SIZES:
            rows.append(measure(n, None, options.repeats))
            _print(rows[-1])
    else:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
            for n in SIZES:
                rows.append(measure(n, browser, options.repeats))
                _print(rows[-1])
            browser.close()
    write_figures(options.json, {"pages": [asdict(row) for row in rows]})


if __name__ == "__main__":
    main()
