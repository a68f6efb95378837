"""The whole page in a browser: it draws, it is reachable by everybody, it stays at home."""

import pytest

from perjoule.benchmarks.studies import Findings
from perjoule.models.metric import METRICS
from perjoule.reports.page import render

from ..test_page import analysed, comparison, study
from ..test_studies import CLAIMS, EXHIBITS, analysis_of, cells_table
from .test_targets import searches

SEEN = "[...perjoule.drawn.keys()].map(each => each.id)"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def page_of(name):
    """The page of a comparison, of groups with failures, of a lowest error, or of a study."""
    if name == "study":
        return render(cells_table(), analysis_of(2, 5), Findings(CLAIMS, EXHIBITS, ("A note.",)))
    table = {
        "comparison": comparison,
        "groups": lambda: study(groups=["one", "two"], seeds=2, trials=4),
        "rmse": lambda: searches(3, metric=METRICS["rmse"]),
    }[name]()
    if name == "groups":
        lost = table.trials["trial"] == 1
        table.trials.loc[lost, "state"] = "failed"
        table.trials.loc[lost, "message"] = "CUDA out of memory: tried to allocate 2.00 GiB"
    return render(table, analysed(table))


@pytest.fixture(scope="module", params=["comparison", "groups", "rmse", "study"])
def opened(request, share_page):
    opened = share_page(page_of(request.param))
    opened.page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
    opened.page.evaluate("perjoule.drawAll()")
    return opened


def test_every_figure_draws_and_nothing_is_asked_of_the_network(opened):
    page = opened.see()
    for choice in page.locator("[data-switch] label").all():
        choice.click()
        page.evaluate("perjoule.drawAll()")
    ids = page.eval_on_selector_all("[data-figure]", "all => all.map(each => each.id)")
    assert ids
    assert set(page.evaluate(SEEN)) == set(ids)
    for each in ids:
        assert page.locator(f"#{each} .main-svg").count(), each
    buttons = page.eval_on_selector_all("[data-title]", "all => all.map(e => e.dataset.title)")
    assert not [b for b in buttons if any(w in b.lower() for w in ("cloud", "share", "upload"))]
    assert not opened.errors
    assert not opened.elsewhere


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened, axe, scheme):
    assert not axe(opened.see(scheme=scheme))


def test_nothing_scrolls_sideways_on_a_telephone(opened):
    assert opened.see(width=390, height=844).evaluate(WIDER) <= 0


def test_the_keyboard_reaches_everything_and_shows_where_it_is(opened):
    page = opened.see()
    page.evaluate("document.querySelector('.skip').focus()")
    wanted = page.evaluate(
        """() => [...document.querySelectorAll(
            "a[href], button, input, summary, [tabindex='0'], pre")].filter((each) => (
            each.checkVisibility() && !each.disabled && each.tabIndex >= 0
            && (each.type !== "radio" || each.checked))).length"""
    )
    reached, unseen = page.evaluate("(document.activeElement.seen = true, 1)"), []
    for _ in range(wanted + 50):
        page.keyboard.press("Tab")
        told = page.evaluate(
            """() => {
                const at = document.activeElement;
                if (at === document.body || at.seen) return null;
                at.seen = true;
                const shown = at.type === "radio" ? at.nextElementSibling : at;
                const { outlineStyle, outlineWidth } = getComputedStyle(shown);
                const visible = outlineStyle !== "none" && parseFloat(outlineWidth) > 0;
                return visible ? "" : at.outerHTML.slice(0, 120);
            }"""
        )
        if told is None:
            break
        reached += 1
        unseen += [told] if told else []
    assert not unseen
    assert reached >= wanted


def test_only_what_is_near_is_drawn_and_paper_shows_all(open_page):
    opened = open_page(page_of("groups"), drawn=False)
    page = opened.page
    page.locator("[data-figure] .main-svg").first.wait_for()
    assert "standing-0" not in page.evaluate(SEEN)
    page.locator("#standing-0").scroll_into_view_if_needed()
    page.wait_for_selector("#standing-0 .main-svg")
    assert not [each for each in page.evaluate(SEEN) if each.endswith("-1")], "folded away"
    page.locator("details.group > summary").nth(1).click()
    page.wait_for_selector("#pareto-1 .main-svg")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    shown = page.locator("[data-figure]:visible")
    assert shown.count() > 10
    assert shown.locator(".main-svg").count() >= shown.count()
    assert not opened.errors
