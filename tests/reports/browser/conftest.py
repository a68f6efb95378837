"""Pages in a real browser, without any network."""

from pathlib import Path

import pytest

from ..pages import BROWSER

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """These tests take patience, and need a browser that drives can be told."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.thorough)


class Opened:
    """A page that a browser shows, and what it complained about."""

    def __init__(self, page):
        self.page, self.errors, self.asked = page, [], []
        page.on("console", lambda m: m.type in ("error", "warning") and self.errors.append(m.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def show(self, path):
        """Open a file, and wait until its first figures are drawn."""
        self.page.goto(Path(path).absolute().as_uri())
        self.page.wait_for_function(
            "!document.querySelector('[data-figure]') || perjoule.drawn.size"
        )
        return self

    @property
    def elsewhere(self):
        """Addresses beside the file that the page asked for."""
        return [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]


@pytest.fixture(scope="session")
def browser():
    """Chromium, once for all tests of a process."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if BROWSER is None:
        pytest.skip("no Chromium is installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Open a page's text or file: ``open_page(page, width=390, scheme="dark")``."""
    contexts = []

    def show(page, width=1440, height=1000, scheme="light"):
        if not isinstance(page, Path):
            text, page = page, tmp_path / f"page-{len(contexts)}.html"
            page.write_text(text, encoding="utf-8")
        contexts.append(
            browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                accept_downloads=True,
                offline=True,
            )
        )
        return Opened(contexts[-1].new_page()).show(page)

    yield show
    for context in contexts:
        context.close()
