import math
from functools import partial

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import RandomSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)
from optuna.trial import TrialState, create_trial

from perjoule.errors import ConfigurationError
from perjoule.tuners.parts.skopt_gbrt import quantile_boosting
from perjoule.tuners.parts.skopt_sampler import SkoptSampler

Space = dict[str, BaseDistribution]
SPACE: Space = {
    "rate": FloatDistribution(1e-5, 1e-1, log=True),
    "momentum": FloatDistribution(0.0, 1.0, step=0.1),
    "width": IntDistribution(8, 256, log=True),
    "depth": IntDistribution(1, 9, step=2),
    "optimiser": CategoricalDistribution(["sgd", "adam", None]),
}
COSTLY: Space = {"x": FloatDistribution(0.0, 1.0), "units": IntDistribution(1, 100, log=True)}
thorough = pytest.mark.thorough
every_model = pytest.mark.parametrize("model", ["GP", "ET", "GBRT"])
cheap = partial(SkoptSampler, n_startup_trials=2, n_candidates=50, n_restarts=1, n_trees=5)


@pytest.mark.conformance
class TestConformance(BasicSamplerTestCase, RelativeSamplerTestCase, SingleOnlySamplerTestCase):
    """Optuna's own suites for samplers."""

    @pytest.fixture(params=["GP", "ET"])
    def sampler(self, request):
        # One startup trial, so that nearly every ask of the suites goes through the model.
        return partial(cheap, request.param, seed=0, n_startup_trials=1, n_candidates=10, n_trees=2)


def proposal(sampler, sign=1.0, extra=None):
    """What follows eight trials, the fourth of them replaced by ``extra``."""
    study = optuna.create_study(direction="minimize" if sign > 0 else "maximize", sampler=sampler)
    random = optuna.create_study(sampler=RandomSampler(seed=1))
    for number in range(8):
        params = random.ask(SPACE).params
        loss = abs(math.log10(params["rate"]) + 3) + params["momentum"] + 0.1 * params["depth"]
        trial = create_trial(params=params, distributions=SPACE, value=sign * loss)
        study.add_trial(extra if extra is not None and number == 3 else trial)
    return study.ask(SPACE).params


def trial_of(state, value=None):
    params = {"rate": 1e-4, "momentum": 0.5, "width": 32, "depth": 3, "optimiser": "adam"}
    return create_trial(state=TrialState[state], params=params, distributions=SPACE, value=value)


@thorough
@pytest.mark.parametrize(
    ("model", "acq_func"),
    [("GP", "EI"), ("ET", "EI"), ("GBRT", "EI"), ("RF", "EI"), ("GP", "LCB"), ("ET", "PI")],
)
def test_a_fresh_sampler_with_the_same_seed_and_history_proposes_the_same_point(model, acq_func):
    fresh, used, other = (cheap(model, acq_func=acq_func, seed=seed) for seed in (7, 7, 8))
    proposal(used, extra=trial_of("COMPLETE", 0.0))
    assert proposal(used) == proposal(fresh) != proposal(other)


def test_a_search_resumed_among_its_startup_trials_does_not_repeat_them():
    def run(sampler_of_second_half):
        study = optuna.create_study(sampler=SkoptSampler(seed=3))
        for number in range(6):
            if number == 3:
                study.sampler = sampler_of_second_half or study.sampler
            study.tell(study.ask(SPACE), number)
        return [trial.params["rate"] for trial in study.trials]

    assert run(SkoptSampler(seed=3)) == run(None)
    assert len(set(run(None))) == 6


def test_maximising_mirrors_minimising():
    assert proposal(cheap(seed=0), +1.0) == proposal(cheap(seed=0), -1.0)


