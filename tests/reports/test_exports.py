import csv
import io
import json
import re
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import perjoule
from perjoule.errors import ConfigurationError, DataError, UnknownNameError
from perjoule.reports.exports.bibtex import bibtex, cited, references
from perjoule.reports.exports.latex import escape as latex_text
from perjoule.reports.exports.latex import latex
from perjoule.reports.exports.markdown import markdown
from perjoule.reports.exports.registry import FORMS
from perjoule.tuners.registry import RECIPES

from ..command import call

KWH_J = 3.6e6
HOSTILE = "a_b & <script>|50 % \\x{}"
METER = {
    "id": "cpu_time",
    "component": "cpu",
    "kind": "modelled",
    "scope": "process",
    "detail": "CPU-seconds x 4 W",
    "update_period_s": 0.0,
    "gain_error": 0.2,
}
DESCRIPTION = {
    "name": "mine",
    "created": "2026-11-27T01:58:17+00:00",
    "experiment": {"dataset": "digits", "architecture": "cnn"},
    "machine": {"cpu": "AMD EPYC", "cores": 2, "platform": "Linux-6.1-x86_64"},
    "runtime": {"device": "cpu", "device_name": "AVX512"},
    "versions": {"perjoule": "0.1.0", "python": "3.11.7", "torch": "2.13.0"},
    "data": {"shape": [1, 8, 8], "train": 1078, "validation": 360, "test": 359},
    "meter": [METER],
    "carbon": {"g_per_kwh": 56.039, "place": "France", "year": 2023, "source": "a table"},
    "work": {
        "workers": 2,
        "wall_s": 100.0,
        "wait_share": None,
        "asking_share": None,
        "overhead": [{"what": "starting the workers", "energy_j": 10.0}],
        "driver_cpu_s": None,
    },
}
GROUPS = {"digits": (10.0, 20.0, 30.0), "letters": (2.0, 2.0, 4.0)}
COLUMNS = ["dataset", "strategy", "trial", "score", "energy_j", "flops"]
TOLD = {"task": "image classification", "infrastructure": "onPremise"}


def searched(
    energies=(10.0, 20.0, 30.0), kinds="modelled", names=("random",), cpu_j=None, **description
):
    """A search of one trial per energy, the last one the best."""
    rows = [
        {
            "run": f"{name}-0",
            "strategy": name,
            "trial": trial,
            "score": 0.9 + trial / 100,
            "test_score": 0.85 + trial / 100,
            "energy_j": energy_j,
            "energy_kind": kinds if isinstance(kinds, str) else kinds[trial],
            "cpu_j": energy_j
            if cpu_j is None
            else cpu_j,  # where less, another component is unknown
            "duration_s": 2.0,
            "started_at": f"2026-11-27T10:00:{trial:02}Z",
            "n_parameters": 2_000,
            "flops": 160_000,
            "p.lr": 0.1,
        }
        for name in names
        for trial, energy_j in enumerate(energies)
    ]
    table = perjoule.load_table(pd.DataFrame(rows))
    told = {key: value for key, value in (DESCRIPTION | description).items() if value is not None}
    return perjoule.Table(**{**vars(table), "description": told, "name": "mine"})


def disclosed(form, table=None, **facts):
    return perjoule.disclose(searched() if table is None else table, form, **facts).text


def valid(text):
    """A BoAmps report that its schemas accept, and so do CodeCarbon's own classes."""
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema validates BoAmps reports")
    from referencing import Registry, Resource

    stored = json.loads(Path(__file__).with_name("boamps_schemas.json").read_text(encoding="utf-8"))
    schemas = stored["schemas"]
    known = Registry().with_resources(
        (schema["id"], Resource.from_contents(schema)) for schema in schemas
    )
    report = json.loads(text)
    check = jsonschema.Draft4Validator(schemas[0], registry=known)
    assert not [error.message for error in check.iter_errors(report)]
    assert list(check.iter_errors({**report, "measures": [{}]}))  # it does look into measures
    models = pytest.importorskip("codecarbon.output_methods.boamps.models")
    assert models.BoAmpsReport.from_dict(report).to_dict() == report
    return report


