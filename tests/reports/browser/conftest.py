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
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, message):
        """Plotly complains by traces."""
        if message.type in ("error", "warning", "trace"):
            self.errors.append(message.text)

    def show(self, path, *, drawn=True):
        """Open a file, and draw all that is not folded away, as a reader does who scrolls."""
        self.page.goto(Path(path).absolute().as_uri())
        if drawn:
            self.page.evaluate("typeof perjoule === 'undefined' || perjoule.drawAll()")
        return self

    def see(self, *, width=1440, height=1000, scheme="light"):
        """Look at the page on another screen."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=scheme)
        return self.page

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


def _opening(browser, folder):
    """A function that opens pages, and afterwards closes them."""
    pages = []
    context = browser.new_context(accept_downloads=True, offline=True)

    def show(page, *, drawn=True, **screen):
        if not isinstance(page, Path):
            text, page = page, folder / f"page-{len(pages)}.html"
            page.write_text(text, encoding="utf-8")
        pages.append(Opened(context.new_page()))
        pages[-1].see(**screen)
        return pages[-1].show(page, drawn=drawn)

    yield show
    context.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Open a page's text or file: ``open_page(page, width=390, scheme="dark")``."""
    yield from _opening(browser, tmp_path)


@pytest.fixture(scope="module")
def share_page(browser, tmp_path_factory):
    """The same for a page that the tests of a module share, each of which leaves it as it was."""
    yield from _opening(browser, tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="session")
def axe():
    """What is wrong with a page as it is shown."""
    found = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )

    def violations(page):
        told = found.Axe().run(page, options={"resultTypes": ["violations"]}).response
        return [
            (each["id"], each["impact"], each["nodes"][0]["html"]) for each in told["violations"]
        ]

    return violations
