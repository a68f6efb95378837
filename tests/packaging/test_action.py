"""The GitHub Action: its own steps, run by bash as a runner does, and a fake of GitHub."""

import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
SPIN = "import time\nwhile time.process_time() < 0.1: pass"
EVIL = "$(touch hurt) `touch hurt` \"; touch hurt; ' ${{ github.token }} <b>"


class GitHub:
    """A fake of GitHub's interface: its comments, and whether it lets us write."""

    def __init__(self):
        self.comments, self.may_write, self.person = [], True, None
        self.asked = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                size = int(self.headers.get("Content-Length", 0))
                code, data = api.answer(self.command, self.path, self.rfile.read(size))
                assert self.headers["Authorization"] == "Bearer secret"
                self.send_response(code)
                self.end_headers()
                self.wfile.write(json.dumps(data).encode())

            do_GET = do_POST = do_PATCH = answer  # noqa: N815

            def log_message(self, format, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, method, path, body):
        self.asked.append((method, path))
        if path == "/user":
            return (403, {}) if self.person is None else (200, {"login": self.person})
        if method == "GET":
            page = int(re.search(r"[&?]page=(\d+)", path)[1])
            return 200, self.comments[100 * (page - 1) : 100 * page]
        if not self.may_write:
            return 403, {}
        text = json.loads(body)["body"]
        if method == "PATCH":
            number = int(path.rpartition("/")[2])
            self.comments[number]["body"] = text
        else:
            number = self.add(text)
        return 200, {"html_url": f"https://github.test/{number}"}

    def add(self, body, kind=None):
        user = {"type": kind or ("Bot" if self.person is None else "User"), "login": self.person}
        self.comments.append({"id": len(self.comments), "body": body, "user": user})
        return len(self.comments) - 1


@pytest.fixture
def github():
    github = GitHub()
    yield github
    github.server.shutdown()
    github.server.server_close()


@pytest.fixture
def event(tmp_path):
    """The event that the job is of."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    return event


@pytest.fixture
def job(tmp_path, github, event):
    """Runs the action's steps with inputs, as of a pull request; gives codes, outputs, summary."""
    programs = tmp_path / "bin"
    programs.mkdir()
    shim = programs / "perjoule"
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m perjoule "$@"\n')
    shim.chmod(0o755)

    def run(**inputs):
        for name in ("summary", "outputs"):
            (tmp_path / name).write_text("")
        given = {name: each.get("default", "") for name, each in ACTION["inputs"].items()} | inputs
        environment = os.environ | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": github.url,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_OUTPUT": str(tmp_path / "outputs"),
            "GITHUB_REPOSITORY": "a/b",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            "RUNNER_TEMP": str(tmp_path),
        }
        ended = []
        outputs = {}
        for name in ("Meter", "Comment"):
            step = STEPS[name]
            values = {}
            for key, expression in step["env"].items():
                [where] = re.findall(
                    r"^\$\{\{ (?:inputs|steps\.measure\.outputs)\.(\w+) \}\}$", expression
                )
                values[key] = (
                    outputs.get(where, given.get(where, "")) if key == "MARKDOWN" else given[where]
                )
            script = tmp_path / "step.sh"
            script.write_text(step["run"])
            ended.append(
                subprocess.run(
                    ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
                    env=environment | values,
                    cwd=tmp_path,
                    capture_output=True,
                    text=True,
                    check=False,
                )
            )
            lines = (tmp_path / "outputs").read_text().splitlines()
            outputs = dict(line.split("=", 1) for line in lines)
            if "markdown" not in outputs:
                break  # the condition of the comment
        return ended, outputs, (tmp_path / "summary").read_text()

    return run


def test_joules_are_in_the_summary_the_outputs_and_one_comment(job, github):
    github.add("<!-- perjoule: perjoule -->\nwritten by a person", "User")
    for _ in range(120):
        github.add("something else")
    line = f"echo hello; {sys.executable} -c '{SPIN}'"
    ended, outputs, summary = job(run=line, meter="cpu_time:10", zone="100 g/kWh", token="secret")
    assert [each.returncode for each in ended] == [0, 0], ended
    assert ended[0].stdout == "hello\n"
    assert float(outputs["energy_j"]) == pytest.approx(1.3, abs=0.5)
    assert outputs["kind"] == "modelled"
    assert json.loads(Path(outputs["json"]).read_text())["total_j"] == float(outputs["energy_j"])
    assert re.search(
        r"^\*\*1\.\d+ J modelled\*\* ± 43 % in .*, [\d.]+ µg CO2e at 100.0 g/kWh", summary, re.M
    )
    assert len(github.comments) == 122
    assert github.comments[-1]["body"].endswith(summary)
    _, again, _ = job(run="true", meter="cpu_time:10", token="secret")
    assert len(github.comments) == 122  # the same one
    assert Path(again["markdown"]).read_text() in github.comments[-1]["body"]
    job(run="true", meter="cpu_time:10", token="secret", name="another")
    assert len(github.comments) == 123
    assert github.comments[0]["body"].endswith("by a person")


