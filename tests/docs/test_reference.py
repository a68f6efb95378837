"""The reference says what the program says; `make reference` writes it anew."""

import ast
import inspect
import re

import pytest
import typer

import perjoule
from perjoule.benchmarks.comparison.experiment import Experiment
from perjoule.cli import app
from perjoule.docs.making.examples import with_fences
from perjoule.docs.making.reference import FOLDER, PAGES
from perjoule.energy.sources.resolve import METERS
from perjoule.tuners.registry import RECIPES

FIELDS = [info.alias or name for name, info in Experiment.model_fields.items()]


def written(page):
    return (FOLDER / page).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_the_program_tells_is_as_it_tells_it(page):
    assert written(page) == PAGES[page](), "run `make reference`"


def test_every_public_name_is_on_the_page_of_python():
    shown = set(re.findall(r"^::: perjoule\.(\w+)$", written("api.md"), re.MULTILINE))
    assert shown == set(perjoule.__all__)


@pytest.mark.parametrize(
    ("page", "names"),
    [("strategies.md", RECIPES), ("sources.md", METERS), ("experiment.md", FIELDS)],
)
def test_every_name_of_a_registry_has_its_place(page, names):
    text = written(page)
    headings = re.findall(r"^##.*?`(\w+)`$", text, re.MULTILINE)
    places = re.findall(r'\{ #([\w-]+) \}|<span id="([\w-]+)">', text)
    assert set(names) <= {*headings, *(first or second for first, second in places)}


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_has_an_example_that_can_be_used_and_an_option(field):
    [info] = [i for name, i in Experiment.model_fields.items() if field in (name, i.alias)]
    besides = {"space": {"rate": [0.1, 0.2]}} if field == "objective" else {}
    Experiment.model_validate({field: info.examples[0], **besides})
    compare = typer.main.get_command(app).commands["compare"]
    options = {option for parameter in compare.params for option in parameter.opts}
    assert f"--{field.replace('_', '-')}" in options


CALLED_FIRST = [
    *("compare", "tune", "report", "load_best", "disclose", "study"),
    *("load_table", "analyse", "replay", "project", "audit"),
    *("EnergyMeter", "EnergyBudget", "metered", "Metric", "Trial"),
]


@pytest.mark.parametrize("name", CALLED_FIRST)
def test_what_people_call_first_has_an_example_that_is_python(name):
    text = with_fences(inspect.getdoc(getattr(perjoule, name)) or "")
    examples = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        ast.parse(example)
        assert set(re.findall(r"perjoule\.(\w+)", example)) <= set(perjoule.__all__)