def test_boamps_validates_and_keeps_kinds_and_overhead_apart():
    kinds = ("modelled", "measured", "modelled")
    report = valid(disclosed("boamps", searched(kinds=kinds), **TOLD))
    joules = [measure["powerConsumption"] * KWH_J for measure in report["measures"]]
    assert joules == pytest.approx([40.0, 20.0, 10.0])
    assert "modelled, within 20 %" in report["measures"][0]["measurementMethod"]
    assert report["task"]["measuredAccuracy"] == pytest.approx(0.87)
    assert report["environment"]["country"] == "France"
    assert report["quality"] == "medium"  # 20 %
    assert "30.0 J (50.0 %)" in report["task"]["taskDescription"]  # the best candidate's own trial


def test_boamps_asks_for_what_its_schema_needs_and_leaves_out_what_is_unknown():
    with pytest.raises(ConfigurationError, match=r"--task.*--data-type.*--infrastructure.*--hardw"):
        disclosed("boamps", searched(data=None, machine=None))
    bare = searched(data=None, machine=None, carbon=None, meter=None, versions=None, work=None)
    report = valid(disclosed("boamps", bare, data_type="text", hardware="2 x gpu A100", **TOLD))
    assert report["infrastructure"]["components"][0]["nbComponent"] == 2
    assert "environment" not in report and "quality" not in report
    assert "version" not in report["measures"][0]  # perjoule did not meter it


def test_a_model_card_has_the_grams_of_all_that_was_spent():
    text = disclosed("hf", training_type="pre-training", hardware="2 x gpu NVIDIA A100")
    card = yaml.safe_load(text.strip("-\n"))["co2_eq_emissions"]
    assert card["emissions"] == pytest.approx(70.0 / KWH_J * 56.039, rel=1e-3)
    assert card["geographical_location"] == "France"
    assert card["training_type"] == "pre-training"
    assert card["hardware_used"] == "2 x NVIDIA A100"
    assert "70.0 J modelled, within 20 %" in card["source"]
    assert "starting the workers, 10.0 J" in card["source"]
    german = disclosed("hf", carbon="100 g/kWh")
    assert yaml.safe_load(german.strip("-\n"))["co2_eq_emissions"]["emissions"] == pytest.approx(
        70.0 / KWH_J * 100, rel=1e-3
    )


def test_sci_has_no_score_before_embodied_carbon_is_said():
    sci = json.loads(disclosed("sci"))
    [score] = sci["provider"]["scores"]
    operational_g = 70.0 / KWH_J * 56.039
    assert sci["provider"]["operational"]["energy_error_kwh"] * KWH_J == pytest.approx(14.0)
    assert score["operational_g_per_unit"] == pytest.approx(operational_g / 2e-6)
    assert score["sci_g_per_unit"] is None and sci["provider"]["embodied"]["g"] is None
    assert sci["consumer"] is None
    facts = {"embodied": "1200 kg", "lifetime": "4 years", "share": 0.5, "flops": 1e9}
    sci = json.loads(disclosed("sci", **facts))
    embodied_g = 1.2e6 * 100 / (4 * 365.25 * 86_400) * 0.5
    assert sci["provider"]["embodied"]["g"] == pytest.approx(embodied_g)
    scores = {each["functional_unit"]: each for each in sci["provider"]["scores"]}
    assert scores["floating point operation of the search"]["sci_g_per_unit"] == pytest.approx(
        (operational_g + embodied_g) / 1e9
    )
    with pytest.raises(ConfigurationError, match=r"--lifetime and --share"):
        disclosed("sci", embodied="1200 kg")
    with pytest.raises(ConfigurationError, match="does not say how long"):
        disclosed("sci", searched(work=None), **facts)


def test_emissions_csv_is_one_of_codecarbon_3_3(tmp_path):
    from codecarbon.output_methods.emissions_data import EmissionsData

    table = searched(names=("random", HOSTILE))
    path = tmp_path / "emissions.csv"
    path.write_text(disclosed("codecarbon", table), encoding="utf-8")
    rows = pd.read_csv(path)
    names = list(EmissionsData.__dataclass_fields__)
    if version("codecarbon").startswith("3.3."):
        assert list(rows) == names
    assert rows["emissions"].to_numpy() == pytest.approx(
        rows["energy_consumed"].to_numpy() * 0.056039
    )
    assert rows["country_iso_code"].unique() == ["FRA"]
    assert "within 20 %; beside the rows 10.0 J" in rows["experiment_id"][0]
    back = perjoule.import_table("codecarbon", str(path)).trials
    assert back["energy_j"].to_numpy() == pytest.approx(table.trials["energy_j"].to_numpy())
    assert set(back["strategy"]) == set(table.strategies)
    assert list(back["started_at"]) == list(table.trials["started_at"])


