import re
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import perjoule
from perjoule.api.comparing import Result
from perjoule.api.figures import pieces_of
from perjoule.reports.figures.alone import for_notebook, for_paper
from perjoule.reports.images import parse_width
from perjoule.reports.registry import FIGURES

from ..command import call
from .pages import BROWSER


def trials(strategies=("a", "b", "c"), datasets=("digits", "Fashion Ä/1"), seeds=2):
    """Runs that go on, with joules split by phase."""
    rng = np.random.default_rng(0)
    rows = [
        {"dataset": dataset, "strategy": name, "seed": seed, "trial": trial, "state": "complete"}
        for dataset in datasets
        for name in strategies
        for seed in range(seeds)
        for trial in range(3)
    ]
    energy_j = rng.uniform(1.0, 9.0, len(rows))
    return pd.DataFrame(rows).assign(
        energy_j=energy_j,
        energy_train_j=0.7 * energy_j,
        energy_validate_j=0.2 * energy_j,
        score=rng.uniform(0.5, 0.95, len(rows)),
    )


def result_of(frame, by):
    """What was compared, with its statistics, so that no figure works them out again."""
    table = perjoule.load_table(frame, by=by)
    return Result(Path("run"), {}, table.compare(), table)


@pytest.fixture(scope="module")
def grouped():
    return result_of(trials(), "dataset")


@pytest.fixture(scope="module")
def searched():
    """A search with hyperparameters, learning curves, phases, wall times and a place."""
    frame = trials(datasets=("digits",), seeds=4)
    rng = np.random.default_rng(1)
    frame["duration_s"] = frame["energy_j"] / 2
    frame["cpu_j"], frame["gpu_j"] = 0.25 * frame["energy_j"], 0.75 * frame["energy_j"]
    frame["p.lr"], frame["p.width"] = rng.uniform(0, 1, (2, len(frame)))
    frame["score"] = 0.5 + 0.45 * frame["p.lr"]
    frame["run"] = frame["strategy"] + "-" + frame["seed"].astype(str)
    frame["epochs"] = 4
    curves = pd.concat(
        frame[["run", "trial"]].assign(
            epoch=epoch, score=frame["score"] * (0.6 + 0.1 * epoch), energy_j=frame["energy_j"] / 4
        )
        for epoch in range(1, 5)
    )
    table = perjoule.load_table(frame, by="none")
    described = {"carbon": asdict(perjoule.intensity("56 g/kWh"))}
    table = replace(table, curves=curves, description=described)
    return Result(Path("run"), {}, table.compare(), table)


@pytest.fixture(scope="module")
def single():
    return result_of(trials(datasets=("digits",)), "none")


