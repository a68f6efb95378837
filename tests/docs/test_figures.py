"""The figures, tables and the gallery of the documentation say what the recorded data say."""

import re

import pytest

from perjoule.benchmarks.studies.registry import STUDIES
from perjoule.docs.making import figures, gallery
from perjoule.docs.making.pictures import PICTURES, searches
from perjoule.docs.making.pictures.drawing import numbers_of, stored_numbers

PAGES = figures.FOLDER.parent
LARGEST = {".svg": 60_000, ".json": 40_000}
EXACT = 2e-3
"""Of numbers that two versions of numpy may round apart."""


def same(found, kept):
    """Whether two figures show the same, to the digits that are kept."""
    assert [each["name"] for each in found] == [each["name"] for each in kept]
    for ours, theirs in zip(found, kept, strict=True):
        assert ours.keys() == theirs.keys()
        for part in ours.keys() - {"name"}:
            assert len(ours[part]) == len(theirs[part])
            for one, other in zip(ours[part], theirs[part], strict=True):
                near = pytest.approx(other, rel=EXACT) if isinstance(other, float) else other
                assert one == near, (ours["name"], part)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda each: each.name)
def test_a_figure_shows_what_the_data_give_today(picture):
    same(numbers_of(picture.draw()), stored_numbers(figures.FOLDER / f"{picture.name}.svg"))


def test_every_figure_has_a_page_and_follows_its_colours():
    text = "".join(page.read_text("utf-8") for page in PAGES.glob("*.md"))
    shown = set(re.findall(r"\]\(figures/([\w-]+)\.svg\)", text))
    files = {path.stem: path.read_text("utf-8") for path in figures.FOLDER.iterdir()}
    assert shown == files.keys() == {each.name for each in PICTURES}
    for svg in files.values():
        assert "prefers-color-scheme:dark" in svg
        assert "rgb(1, 2, 3)" not in svg  # a placeholder
        assert "<title>" in svg


def test_what_is_stored_is_small():
    for folder in (figures.FOLDER, gallery.FOLDER):
        for path in folder.iterdir():
            assert path.stat().st_size < LARGEST[path.suffix], path


def test_the_gallery_is_made_of_what_studies_found():
    stored = gallery.load()
    assert {each.name for each in stored} <= set(STUDIES)
    assert gallery.PAGE.read_text("utf-8") == gallery.page(stored)
    for each in stored:
        if (figure := gallery.drawn(each)) is not None:
            same(numbers_of(figure), stored_numbers(gallery.FOLDER / f"{each.name}.svg"))


def rows(page, head):
    """The cells of a table of a page, by its first head."""
    text = (PAGES / page).read_text("utf-8")
    lines = text[text.index(f"| {head} |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_floors_is_of_the_recorded_digits():
    epochs = searches.epochs_of("digits")
    for floor, ratio, accuracy, joules, epoch, candidates in rows("accuracy-per-joule.md", "floor"):
        least = 0.0 if floor == "none" else float(floor.rstrip(" %")) / 100
        above = epochs[epochs["accuracy"] >= least]
        best = above.loc[above["per_joule"].idxmax()]
        assert ratio == f"{best['per_joule']:.2f} / J"
        assert accuracy == f"{best['accuracy']:.1%}".replace("%", " %")
        assert float(joules.removesuffix(" J")) == pytest.approx(best["energy_j"], abs=5e-3)
        assert int(epoch) == best["epoch"]
        assert int(candidates) == above.groupby(["run", "trial"]).ngroups


def test_the_table_of_seeds_is_of_the_recorded_runs():
    found = searches.seeds_needed()
    told = rows("threats.md", "seeds")
    assert [int(n) for n, _, _ in told] == list(found["seeds"])
    for (_, wrong, factor), known in zip(told, found.itertuples(), strict=True):
        assert wrong == f"{known.wrong:.0f} %"
        if factor != "more than 100":
            assert float(factor) == pytest.approx(known.factor, rel=0.05)


def test_what_is_said_of_frugal_by_task():
    found = searches.task_ratios().set_index("task")["ratio"]
    assert found["167181, asha"] == pytest.approx(3.3, abs=0.05)
    assert found["168868, asha"] == pytest.approx(1.7, abs=0.05)
    assert found["167184, tpe"] == float("inf")
