"""What a user names as module:function: what can be named, and where it is looked for."""

import os
import signal
import sys

import pytest

from perjoule.cli import main  # noqa: F401 - what it does to the path, it does when loaded
from perjoule.errors import ConfigurationError
from perjoule.models.importing import import_defined, import_named
from perjoule.models.networks.building import build_network
from perjoule.models.own_code import own_code

OWN = """
import functools, sys
from os import system
from subprocess import Popen
from collections import OrderedDict
from torch import nn
from optuna.samplers import RandomSampler

PATH = list(sys.path)

def own(*given):
    import here_too
    return here_too.VALUE

partial = functools.partial(own, 1)

class Own:
    def __call__(self):
        return 3

made = Own()
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A current folder with a module, and a name that stands for a library."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_here.py").write_text(OWN)
    (tmp_path / "here_too.py").write_text("VALUE = 3\n")
    (tmp_path / "yaml.py").write_text("raise SystemExit('the folder was searched first')\n")
    yield tmp_path
    for name in ("own_here", "here_too"):
        sys.modules.pop(name, None)


def test_the_current_folder_is_searched_last_and_only_for_what_is_named(here):
    before = list(sys.path)
    assert str(here) not in before
    own = import_named("objective", "own_here:own")
    assert [*before, str(here)] == sys.modules["own_here"].PATH
    assert sys.path == before
    with pytest.raises(ModuleNotFoundError):
        own()
    with own_code():
        assert own() == 3
    assert sys.path == before
    with pytest.raises(ConfigurationError, match="is its folder on PYTHONPATH"):
        import_named("objective", "not_here:own")
    assert sys.path == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("subprocess:Popen", "subprocess is a part of Python"),
        ("os.path:join", "os is a part of Python"),
        ("builtins:exec", "builtins is a part of Python"),
        ("antigravity:fly", "antigravity is a part of Python"),
        ("own_here:Popen", "subprocess's own, a part of Python"),
        ("own_here:system", "a part of Python"),
        ("own_here:sys.exit", "a part of Python"),
        ("own_here:OrderedDict", "a part of Python"),
        ("own_here:RandomSampler", "defined in optuna.*: name it where it is defined"),
        ("own_here:nn.Linear", "defined in torch"),
        ("own_here:PATH", "no function 'PATH'"),
        ("own_here:missing", "no function 'missing'"),
    ],
)
def test_only_what_a_module_defines_can_be_named(here, name, message):
    with pytest.raises(ConfigurationError, match=message):
        import_defined("objective", name)


@pytest.mark.parametrize("name", ["own", "Own", "made", "partial", "Own.__call__"])
def test_whatever_is_called_and_defined_there_can_be_named(here, name):
    assert callable(import_defined("objective", f"own_here:{name}"))


def test_a_builder_gives_a_module(here):
    for given in (3, None, [], int):
        with pytest.raises(ConfigurationError, match=r"return a torch\.nn\.Module"):
            build_network(lambda shape, n_classes, given=given: given, (2,), 2, {})


def test_what_own_code_changes_of_its_process_is_set_back(here):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), own_code():
        os.chdir("/")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _ = 1 / 0
    assert os.getcwd() == str(here)  # noqa: PTH109
    assert signal.getsignal(signal.SIGINT) == before