class TestInPython:
    def test_every_figure_of_the_page_has_a_name(self, searched, grouped):
        names = [name.replace("-", "_") for name in FIGURES]
        assert dir(perjoule.figures) == sorted([*names, "ranks", "draw", "write"])
        assert {piece.kind for piece in pieces_of(searched)} == {*FIGURES} - {"spread"}
        found = {piece.kind for piece in pieces_of(grouped)}
        assert found <= {*FIGURES, "ranks-equal_energy", "ranks-anytime"}

    @pytest.mark.parametrize("name", FIGURES)
    def test_each_shows_well_alone_and_says_how_it_is_called(self, searched, name):
        function = getattr(perjoule.figures, name.replace("-", "_"))
        figure = function(searched)
        assert figure.layout.paper_bgcolor == "#FFFFFF"
        assert figure.layout.title.text.startswith("<b>")
        assert "sendChartToCloud" in figure.layout.modebar.remove
        assert len(figure.data) > 0
        assert f"perjoule.figures.{function.__name__}(" in function.__doc__

    def test_each_kind_of_energy_has_a_waterfall_of_its_own(self, tmp_path):
        frame = trials(datasets=("digits",)).assign(energy_kind="modelled")
        frame.loc[::2, "energy_kind"] = "measured"
        table = perjoule.load_table(frame, by="none")
        assert [*perjoule.figures.draw(table, only="waterfall")] == ["waterfall-0", "waterfall-1"]
        with pytest.raises(perjoule.ConfigurationError, match='draw\\(source, only="waterfall"'):
            perjoule.figures.waterfall(table)

    def test_what_a_figure_needs_is_told(self, single):
        with pytest.raises(perjoule.ConfigurationError, match="importance needs hyperparameters"):
            perjoule.figures.importance(single)

    def test_a_result_or_whatever_can_be_loaded_will_do(self, single, tmp_path):
        single.table.write(tmp_path / "t.parquet")
        drawn = [
            perjoule.figures.pareto(each) for each in (single, single.table, tmp_path / "t.parquet")
        ]
        assert drawn[0].to_json() == drawn[1].to_json() == drawn[2].to_json()

    @pytest.mark.parametrize("group", ["digits", 1, {"dataset": "digits"}, "dataset digits"])
    def test_a_group_is_named_in_several_ways(self, grouped, group):
        figure = perjoule.figures.spread(grouped, group=group)
        own = trials(datasets=("digits",))
        assert sorted(figure.data[-1].x) == pytest.approx(
            sorted(own.loc[own["strategy"] == "c", "energy_j"]), abs=100.0
        )

    @pytest.mark.parametrize("group", [None, 2, "x", {"dataset": "x"}])
    def test_which_group_must_be_clear(self, grouped, group):
        with pytest.raises(perjoule.ConfigurationError, match="Fashion Ä/1; dataset digits"):
            perjoule.figures.pareto(grouped, group=group)

    def test_the_target_is_drawn(self, single):
        names = [trace.name for trace in perjoule.figures.anytime(single, target=0.75).data]
        assert "target 75.0 %" in names

    def test_ranks_need_several_groups(self, grouped, single):
        drawn = perjoule.figures.ranks(grouped, by="anytime")
        assert drawn.to_json() == perjoule.figures.ranks(grouped.analysis, "anytime").to_json()
        with pytest.raises(perjoule.ConfigurationError, match="by="):
            perjoule.figures.ranks(single)
        with pytest.raises(perjoule.UnknownNameError, match="equal_energy"):
            perjoule.figures.ranks(grouped, by="equal")

    def test_all_of_the_page_have_names_of_their_own(self, grouped):
        found = perjoule.figures.draw(grouped)
        groups = ("fashion-a-1", "digits")
        kinds = ("pareto", "attainment", "anytime", "phases")
        assert set(found) >= {
            "ranks-equal_energy",
            "ranks-anytime",
            *(f"{kind}-{group}" for kind in kinds for group in groups),
        }
        assert set(perjoule.figures.draw(grouped, only="ranks,spread")) == {
            "ranks-equal_energy",
            "ranks-anytime",
            *(f"spread-{group}" for group in groups),
        }

    def test_groups_whose_names_look_alike_have_files_of_their_own(self):
        table = perjoule.load_table(trials(datasets=("x y", "x/y"), strategies="a"), by="dataset")
        assert set(perjoule.figures.draw(table, only="pareto")) == {"pareto-x-y", "pareto-x-y-2"}

    def test_a_name_that_is_none_is_told(self, single):
        with pytest.raises(perjoule.UnknownNameError, match="did you mean 'pareto'"):
            perjoule.figures.draw(single, only="paretto")
        with pytest.raises(AttributeError, match="it has pareto, "):
            perjoule.figures.paretto(single)


class TestOnPaper:
    def test_letters_are_7_to_9_points_high_at_any_width(self, single):
        for width_mm in (88.0, 180.0):
            for piece in pieces_of(single):
                laid = for_paper(piece.chart, width_mm)
                points = 72 / 96 * laid.scale
                assert laid.width_px * points == pytest.approx(width_mm / 25.4 * 72)
                told = laid.figure.layout.template.layout
                sizes = {told.font.size, told.xaxis.tickfont.size, told.yaxis.title.font.size}
                assert all(7 <= size * points <= 9 for size in sizes)

    def test_what_nobody_can_click_on_is_left_out_and_told(self):
        many = [f"s{number}" for number in range(10)]
        table = perjoule.load_table(trials(many, ("digits",)), by="none")
        for piece in pieces_of(table, only="pareto,anytime"):
            figure = for_paper(piece.chart, 88.0).figure
            shown = {trace.legendgroup for trace in figure.data if trace.visible}
            assert len(shown - {None}) == 8
            assert all(trace.visible != "legendonly" for trace in figure.data)
            [note] = piece.chart.notes
            assert note == "Shown: the 8 strategies that lead at equal energy, of 10."

    def test_the_figure_of_the_page_is_left_as_it_is(self, single):
        for piece in pieces_of(single):
            before = piece.chart.figure.to_json()
            for_paper(piece.chart, 88.0)
            for_notebook(piece.chart)
            assert piece.chart.figure.to_json() == before

    @pytest.mark.parametrize(
        ("text", "width_mm"), [("column", 88.0), ("page", 180.0), ("120 mm", 120.0), (84, 84.0)]
    )
    def test_widths(self, text, width_mm):
        assert parse_width(text) == width_mm

    @pytest.mark.parametrize("text", ["", "wide", "3", "1e4", "-88", "nan", "88 cm"])
    def test_widths_that_are_none(self, text):
        with pytest.raises(perjoule.ConfigurationError, match="write column"):
            parse_width(text)


@pytest.fixture(scope="module")
def images(grouped, tmp_path_factory):
    """Files of all formats, of one browser session."""
    pytest.importorskip("kaleido", reason="kaleido is not installed")
    if BROWSER is None:
        pytest.skip("no Chromium is installed")
    folder = tmp_path_factory.mktemp("images")
    return perjoule.figures.write(grouped, folder, only="pareto,ranks", formats="svg,pdf,png")


