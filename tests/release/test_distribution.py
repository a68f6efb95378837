"""What is packed, and what stands beside it: nothing is forgotten, nothing says otherwise."""

import ast
import re
import runpy
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

import perjoule
from perjoule.benchmarks.studies.registry import STUDIES, find_study
from perjoule.version import RELEASED, __version__

ROOT = Path(perjoule.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = PROJECT["tool"]["setuptools"]["packages"]
NOT_SHIPPED = {"performance", "results", "__pycache__"}
ON_CONDA = {"torch": "pytorch"}
FORMS = sorted(path.name for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*_*.yml"))


def folder_of(package):
    return ROOT.joinpath(*package.split(".")[1:])


def room_of(path):
    """The package that a file of the tree belongs to: the nearest one above it."""
    names = path.relative_to(ROOT).parent.parts
    known = (".".join(["perjoule", *names[:depth]]) for depth in range(len(names), -1, -1))
    return next(name for name in known if name in PACKAGES)


def files_of_rooms():
    for room in {package.split(".")[1] for package in PACKAGES if "." in package}:
        for path in (ROOT / room).rglob("*"):
            if path.is_file() and not NOT_SHIPPED & set(path.parts):
                yield path


def test_each_folder_with_code_is_a_package_that_is_shipped():
    folders = {path.parent for path in files_of_rooms() if path.suffix == ".py"}
    assert folders | {ROOT} == {folder_of(each) for each in PACKAGES}


def test_each_file_that_the_code_reads_is_shipped():
    shipped = PROJECT["tool"]["setuptools"]["package-data"]
    forgotten = []
    for path in (each for each in files_of_rooms() if each.suffix != ".py"):
        rooms = {"perjoule", room_of(path)}
        patterns = [(room, pattern) for room in rooms for pattern in shipped.get(room, ())]
        if not any(
            fnmatch(str(path.relative_to(folder_of(room))), pattern)
            and pattern.count("/") == len(path.relative_to(folder_of(room)).parts) - 1
            for room, pattern in patterns
            if path.is_relative_to(folder_of(room))
        ):
            forgotten.append(str(path.relative_to(ROOT)))
    assert forgotten == []


def test_the_recipe_for_conda_asks_for_the_same():
    recipe = yaml.safe_load((ROOT / "packaging" / "conda" / "recipe.yaml").read_text("utf-8"))
    needs = [
        re.split(r"(?=[<>=])", each, maxsplit=1) for each in PROJECT["project"]["dependencies"]
    ]
    wanted = {ON_CONDA.get(name, name): bounds for name, bounds in needs}
    given = dict(each.split(" ", 1) for each in recipe["requirements"]["run"])
    assert given.pop("python") == ">=${{ python_min }}"
    assert given == wanted
    assert recipe["context"]["version"] == __version__
    assert PROJECT["project"]["requires-python"] == f">={recipe['context']['python_min']}"
    [entry] = PROJECT["project"]["scripts"].items()
    assert recipe["build"]["python"]["entry_points"] == [" = ".join(entry)]


def test_what_is_cited_is_what_it_builds_on():
    path = ROOT / "CITATION.cff"
    written = runpy.run_path(str(ROOT / "packaging" / "citation.py"))["citation"]()
    assert path.read_text("utf-8") == written, "renew it: make manual"
    told = yaml.safe_load(written)
    assert (told["version"], told["date-released"]) == (__version__, RELEASED)
    assert not re.search(r"[\\{}]", written)  # marks of BibTeX
    for name in STUDIES:
        link = find_study(name).link
        assert link.removeprefix("https://doi.org/") in written, name
    for each in told["references"]:
        assert each["authors"] and each["title"]


@pytest.mark.parametrize("name", FORMS)
def test_a_form_for_issues_is_whole(name):
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / name).read_text("utf-8"))
    assert {"name", "description", "body"} <= set(form)
    identities = [each["id"] for each in form["body"]]
    assert len(set(identities)) == len(identities)
    kinds = {each["type"] for each in form["body"]}
    assert kinds <= {"input", "textarea", "dropdown", "checkboxes", "markdown"}
    for each in form["body"]:
        assert each["attributes"]["label"]


def test_a_report_of_a_bug_has_the_versions():
    text = (ROOT / ".github" / "ISSUE_TEMPLATE" / "bug_report.yml").read_text("utf-8")
    assert "perjoule --version --verbose" in text


def test_the_image_has_what_the_wheel_needs_and_is_nobodys_root():
    text = (ROOT / "Dockerfile").read_text("utf-8")
    taken = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rooms = {each.split(".")[1] for each in PACKAGES if "." in each}
    assert {f"!{room}/**" for room in rooms} <= set(taken)
    pages = PROJECT["tool"]["setuptools"]["data-files"].values()
    assert {f"!{path}" for paths in pages for path in paths} <= set(taken)
    python = re.search(r"^ARG PYTHON=(.+)$", text, re.MULTILINE)[1]
    assert f"Programming Language :: Python :: {python}" in PROJECT["project"]["classifiers"]
    assert re.search(r"^USER [1-9]\d*$", text, re.MULTILINE)


def test_the_check_of_a_release_says_what_it_takes():
    script = ROOT / "tests" / "release" / "check_wheel.py"
    ended = subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, check=True
    )
    assert "--python" in ended.stdout


INDIRECT = {
    "markupsafe": "jinja2",
    "sqlalchemy": "optuna",
    "fsspec": "torch",
    "choreographer": "kaleido",
}
"""What is imported and comes with what is asked for, as its own documentation says."""
NAMED_OTHERWISE = {
    "PIL": "pillow",
    "pynvml": "nvidia-ml-py",
    "skopt": "scikit-optimize",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "lazy_loader": "lazy-loader",
}
ONLY_WHERE_IT_IS = {"IPython", "amdsmi"}
"""What is imported in a notebook, or from a vendor's driver."""


def test_what_is_imported_is_asked_for():
    project = PROJECT["project"]
    asked = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {re.split(r"[<>=\[;]", each)[0] for some in asked for each in some}
    for path in (each for each in files_of_rooms() if each.suffix == ".py"):
        for name in imported(path) - ONLY_WHERE_IT_IS - {"perjoule"} - sys.stdlib_module_names:
            known = NAMED_OTHERWISE.get(INDIRECT.get(name, name), INDIRECT.get(name, name))
            assert known in names, f"{path.relative_to(ROOT)} imports {name}"


def imported(path):
    """The outermost names that a module imports, of others."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return found