def test_a_budget_and_a_command_that_fail_fail_the_step_and_are_still_told(job, github):
    ended, outputs, summary = job(run="true; exit 3", meter="cpu_time:10", token="secret")
    assert ended[0].returncode == 3
    assert "exit code 3" in summary
    assert outputs["energy_j"]
    ended, _, summary = job(run="true", meter="cpu_time:10", budget="1 mJ", token="secret")
    assert ended[0].returncode == 1
    assert "exceed the budget of 1.00 mJ" in summary
    assert "exceed the budget of 1.00 mJ" in github.comments[0]["body"]
    ended, outputs, summary = job(run="touch begun", budget="1", token="secret")
    assert ended[0].returncode == 2
    assert "has no unit" in ended[0].stderr
    assert (outputs, summary) == ({}, "")


def test_inputs_are_never_run_as_scripts(job, github, tmp_path):
    for name in ("meter", "zone", "budget"):
        ended, *_ = job(run="true", token="secret", **{name: EVIL})
        assert ended[0].returncode == 2, ended
    ended, *_ = job(run="true", token="secret", meter="cpu_time:1", name=EVIL)
    assert [each.returncode for each in ended] == [0, 0]
    assert len(github.comments) == 1
    assert not (tmp_path / "hurt").exists()
    for step in STEPS.values():
        assert "${{" not in step["run"]


def test_a_name_heads_the_summary_as_text(job, github):
    name = "<b>größe</b> of #7\n# for @everyone -->"
    *_, summary = job(run="true", meter="cpu_time:1", token="secret", name=name)
    heading = summary.splitlines()[0].replace("\N{ZERO WIDTH SPACE}", "|")
    assert heading == r"### \<b\>größe\<\/b\> of \#|7 \#| for \@|everyone \-\-\>"
    mark = github.comments[0]["body"].splitlines()[0]
    assert mark.count("-->") == 1
    job(run="true", meter="cpu_time:1", token="secret", name=name.replace("ö", "ü"))
    assert len(github.comments) == 2  # names that differ have comments that do


def test_a_person_s_token_writes_over_its_own_comment_too(job, github):
    github.add("<!-- perjoule: perjoule -->\nof the job", "Bot")
    github.comments.append({"id": 1, "body": None, "user": None})
    github.person = "jo"
    for _ in range(2):
        [_, comment], *_ = job(run="true", meter="cpu_time:1", token="secret")
        assert comment.returncode == 0
    assert len(github.comments) == 3
    assert github.comments[0]["body"].endswith("of the job")


def test_what_lies_in_the_repository_is_no_part_of_it(job, github, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('of the repository')")
    ended, outputs, _ = job(run="exit 3", meter="cpu_time:1", token="secret")
    assert [each.returncode for each in ended] == [3, 0]
    assert outputs["kind"] == "modelled"


def test_where_no_comment_can_be_written_nothing_fails(job, github, event):
    github.may_write = False
    [_, comment], *_ = job(run="true", meter="cpu_time:1", token="secret")
    assert comment.returncode == 0
    assert "::warning::perjoule: no comment could be written (POST" in comment.stdout
    event.write_text(json.dumps({"ref": "main"}))
    github.asked.clear()
    [_, comment], *_ = job(run="true", meter="cpu_time:1", token="secret")
    assert (comment.returncode, github.asked) == (0, [])


def test_what_it_installs_is_perjoule_s_own_and_suffices(tmp_path):
    lines = (ROOT / "packaging/github/requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if not line.startswith("#")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(wanted) <= set(project["dependencies"])
    heavy = (
        "torch torchvision optuna numpy pandas pyarrow scipy sklearn skopt plotly PIL jinja2 yaml"
    )
    script = f"""
import runpy, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {heavy.split()}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Missing())
sys.argv = ["perjoule", "measure", "--carbon", "FRA", "--out", "a.md", "--out", "a.json", "true"]
runpy.run_module("perjoule", run_name="__main__", alter_sys=True)
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script]
    how = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
    ended = subprocess.run(command, check=False, **how)
    assert ended.returncode == 0, ended.stderr
    assert "CO2e" in (tmp_path / "a.md").read_text()
