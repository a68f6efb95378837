"""The whole page in a browser: it draws, it is reachable by everybody, it stays at home."""

import pytest

from perjoule.reports.page import render

from ..test_page import analysed, comparison, study


@pytest.fixture(scope="module")
def whole():
    table = comparison()
    return render(table, analysed(table))


def test_every_figure_draws_and_nothing_is_asked_of_the_network(whole, open_page):
    opened = open_page(whole)
    for choice in opened.page.locator("[data-switch] label").all():
        choice.click()
    ids = opened.page.eval_on_selector_all("[data-figure]", "all => all.map(each => each.id)")
    drawn = opened.page.evaluate("[...perjoule.drawn.keys()].map(each => each.id)")
    assert ids
    assert set(drawn) == set(ids)
    for each in ids:
        assert opened.page.locator(f"#{each} .main-svg").count(), each
    assert not opened.errors
    assert not opened.elsewhere


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(whole, open_page, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    found = axe.Axe().run(open_page(whole, scheme=scheme).page).response["violations"]
    assert not [(each["id"], each["impact"], each["nodes"][0]["html"]) for each in found]


@pytest.mark.parametrize("table", [comparison(), study(groups=["one", "two"])])
def test_nothing_scrolls_sideways_on_a_telephone(table, open_page):
    page = open_page(render(table, analysed(table)), width=390, height=844).page
    for folded in page.locator("details").all():
        folded.evaluate("each => each.open = true")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
