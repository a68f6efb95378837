"""Every example runs as its first lines say: alone, offline, in a folder of its own."""

import ast
import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from .pages import ROOT

EXAMPLES = ROOT / "examples"
LIMIT_S = 300  # of a busy machine
PRINTS = {
    "compare_own_network": r"frugal: expected joules .*\n(.*\n)*Report: .*report\.html",
    "meter_a_training": r"epoch 2: .*J in .*\n(.*\n)*all: .*J in .*accuracy 0\.9",
    "optuna_under_budget": r"trial 3: accuracy \d.*\n(.*\n)*with the search itself: .*\(3\.00 J",
    "own_training_loop": r"\nasha +\d+ .*\n(.*\n)*Report: .*report\.html",
    "replay_a_table": r"searched: .*learning_rate(.*\n)*.*replayed\.parquet",
    "report_for_a_paper": r"paper/anytime\.(.*\n)*paper/model-card\.md\n(.*\n)*paper/table\.tex",
}
"""What each script prints, among else."""
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def test_examples_say_what_they_show_and_how_long_they_take():
    scripts = {path.stem: path for path in EXAMPLES.glob("*.py")}
    assert {*scripts} == {*PRINTS}
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in [*scripts.values(), *NOTEBOOKS]:
        assert f"({path.name})" in listed
    for path in scripts.values():
        about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert "Shows: " in about
        assert re.search(r"Takes about \d+ s", about)
        assert f"python {path.name}" in about


@pytest.mark.thorough
@pytest.mark.parametrize("name", PRINTS)
def test_a_script_runs(name, tmp_path):
    ended = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.search(PRINTS[name], ended.stdout), ended.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.thorough
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=LIMIT_S, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("text/html" in output.get("data", {}) for output in shown)
    assert any("application/vnd.plotly.v1+json" in output.get("data", {}) for output in shown)
    printed = [output["text"] for output in shown if output.get("name") == "stderr"]
    assert not [text for text in printed if "TqdmWarning: IProgress not found" not in text]