@thorough
@pytest.mark.parametrize(
    ("model", "acq_func"),
    [("GP", "EI"), ("ET", "EI"), ("GBRT", "EI"), ("GP", "EIps"), ("ET", "EIps")],
)
def test_the_model_closes_in_on_the_optimum(model, acq_func):
    sampler = partial(SkoptSampler, model, seed=0, n_startup_trials=5, n_trees=20)
    study = optuna.create_study(sampler=sampler(acq_func=acq_func, cost_attr="energy_j"))

    def objective(trial):
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_int("y", 0, 5)
        trial.set_user_attr("energy_j", 1.0 + y)
        return (x - 0.3) ** 2 + y

    study.optimize(objective, n_trials=20)
    assert study.best_params["y"] == 0
    assert study.best_params["x"] == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize(
    "end", [("PRUNED", None), ("PRUNED", 100.0), ("COMPLETE", math.inf), ("COMPLETE", -math.inf)]
)
def test_trials_without_a_finite_result_are_left_out(end):
    lost, failed = (proposal(cheap(seed=0), extra=trial_of(*each)) for each in (end, ("FAIL",)))
    assert lost == failed


def test_trials_outside_a_changed_range_are_left_out():
    narrow: Space = {"x": FloatDistribution(0.0, 1.0), "y": FloatDistribution(0.0, 1.0)}
    wide: Space = {**narrow, "x": FloatDistribution(0.0, 5.0)}

    def ask(**outsider):
        study = optuna.create_study(sampler=cheap(seed=0))
        for x in (0.1, 0.5, 0.9):
            trial = create_trial(params={"x": x, "y": x}, distributions=narrow, value=x * x)
            study.add_trial(trial)
        study.add_trial(create_trial(params={"x": 4.0, "y": 0.0}, distributions=wide, **outsider))
        study.ask()
        return study.sampler.sample_relative(study, study.trials[-1], narrow)

    assert ask(value=-9.0) == ask(state=TrialState.FAIL)


@thorough
@every_model
def test_every_model_keeps_away_from_where_many_trials_run(model):
    x = {"x": FloatDistribution(0.0, 1.0)}

    def distance(seed, *, running):
        sampler = SkoptSampler(model, seed=seed, n_startup_trials=2)
        study, trial_at = (
            optuna.create_study(sampler=sampler),
            partial(create_trial, distributions=x),
        )
        for at in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
            study.add_trial(trial_at(params={"x": at}, value=(at - 0.35) ** 2))
        state = TrialState.RUNNING if running else TrialState.FAIL
        study.add_trials(trial_at(params={"x": n / 100}, state=state) for n in range(20, 51))
        return abs(study.ask(x).params["x"] - 0.35)

    apart, near = (sum(distance(n, running=running) for n in range(3)) for running in (True, False))
    assert apart > 1.5 * near


@thorough
@pytest.mark.parametrize("acq_func", ["EI", "EIps"])
@every_model
def test_a_batch_of_parallel_trials_holds_different_candidates(model, acq_func):
    sampler = cheap(model, acq_func=acq_func, cost_attr="energy_j", seed=0)
    study = optuna.create_study(sampler=sampler)
    for value in range(4):
        trial = study.ask(SPACE)
        trial.set_user_attr("energy_j", 1.0 + value)
        study.tell(trial, value)
    batch = [study.ask(SPACE) for _ in range(3)]
    assert len({tuple(trial.params.values()) for trial in batch}) == 3
    assert all(trial.relative_params for trial in batch)


def costly_proposals(
    model, cost_of, acq_func="EIps", cost_attr="energy_j", space=COSTLY, n_seeds=2
):
    """What is proposed after 20 trials that got nothing out of their costs, by some samplers."""
    proposals = []
    for seed in range(n_seeds):
        sampler = cheap(model, acq_func=acq_func, cost_attr=cost_attr, seed=seed, n_trees=20)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        random = optuna.create_study(sampler=RandomSampler(seed=3))
        for _ in range(20):
            params = random.ask(space).params
            x = params["x"] / getattr(space["x"], "high", 1.0)
            value, cost = math.sin(40 * x) / 20 - (x - 0.3) ** 2, cost_of(params)
            trial = create_trial(params=params, distributions=space, value=value)
            trial.set_user_attr("energy_j", cost)
            study.add_trial(trial)
        proposals.append(study.ask(space).params)
    return proposals


@thorough
@every_model
def test_improvement_per_joule_prefers_the_cheap(model):
    def mean_units(acq_func):
        chosen = costly_proposals(model, lambda p: 1e-3 * p["units"] ** 2, acq_func, n_seeds=6)
        return sum(math.log10(params["units"]) for params in chosen) / len(chosen)

    assert mean_units("EIps") < mean_units("EI") - 0.2