class DataTable:
    """What carbonboard wraps rows in, of the library that draws it."""

    def __init__(self, data, columns):
        self.data, self.columns = data, columns


def test_the_data_layer_of_carbonboard_reads_it(monkeypatch):
    dash = SimpleNamespace(dash_table=SimpleNamespace(DataTable=DataTable))
    monkeypatch.setitem(sys.modules, "dash", dash)
    data = pytest.importorskip("codecarbon.viz.data").Data
    rows = pd.read_csv(io.StringIO(disclosed("codecarbon")))
    summary = data.get_project_summary(data.get_project_data(rows, "random").data)
    assert summary["total"]["energy_consumed"] * KWH_J == pytest.approx(60.0)
    assert summary["total"]["duration"] == 6.0
    assert summary["country_iso_code"] == "FRA"


@settings(max_examples=15)
@given(st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=6), st.data())
def test_every_known_joule_comes_back_from_emissions_csv(energies, data):
    hidden = data.draw(st.sets(st.integers(1, len(energies))))
    known = [np.nan if at in hidden else energy_j for at, energy_j in enumerate(energies)]
    text = disclosed("codecarbon", searched(known))
    cells = [row["energy_consumed"] for row in csv.DictReader(io.StringIO(text))]
    told = [np.nan if cell == "" else float(cell) * KWH_J for cell in cells]
    assert told == pytest.approx(known, rel=1e-12, nan_ok=True)


def test_the_eu_form_has_mwh_with_two_significant_figures_or_more():
    text = disclosed("eu")
    assert "Amount of energy used for training: 1.94x10^-8 MWh (modelled, within 20 %)" in text
    assert "1.60x10^5 FLOP" in text
    assert "counted from its layers" in text
    assert "as the table states them" in disclosed("eu", searched(versions=None))
    assert "training: N/A" in disclosed("eu", searched((10.0, np.nan)))
    assert "at least" in disclosed("eu", searched((10.0, 5.0), kinds=("modelled", "lower bound")))


def test_uncertainty_is_unknown_unless_each_part_of_it_is_known():
    period = {**METER, "update_period_s": 0.1}
    bound_j = 2 * 0.1 * sum((10.0, 20.0, 30.0)) / 2.0  # two windows of each trial at mean power
    [search] = json.loads(disclosed("sci", searched(meter=[period], work=None)))["energies"]
    assert search["error_j"] == pytest.approx(0.2 * 60.0 + bound_j)
    for table in (
        searched(meter=[{**METER, "gain_error": None}]),
        searched(meter=[METER, {**METER, "id": "b", "component": "gpu"}], cpu_j=1.0),
        searched(kinds="apportioned"),
        searched(meter=None),
    ):
        assert json.loads(disclosed("sci", table))["energies"][0]["error_j"] is None
        assert "of unknown uncertainty" in disclosed("markdown", table)


@pytest.mark.parametrize("form", FORMS)
def test_every_format_takes_a_table_that_says_little(form):
    table = searched(**dict.fromkeys(DESCRIPTION))
    facts = {"carbon": "56 g/kWh", "hardware": "1 x cpu X", "data_type": "text", **TOLD}
    found = perjoule.disclose(table, form, **facts)
    assert str(found) == found.text and found.text.endswith("\n")
    assert not re.search(r"\b(nan|NaN|None)\b", found.text)


@pytest.mark.parametrize("form", [name for name, form in FORMS.items() if form.needs_total])
def test_an_unknown_energy_makes_no_total(form):
    with pytest.raises(DataError, match="energy of 1 of 2 trials is unknown"):
        disclosed(form, searched((10.0, np.nan)), **TOLD)


