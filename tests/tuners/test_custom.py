import pytest
from optuna.samplers import RandomSampler, TPESampler

from perjoule.errors import ConfigurationError
from perjoule.models.space import Space
from perjoule.tuners.custom import custom
from perjoule.tuners.strategies.optuna_sampler import OptunaStrategy
from perjoule.tuners.strategy import Task

from .toys import search

SPACE = Space.parse(
    {"rate": {"low": 1e-4, "high": 0.1, "log": True}, "width": [8, 16, 32], "epochs": 2}
)
STRATEGIES = '''
import os
from subprocess import Popen
from optuna.samplers import RandomSampler
from perjoule import Work

class Cheapest:
    """Always the same candidate, and what it was made of."""
    startup_trials = 3

    def __init__(self, space, seed, *labels, depth=1):
        self.space, self.seed, self.labels, self.depth = space, seed, labels, depth

    def ask(self, spent_j):
        return Work(self.space.cheapest(), 2)

    def tell(self, result):
        pass

class Still(Cheapest):
    """Needs nothing of the run."""
    startup_trials = None

    def __init__(self, label="none"):
        self.label = label

class Unborn(Still):
    def __init__(self, label="none"):
        raise RuntimeError("not\\ntoday")

class Middle(RandomSampler):
    """A sampler that takes no seed."""
    def __init__(self, share=0.5):
        super().__init__(seed=round(share * 10))

class Wide(RandomSampler):
    """A sampler that wants to know the space."""
    def __init__(self, space, seed=None):
        assert space.distributions
        super().__init__(seed=seed)

def random(space, seed):
    return RandomSampler(seed)

def own_random(label, seed):
    return RandomSampler(seed)

def nothing(space, seed):
    return 3

made = RandomSampler(seed=1)
number = 3
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Name of a new importable module that holds the strategies above."""
    name = f"custom_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(STRATEGIES)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def build(name, seed=0):
    return custom(name)(SPACE, seed, Task())


def proposals(strategy):
    return [
        told.params for told in search(strategy, 8, lambda params, _: {"score": params["rate"]})
    ]


def test_a_samplers_class_is_the_strategy_made_of_it():
    text = "optuna.samplers: TPESampler(n_startup_trials = 3, n_ei_candidates=5,) "
    same = OptunaStrategy(
        SPACE, 7, sampler=lambda s: TPESampler(seed=s, n_startup_trials=3, n_ei_candidates=5)
    )
    assert proposals(build(text, 7)) == proposals(same)


@pytest.mark.parametrize(
    "name",
    [
        "optuna.samplers:RandomSampler",
        "optuna.samplers:RandomSampler()",
        "{module}:random",
        "{module}:own_random('x')",
        "{module}:Wide",
        "{module}:Wide()",
    ],
)
def test_what_gives_a_sampler_gets_a_seed_for_each_ask(module, name):
    expected = proposals(OptunaStrategy(SPACE, 7, sampler=RandomSampler))
    assert proposals(build(name.format(module=module), 7)) == expected


def test_a_sampler_without_a_seed_is_made_anew_for_each_ask(module):
    params = proposals(build(f"{module}:Middle(share=0.2)"))
    assert all(each == params[0] for each in params)
    assert params != proposals(build(f"{module}:Middle(share=0.4)"))


def test_a_strategy_is_used_as_it_is_and_gets_the_written_arguments(module):
    strategy = build(f"{module}:Cheapest", 5)
    assert strategy.ask(0.0).params == SPACE.cheapest()
    made = strategy.made
    assert (made.space, made.seed, made.labels) == (SPACE, 5, ())
    made = build(f"{module}:Cheapest(depth=[1, {{'a': None}}])", 5).made
    assert (made.space, made.seed, made.depth) == (SPACE, 5, [1, {"a": None}])
    assert build(f"{module}:Still()").made.label == "none"
    assert build(f"{module}:Still(label='a:(b)')").made.label == "a:(b)"


@pytest.mark.parametrize(
    ("name", "startup_trials"),
    [
        ("optuna.samplers:TPESampler(n_startup_trials=3)", 3),
        ("optuna.samplers:TPESampler", 10),
        ("optuna.samplers:RandomSampler", None),
        ("{module}:Cheapest", 3),
        ("{module}:Cheapest(depth=3)", 3),
        ("{module}:Still()", None),
    ],
)
def test_it_is_known_when_asks_become_dear(module, name, startup_trials):
    assert custom(name.format(module=module)).startup_trials == startup_trials


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no_such_module:Mine", "No module named 'no_such_module'"),
        (":Mine", "Empty module name"),
        ("mine", "No module named 'mine'"),
        ("{module}:", "no function ''"),
        ("{module}:Yours", "no function 'Yours'"),
        ("subprocess:Popen('true')", "subprocess is a part of Python"),
        ("{module}:Popen('true')", "defined in subprocess"),
        ("{module}:os.system", "defined in posix"),
        ("{module}:number", "not callable"),
        ("{module}:made", r"cannot be seeded for each run: write module:Class\(arguments\)"),
        ("{module}:Still(", "cannot be read: SyntaxError"),
        ("{module}:Still(1) + Still(2)", "not one call of one name"),
        ("{module}:Still.__init__(1)", "not one call of one name"),
        ("{module}:Still(1)(2)", "not one call of one name"),
        ("{module}:Still(__import__('os').getpid())", "must be literals"),
        ("{module}:Still(label=number)", "must be literals"),
        ("{module}:Still({{[]: 1}})", "must be literals"),
        ("{module}:Still(*'ab')", "must be literals"),
        ("{module}:Still(**{{'label': 1}})", "by its own name"),
        ("{module}:Still(label=1, label=2)", "(by its own name|repeated)"),
        ("{module}:Still(1, 2)", "cannot be called so: TypeError: too many positional"),
        ("{module}:Still(colour=1)", "unexpected keyword argument 'colour'"),
        ("optuna.samplers:TPESampler(seed=3)", "has a seed"),
        ("optuna.samplers:RandomSampler(3)", "has a seed"),
        ("optuna.samplers:TPESampler(trials=3)", "unexpected keyword argument 'trials'"),
        ("optuna.samplers:GridSampler", "cannot be made: TypeError: .*'search_space'"),
        ("optuna.samplers:GridSampler(3)", "cannot be made: "),
    ],
)
def test_what_cannot_be_used_says_why_in_one_line(module, name, reason):
    with pytest.raises(ConfigurationError, match=reason) as error:
        custom(name.format(module=module))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("nothing", "type int: it must have ask and tell, or be an Optuna sampler"),
        ("Unborn(1)", "cannot be made: RuntimeError: not; mend its arguments"),
    ],
)
def test_a_run_without_a_strategy_says_why_in_one_line(module, attribute, reason):
    with pytest.raises(ConfigurationError, match=f"{attribute[:6]}.*{reason}") as error:
        build(f"{module}:{attribute}")
    assert "\n" not in str(error.value)


def test_what_a_plain_attribute_raises_is_left_to_the_run(module):
    with pytest.raises(TypeError):
        build(f"{module}:Unborn")


@pytest.mark.parametrize(
    "source", ["1 / 0", "def (", "raise LookupError('no\\nluck')", "raise SystemExit(3)"]
)
def test_a_module_that_cannot_be_imported_is_the_users_to_mend(source, tmp_path, monkeypatch):
    (tmp_path / "broken_custom.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError, match=r"'broken_custom:Mine': .* in broken_c") as error:
        custom("broken_custom:Mine")
    assert "\n" not in str(error.value)
