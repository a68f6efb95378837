"""What a folder names is run and read if its user made it here, names it again, or trusts it."""

import stat
from dataclasses import asdict

import pytest
import yaml

import perjoule
from perjoule.benchmarks.comparison.trust import check_trusted, is_marked, make_mark
from perjoule.benchmarks.studies.design import Options
from perjoule.errors import ConfigurationError, OutputError

from ...command import call
from .ledgers import cut

VALUES = {"dataset": "digits", "architecture": "cnn", "strategies": ["tpe"], "meter": "auto"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's folder for what is kept."""
    monkeypatch.setenv("PERJOULE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_mark_is_of_one_user_and_of_all_that_was_marked(home, tmp_path, monkeypatch):
    assert not is_marked(VALUES, "0" * 64)
    assert not home.exists()  # nothing is made to read one
    mark = make_mark(VALUES)
    assert is_marked(dict(reversed(VALUES.items())), mark)
    assert is_marked(yaml.safe_load(yaml.safe_dump(VALUES)), mark)
    assert not is_marked({**VALUES, "architecture": "evil:build"}, mark)
    for wrong in (None, 3, "", "é", mark[:-1], [mark]):
        assert not is_marked(VALUES, wrong)
    [secret] = home.iterdir()
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    monkeypatch.setenv("PERJOULE_HOME", str(tmp_path / "another"))
    assert make_mark(VALUES) != mark
    assert not is_marked(VALUES, mark)
    (tmp_path / "file").touch()
    monkeypatch.setenv("PERJOULE_HOME", str(tmp_path / "file"))
    assert make_mark(VALUES) is None  # it cannot be kept: nothing else is lost
    assert not is_marked(VALUES, mark)


@pytest.mark.parametrize(
    ("named", "would"),
    [
        ({"objective": "evil:train"}, "import 'evil:train'"),
        ({"architecture": "evil:build"}, "import 'evil:build'"),
        ({"strategies": ["tpe", "evil:S(3)"]}, r"import 'evil:S\(3\)'"),
        ({"dataset": "digits+evil:load"}, "import 'evil:load'"),
        ({"dataset": "npz:/etc/a.npz"}, "read 'npz:/etc/a.npz'"),
        ({"dataset": "digits+image-folder:../x?size=3"}, "read 'image-folder:../x"),
        ({"meter": "model,recorded:/etc/passwd"}, "read 'recorded:/etc/passwd'"),
        ({"meter": "http:http://evil.example#w@W"}, "read 'http:http://evil"),
        ({"objective": "evil:f", "meter": "shelly:10.0.0.1"}, "import 'evil:f' and read 'shelly:"),
    ],
)
def test_what_would_be_run_and_read_is_told(home, tmp_path, named, would):
    values = VALUES | named
    with pytest.raises(ConfigurationError, match=f"would {would}.*--trust"):
        check_trusted(tmp_path, values, None, trust=False)
    check_trusted(tmp_path, values, None, trust=True)
    check_trusted(tmp_path, values, None, trust=False, given=set(named))  # it was named again
    check_trusted(tmp_path, values, make_mark(values), trust=False)


def test_what_is_built_in_or_inside_the_folder_needs_no_trust(home, tmp_path):
    inside = f"npz:{tmp_path / 'data.npz'}"
    for named in ({}, {"dataset": inside}, {"dataset": "synthetic:4x4x1:2:60"}):
        check_trusted(tmp_path, VALUES | named, None, trust=False)
    check_trusted(tmp_path, asdict(Options(dataset="digits")), None, trust=False)


OWN = """
from pathlib import Path
Path("ran").touch()

def train(trial):
    trial.count_operations(1e7)
    return 0.5
"""


def test_a_folder_of_mine_goes_on_and_one_of_anothers_asks(home, tmp_path, monkeypatch):
    (tmp_path / "own_trusted.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    folder, ran = tmp_path / "run", tmp_path / "ran"
    named = {"objective": "own_trusted:train", "space": {"rate": [0.1, 0.2]}}
    options = {"strategies": ["random"], "seeds": 1, "budget": "0.01 J", "meter": "model"}
    perjoule.compare(out=folder, **named, **options)
    ran.unlink()  # a worker imported it
    cut(folder, -2)  # as if its run had not ended
    assert perjoule.compare(out=folder, resume=True).summary["status"] == "complete"
    assert ran.exists()
    ran.unlink()

    monkeypatch.setenv("PERJOULE_HOME", str(tmp_path / "another"))  # that of somebody else
    ended = call("compare", "--resume", "--out", folder)
    assert ended.code == 2
    assert "would import 'own_trusted:train'" in ended.message
    assert "--trust" in ended.message
    perjoule.report(folder)  # runs nothing
    assert not ran.exists()
    assert perjoule.compare(out=folder, resume=True, trust=True).summary["status"] == "complete"
    assert call("compare", "--resume", "--trust", "--out", folder).code == 0

    cut(folder, -2)
    stated = yaml.safe_load((folder / "experiment.yaml").read_text())
    for name, value in (("objective", "subprocess:Popen"), ("space", str(tmp_path / "a.yaml"))):
        changed = {**stated, "experiment": {**stated["experiment"], name: value}}
        (folder / "experiment.yaml").write_text(yaml.safe_dump(changed))
        error = ConfigurationError if name == "objective" else OutputError
        with pytest.raises(error, match="part of Python" if name == "objective" else "damaged"):
            perjoule.compare(out=folder, resume=True, trust=True)