@pytest.mark.parametrize("form", [name for name, form in FORMS.items() if form.of_spent])
def test_joules_that_nobody_spent_are_not_disclosed(form):
    with pytest.raises(DataError, match="replayed"):
        disclosed(form, searched(kinds="replayed"), **TOLD)
    with pytest.raises(DataError, match="nothing to disclose"):
        disclosed(form, searched((np.nan,)), **TOLD)


@pytest.mark.parametrize("form", [name for name, form in FORMS.items() if form.needs_grams])
def test_no_grams_without_a_place(form):
    with pytest.raises(ConfigurationError, match=r"say where, --carbon FRA or --carbon '56 g/kWh'"):
        disclosed(form, searched(carbon=None))


def test_an_interrupted_search_is_disclosed_as_such():
    table = searched()
    runs = pd.DataFrame(
        {
            "run": ["random-0"],
            "strategy": "random",
            "seed": 0,
            "allotment_j": 100.0,
            "unplaced_j": 5.0,
            "end": None,
            "message": None,
        }
    )
    table = perjoule.Table(**{**vars(table), "runs": runs})
    report = valid(disclosed("boamps", table, **TOLD))
    assert report["header"]["reportStatus"] == "draft"
    assert sum(each["powerConsumption"] for each in report["measures"]) * KWH_J == pytest.approx(75)
    assert "interrupted" in disclosed("eu", table)


def test_names_of_others_are_text_in_latex_and_markdown():
    table = searched(names=("random", HOSTILE))
    analysis = perjoule.analyse(table)
    tex, text = latex(table, analysis), markdown(table, analysis)
    assert latex_text(HOSTILE) in tex and "<script>" not in tex
    assert latex_text(analysis.headline) in tex
    row = next(line for line in text.splitlines() if "a\\_b" in line and line.startswith("|"))
    assert "&lt;script&gt;\\|50 %" in row and "<script>" not in text
    heads = next(line for line in text.splitlines() if line.startswith("| strategy"))
    columns = re.compile(r"(?<!\\)\|")
    assert len(columns.findall(row)) == len(columns.findall(heads))
    assert tex.count(r"\begin{tabular}") == 1 and tex.count(r"\toprule") == 1


def test_a_notebook_shows_the_text_and_its_notes():
    found = perjoule.disclose(searched(names=(HOSTILE,)), "bibtex")
    page = found._repr_html_()
    assert page.startswith("<pre") and "@software{perjoule,\n" in page
    assert "<script>" not in page and "no reference of a_b &amp; &lt;script&gt;" in page


def test_every_strategy_is_cited():
    entries = references()
    assert len(entries) == len({re.match(r"@\w+\{(\w+),", entry)[1] for entry in entries.values()})
    for recipe in RECIPES.values():
        assert recipe.source == "classical" or cited([recipe.source]), recipe.name
    table = searched(names=("random", "tpe"))
    text = bibtex(table, perjoule.analyse(table))
    assert text.count("\n@") == 3 and text.startswith("@software{perjoule")  # Optuna is the third


STRANGE = ("[5pt]", "*", "=1+1", "- a", "x--y", "red\x1b[31m\nline")


def test_names_of_others_steer_neither_latex_nor_markdown_nor_spreadsheets():
    table = searched(names=STRANGE)
    tex, text = disclosed("latex", table), disclosed("markdown", table)
    rows = [line.strip() for line in tex.splitlines() if line.endswith(r"\\")]
    assert not [row for row in rows if row.startswith(("[", "*"))]  # options of the row above
    assert r"{[}5pt] & " in tex and r"x-{}-y & " in tex
    assert "| - a |" not in text and "| \\- a |" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", tex + text)
    written = [*csv.DictReader(io.StringIO(disclosed("codecarbon", table)))]
    names = {row["project_name"] for row in written}
    assert names == {"[5pt]", "*", "'=1+1", "'- a", "x--y", r"red\x1b[31m\nline"}
    assert not [row for row in written if row["run_id"].startswith(("=", "-", "+", "@"))]