@thorough
@every_model
def test_units_of_costs_and_scales_of_ranges_do_not_matter(model):
    wide: Space = {**COSTLY, "x": FloatDistribution(0.0, 10_000.0)}
    known = costly_proposals(model, lambda p: p["units"])
    kilojoules = costly_proposals(model, lambda p: 2.0**-10 * p["units"])
    scaled = costly_proposals(model, lambda p: p["units"], space=wide)
    for one, other, far in zip(known, kilojoules, scaled, strict=True):
        assert one == pytest.approx(other, rel=1e-3)
        assert one["x"] == pytest.approx(far["x"] / 10_000, abs=1e-3)
        assert one["units"] == far["units"]


@thorough
@pytest.mark.parametrize("model", ["ET", "GBRT"])
def test_whole_numbers_on_a_log_scale_are_searched_from_end_to_end(model):
    """scikit-optimize by itself lets trees propose 100 alone here, and 10 for all below."""
    for low, high in ((20, 100), (1, 100)):
        space: Space = {**COSTLY, "units": IntDistribution(low, high, log=True)}
        study = optuna.create_study(sampler=cheap(model, seed=0, n_trees=10))
        for _ in range(20):
            trial = study.ask(space)
            study.tell(trial, math.log(trial.params["units"]) + trial.params["x"])
        late = [trial.params["units"] for trial in study.trials[-10:]]
        assert sum(units < 2 * low for units in late) >= 5


def test_choices_alone_have_a_cost_too():
    """The kernel that scikit-optimize takes for them has no gradient."""
    ninths = CategoricalDistribution([n / 9 for n in range(9)])
    costs = {"sgd": 1.0, "adam": 50.0, None: 60.0}
    space: Space = {"x": ninths, "u": SPACE["optimiser"]}
    for params in costly_proposals("GP", lambda p: costs[p["u"]], space=space):
        assert params["u"] == "sgd"


@thorough
def test_without_usable_costs_the_expected_improvement_counts():
    expected = costly_proposals("ET", lambda p: None, "EI")
    for cost in (None, 0.0, -1.0, math.inf, math.nan, "dear"):
        assert costly_proposals("ET", lambda p, cost=cost: cost) == expected
    assert costly_proposals("ET", lambda p: p["units"], cost_attr=None) == expected
    assert costly_proposals("ET", lambda p: p["units"]) != expected


@thorough
def test_trials_without_a_cost_count_as_of_the_usual_one():
    unknown, usual, low = (
        costly_proposals("ET", lambda p, cost=cost: cost if p["x"] > 0.8 else 8.0)
        for cost in (None, 8.0, 1.0)
    )
    assert unknown == usual != low


def test_single_points_are_left_to_independent_sampling():
    fixed = {"only": CategoricalDistribution(["one"]), "two": IntDistribution(2, 2)}
    study = optuna.create_study(sampler=cheap(seed=0))
    for value in range(4):
        study.tell(study.ask({**SPACE, **fixed}), value)
    trial = study.ask({**SPACE, **fixed})
    assert trial.relative_params.keys() == SPACE.keys()
    assert (trial.params["only"], trial.params["two"]) == ("one", 2)


def test_boosted_quantiles_that_cross_have_no_spread():
    generator = np.random.default_rng(0)
    points, losses = generator.random((12, 3)), generator.random(12)
    model = quantile_boosting(n_trees=30, seed=0).fit(points, losses)
    more = generator.random((500, 3))
    low, median, high = model.predict(more, return_quantiles=True).T
    mean, spread = model.predict(more, return_std=True)
    assert (high < low).any()
    assert (spread == np.where(high < low, 0.0, (high - low) / 2)).all()
    assert (mean == median).all()
    assert (model.predict(more) == median).all()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("base_estimator", "SVM", "base_estimator='SVM': choose from GP, RF, ET, GBRT"),
        ("acq_func", "gp_hedge", "acq_func='gp_hedge': choose from EI, LCB, PI, EIps"),
        *((n, 0, f"{n} of at least 1, got 0") for n in ("n_startup_trials", "n_trees")),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(name, value, message):
    with pytest.raises(ConfigurationError, match=message):
        SkoptSampler(**{name: value})