@pytest.mark.thorough
class TestImages:
    def test_each_figure_of_each_group_has_a_file_of_each_format(self, images):
        assert [path.name for path in images["pareto-digits"]] == [
            f"pareto-digits.{form}" for form in ("svg", "pdf", "png")
        ]
        assert len(images) == 4
        assert all(path.stat().st_size > 5_000 for own in images.values() for path in own)

    def test_svg_has_the_width_of_a_column_and_its_letters_stay_text(self, images):
        text = images["pareto-digits"][0].read_text()
        assert text.startswith("<svg") and 'width="88.00mm"' in text[:300]
        assert "accuracy" in text and "Helvetica" in text and "http://www.w3.org" in text
        assert "<script" not in text

    def test_pdf_has_the_width_of_a_column_and_embeds_its_fonts(self, images):
        content = images["pareto-digits"][1].read_bytes()
        left, _, right, _ = map(float, re.search(rb"/MediaBox \[([^]]+)\]", content)[1].split())
        assert (right - left) / 72 * 25.4 == pytest.approx(88.0, abs=0.3)
        assert content.count(b"/Type /FontDescriptor") == content.count(b"/FontFile2") > 0

    def test_png_has_300_dots_per_inch_on_white(self, images):
        with Image.open(images["pareto-digits"][2]) as image:
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
            assert image.width / 300 * 25.4 == pytest.approx(88.0, abs=0.2)
            assert image.getpixel((0, 0)) == (255, 255, 255)
            assert len(image.getcolors(1 << 20)) > 20


class TestWithoutABrowser:
    @pytest.fixture
    def table_file(self, tmp_path):
        trials(datasets=("digits",)).to_csv(tmp_path / "t.csv", index=False)
        return tmp_path / "t.csv"

    def test_json_needs_none(self, table_file, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "kaleido", None)
        asked = ["--out", tmp_path / "f", "--format", "json", "--only", "pareto,per_joule"]
        ended = call("figures", table_file, *asked)
        assert ended.code == 0
        assert "2 files of 2 figures written to" in ended.out
        assert "88 mm wide: json." in ended.out
        written = sorted(path.name for path in (tmp_path / "f").iterdir())
        assert written == ["pareto.json", "per-joule.json"]
        again = call("figures", table_file, *asked)
        assert again.code == 2 and "add --force" in again.message

    def test_what_is_missing_and_how_to_get_it(self, table_file, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "kaleido", None)
        ended = call("figures", table_file, "--out", tmp_path / "f")
        assert ended.code == 2
        assert "pip install 'perjoule[images]'" in ended.message
        assert not (tmp_path / "f").exists()

    def test_a_browser_that_is_missing(self, table_file, tmp_path, monkeypatch):
        pytest.importorskip("kaleido", reason="kaleido is not installed")
        monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "none"))
        ended = call("figures", table_file, "--out", tmp_path / "f")
        assert ended.code == 2
        assert f"BROWSER_PATH names none ({tmp_path / 'none'})" in ended.message
        for way in ("apt-get install chromium", "plotly_get_chrome", "BROWSER_PATH"):
            assert way in ended.message
        assert not (tmp_path / "f").exists()

    @pytest.mark.thorough
    def test_a_browser_that_fails(self, table_file, tmp_path, monkeypatch):
        pytest.importorskip("kaleido", reason="kaleido is not installed")
        monkeypatch.setenv("BROWSER_PATH", shutil.which("false"))
        ended = call("figures", table_file, "--out", tmp_path / "f", "--only", "pareto")
        assert ended.code == 2
        assert "Chromium could not draw the figures" in ended.message

    def test_what_has_nothing_to_draw_is_told(self, table_file, tmp_path):
        options = ["--format", "json", "--only", "importance,spread,ranks"]
        ended = call("figures", table_file, "--out", tmp_path / "f", *options)
        assert ended.code == 0
        assert "importance: not written; it needs hyperparameters, and trials" in ended.out
        assert "ranks: not written; it needs three strategies or more" in ended.out
        assert [path.name for path in (tmp_path / "f").iterdir()] == ["spread.json"]

    def test_nothing_at_all_to_draw_is_no_success(self, table_file, tmp_path):
        asked = ["--out", tmp_path / "f", "--format", "json"]
        ended = call("figures", table_file, *asked, "--only", "ranks")
        assert ended.code == 2 and "nothing to draw: ranks needs three" in ended.message
        trials(datasets=("digits",)).assign(energy_j=np.nan).to_csv(table_file, index=False)
        ended = call("figures", table_file, *asked)
        assert ended.code == 2 and "there is nothing to draw" in ended.message
        assert not (tmp_path / "f").exists()

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            (["--format", "gif"], "known: json, pdf, png, svg"),
            (["--format", ","], "no format is named"),
            (["--width", "wide"], "write column (88 mm)"),
            (["--only", "paretto"], "did you mean 'pareto'"),
        ],
    )
    def test_options_that_cannot_be(self, table_file, tmp_path, options, told):
        ended = call("figures", table_file, "--out", tmp_path / "f", *options)
        assert ended.code == 2 and told in ended.message