def test_the_latex_table_is_narrow():
    tex = disclosed("latex", searched(names=("random", "tpe"), energies=(1.0, 2.0, 3.0)))
    rows = [line for line in tex.splitlines() if line.endswith(r"\\")]
    plain = [re.sub(r"\\(shortstack\[.\]|textbf|footnotesize)|[{}\\]", "", row) for row in rows]
    assert len(rows) == 5  # a head, and for each strategy its figures above what is beside them
    assert max(len(cell.strip()) for row in plain[1:] for cell in row.split("&")) < 20
    assert "validation \\\\accuracy at" in rows[0] and "(" not in rows[1]


def test_what_trials_came_to_is_counted_and_not_supposed():
    assert "(3 trials in 1 run):" in disclosed("markdown", searched())
    table = searched()
    table.trials.loc[0, "state"] = "failed"
    table.trials.loc[1, "state"] = "pruned"
    assert "(3 trials in 1 run, 1 failed and 1 pruned included)" in disclosed("eu", table)


def test_each_group_has_a_best_candidate_of_its_own():
    frames = [searched(energies).trials.assign(dataset=name) for name, energies in GROUPS.items()]
    table = perjoule.load_table(pd.concat(frames)[COLUMNS], by="dataset")
    text = disclosed("eu", table)
    assert "the best candidates' own trials, in 2 of 2 groups: 34.0 J (50.0 %)" in text
    assert "FLOP" not in text  # there is no candidate whose operations it could be


def test_the_joules_of_a_killed_comparison_are_the_least_that_was_spent():
    lost = {"what": "scoring incumbents on the test split", "energy_j": None}
    work = {**DESCRIPTION["work"], "overhead": [*DESCRIPTION["work"]["overhead"], lost]}
    found = perjoule.disclose(searched(work=work), "eu")
    assert "at least 1.94x10^-8 MWh (modelled, of unknown uncertainty)" in found.text
    assert "without scoring incumbents on the test split, which is unknown" in found.text
    assert "all sums are the least that was spent" in found.notes
    report = valid(disclosed("boamps", searched(work=work), **TOLD))
    assert "quality" not in report


def test_the_process_that_led_the_workers_is_named_where_no_meter_saw_it():
    led = {**DESCRIPTION["work"], "driver_cpu_s": 1.5}
    whole = {**METER, "scope": "package"}
    assert "Not metered: 1.5 CPU-seconds" in disclosed("sci", searched(work=led))
    assert "Not metered" not in disclosed("sci", searched(work=led, meter=[whole]))


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"carbon": 56}, "carbon=56 is not a text"),
        ({"share": "half"}, "share='half' is not a number"),
        ({"tokens": True}, "tokens=True is not a number"),
        ({"training_type": "finetuning"}, "did you mean 'fine-tuning'?"),
        ({"lifetime": "4"}, "--embodied and --share"),
    ],
)
def test_facts_that_cannot_be_are_refused_in_a_line(facts, told):
    with pytest.raises((ConfigurationError, UnknownNameError), match=re.escape(told)):
        disclosed("hf", **facts)


def test_what_emissions_csv_lacks_is_said_by_name():
    table = searched()
    table.trials.loc[0, "started_at"] = pd.NaT
    with pytest.raises(DataError, match=r"of 3 trials 1 have no started_at: .*--map \"started_at="):
        disclosed("codecarbon", table)


def test_the_command_prints_writes_and_refuses(tmp_path):
    path, out = tmp_path / "mine.parquet", tmp_path / "card.md"
    table = searched()
    table.write(path)
    printed = call("disclose", path, "--as", "hf")
    assert printed.code == 0 and "they stand in source" in printed.err
    assert yaml.safe_load(printed.out.strip("-\n"))["co2_eq_emissions"]["emissions"] > 0
    assert call("disclose", path, "--as", "hf", "--out", out).code == 0
    assert out.read_text(encoding="utf-8") == printed.out
    again = call("disclose", path, "--as", "eu", "--out", out)
    assert again.code == 2 and "add --force" in again.message
    assert call("disclose", path, "--as", "eu", "--out", out, "--force").code == 0
    unknown = call("disclose", path, "--as", "boampss")
    assert unknown.code == 2 and "did you mean 'boamps'?" in unknown.message
    refused = call("disclose", path, "--as", "sci", "--share", "2")
    assert refused.code == 2 and "--share 2.0 is above 1" in refused.message
    with pytest.raises(UnknownNameError, match="'carbn'"):
        perjoule.disclose(table, "hf", carbn="FRA")
