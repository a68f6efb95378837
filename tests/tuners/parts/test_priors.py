"""Published defaults as a prior, and how far it is followed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.models.outcome import CurvePoint, State
from perjoule.models.space import Space
from perjoule.tuners.parts.encoding import Encoding
from perjoule.tuners.parts.history import trials_of
from perjoule.tuners.parts.prior_shares import (
    UNIFORM,
    PriorShares,
    draw,
    mutation_density,
    mutations,
)
from perjoule.tuners.parts.priors import Prior
from perjoule.tuners.strategy import Told

RATE = {"low": 1e-5, "high": 1.0, "log": True}
SPACES = {
    "by optimiser": {
        "optimizer": ["sgd", "adam", "adamw", "rmsprop"],
        "learning_rate": RATE,
        "momentum": {"low": 0.1, "high": 0.99, "when": {"optimizer": "sgd"}},
        "beta2": {"low": 0.9, "high": 0.9999, "when": {"optimizer": ["adam", "adamw"]}},
        "weight_decay": {"low": 1e-6, "high": 0.1, "log": True},
        "width": {"low": 8, "high": 64},
    },
    "of numbers": {"lr": [0.001, 0.01, 0.1, 0.5], "momentum": {"low": 0.0, "high": 1.0}},
    "linear": {"optimizer": "adam", "lr": {"low": 0.0, "high": 0.1}, "epsilon": RATE},
    "of one": {"optimizer": ["sgd"], "lr": RATE, "layers": {"low": 1, "high": 5}},
}
in_space = pytest.mark.parametrize("name", SPACES)
quick = settings(max_examples=30, deadline=None)


def prior_of(name):
    return Prior.of(Space.parse({**SPACES[name], "epochs": 4}))


def median_of(prior, name, count=4000, **held):
    uniform = np.random.default_rng(0).random((count, prior.encoding.n_dimensions))
    drawn = prior.sample(uniform)
    drawn = [each for each in drawn if all(each[key] == value for key, value in held.items())]
    return float(np.median([each[name] for each in drawn]))


def test_defaults_are_those_of_the_chosen_optimiser():
    prior = prior_of("by optimiser")
    rates = {
        choice: median_of(prior, "learning_rate", optimizer=choice)
        for choice in SPACES["by optimiser"]["optimizer"]
    }
    assert rates["sgd"] == pytest.approx(10**-1.5, rel=0.1)
    assert rates["adam"] == pytest.approx(1e-3, rel=0.1) == rates["adamw"]
    assert rates["rmsprop"] == pytest.approx(10**-2.5, rel=0.3)  # nothing is claimed
    assert median_of(prior, "momentum", optimizer="sgd") == pytest.approx(0.885, abs=0.02)
    assert median_of(prior, "weight_decay", optimizer="adamw") == pytest.approx(1e-2, rel=0.15)
    assert median_of(prior, "width") == pytest.approx(36, abs=3)
    # Half a decade of deviation.
    uniform = np.random.default_rng(1).random((4000, prior.encoding.n_dimensions))
    adam = [p for p in prior.sample(uniform) if p["optimizer"] == "adam"]
    decades = np.log10([p["learning_rate"] for p in adam])
    assert decades.std() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("space", "claimed"),
    [
        ({"lr": RATE, "momentum": {"low": 0.1, "high": 0.99}}, {"lr": 10**-1.5, "momentum": 0.9}),
        ({"lr": RATE, "momentum": 0.9}, {"lr": 10**-1.5}),
        ({"lr": RATE, "beta1": {"low": 0.5, "high": 0.99}}, {"lr": 1e-3, "beta1": 0.9}),
        ({"lr": RATE, "optimizer": "AdamW", "wd": RATE}, {"lr": 1e-3, "wd": 1e-2}),
        ({"lr": RATE, "optimizer": ["Adam"]}, {"lr": 1e-3}),
        ({"lr": RATE, "batch_size": {"low": 16, "high": 512}}, {}),
        ({"lr": RATE, "optimizer": "rmsprop", "momentum": 0.5}, {}),
        ({"lr": {"low": 0.1, "high": 1.0}, "optimizer": "adam"}, {}),  # leaves the default out
        ({"lr": ["small", "large"], "optimizer": "adam"}, {}),
        ({"lr": 0.1, "width": [8, 16], "optimizer": "sgd"}, {}),
    ],
)
def test_only_what_is_published_of_a_known_optimiser_is_claimed(space, claimed):
    prior = Prior.of(Space.parse({**space, "epochs": 4}))
    [own] = prior.claims.values()
    assert {name: default.value for name, default in own.items()} == pytest.approx(claimed)
    assert prior.claims_nothing == (not claimed)
    assert len(prior.describe()) == len(claimed)
    points = np.random.default_rng(0).random((5, prior.encoding.n_dimensions))
    if not claimed:
        assert (prior.points(points) == points).all()
        assert (prior.density(points) == 1).all()


@in_space
@quick
@given(seed=st.integers(0, 1000))
def test_points_are_candidates_and_rise_with_the_uniform_ones(name, seed):
    prior = prior_of(name)
    uniform = np.random.default_rng(seed).random((16, prior.encoding.n_dimensions))
    points = prior.points(uniform)
    assert ((points >= 0) & (points <= 1)).all()
    for params in prior.sample(uniform):
        assert prior.encoding.space.complete(params) == params
    last = uniform.copy()
    last[:, -1] = np.minimum(last[:, -1] + 0.05, 1.0)
    assert (prior.points(last)[:, -1] >= points[:, -1] - 1e-9).all()
    assert (prior.points(np.array([[0.0], [1.0]]) * np.ones(uniform.shape[1])) >= 0).all()
    assert np.isfinite(prior.density(np.vstack([points, uniform]))).all()


@pytest.mark.parametrize(
    "entries",
    [
        {"lr": RATE},
        {"lr": {"low": 0.0, "high": 0.1}},
        {"lr": [0.001, 0.01, 0.1, 0.5]},
        {"momentum": {"low": 0.0, "high": 1.0}},
        {"momentum": {"low": 0.1, "high": 0.95, "log": True}},
        {"width": {"low": 8, "high": 64}},
    ],
)
def test_the_density_is_that_of_the_points(entries):
    prior = Prior.of(Space.parse({**entries, "optimizer": "sgd", "epochs": 1}))
    grid = ((np.arange(20_000) + 0.5) / 20_000)[:, None]
    density, places = prior.density(grid), prior.points(grid)[:, 0]
    assert density.mean() == pytest.approx(1.0, rel=0.02)
    for end in (0.1, 0.3, 0.5, 0.7, 0.9):
        below = density[grid[:, 0] < end].sum() / len(grid)
        assert below == pytest.approx((places < end).mean(), abs=0.01)


def test_densities_are_multiplied_where_they_count():
    prior = prior_of("by optimiser")
    encoding = prior.encoding
    params = {"learning_rate": 0.01, "weight_decay": 1e-3, "width": 9, "epochs": 4}
    sgd = encoding.unit({**params, "optimizer": "sgd", "momentum": 0.9, "beta2": None})
    adam = encoding.unit({**params, "optimizer": "adam", "momentum": None, "beta2": 0.99})

    def alone(point, optimizer, *names):
        found = 1.0
        for name in names:
            entries = {name: SPACES["by optimiser"][name], "optimizer": optimizer, "epochs": 1}
            entries[name] = {k: v for k, v in entries[name].items() if k != "when"}
            place = point[list(encoding.axes).index(name)]
            found *= Prior.of(Space.parse(entries)).density(np.array([[place]]))[0]
        return found

    both = prior.density(np.array([sgd, adam]))
    assert both[0] == pytest.approx(alone(sgd, "sgd", "learning_rate", "momentum", "weight_decay"))
    assert both[1] == pytest.approx(alone(adam, "adam", "learning_rate", "beta2"))


def trials(prior, points, scores, epochs=4, state=State.COMPLETE):
    """Trials at points of the unit cube, each with the score of one epoch."""
    told = [
        Told(
            prior.encoding.decode(point),
            state,
            score,
            1.0,
            trial=number,
            epochs=epochs,
            curve=(CurvePoint(epochs, 1.0, score, 0.0),),
        )
        for number, (point, score) in enumerate(zip(points, scores, strict=True))
    ]
    return list(trials_of(told).values())


@in_space
@quick
@given(data=st.data(), count=st.integers(0, 12))
def test_a_third_is_uniform_whatever_was_told(name, data, count):
    prior = prior_of(name)
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    points = rng.random((count, prior.encoding.n_dimensions))
    scores = [data.draw(st.floats(0, 1)) for _ in range(count)]
    known = trials(prior, points, scores)
    shares = PriorShares.after(prior, known)
    assert sum(shares) == pytest.approx(1.0)
    assert shares.uniform == UNIFORM
    assert min(shares) >= 0
    assert (shares.incumbent > 0) == (count >= 3)
    assert PriorShares.after(prior, known[::-1]) == shares
    drawn = draw(prior, known, 3, 20)
    assert ((drawn >= 0) & (drawn <= 1)).all()
    assert drawn.shape == (20, prior.encoding.n_dimensions)
    assert (drawn == draw(prior, known, 3, 20)).all()


def test_the_share_of_the_prior_falls_when_others_win():
    prior = prior_of("of one")
    encoding = prior.encoding
    rates = (10**-1.6, 10**-1.4, 10**-1.5, 1e-4, 2e-4, 0.9)
    points = [encoding.unit({"optimizer": "sgd", "lr": r, "layers": 3}) for r in rates]
    of_prior = PriorShares.after(prior, trials(prior, points, [0.9, 0.8, 0.7, 0.1, 0.1, 0.1]))
    of_others = PriorShares.after(prior, trials(prior, points, [0.1, 0.1, 0.1, 0.8, 0.9, 0.7]))
    assert of_others.prior < 0.05
    assert of_prior.prior > 0.25
    failed = trials(prior, points, [0.9] * 6, state=State.FAILED)
    assert PriorShares.after(prior, failed) == PriorShares.after(prior, [])
    # The latest epoch that three trials have reached tells.
    early = trials(prior, points, [0.1, 0.1, 0.1, 0.8, 0.9, 0.7], epochs=1)
    for trial, score in zip(early[:3], (0.9, 0.8, 0.7), strict=True):
        trial.scores[4] = score
    assert PriorShares.after(prior, early).prior > 0.25


@in_space
def test_mutations_are_near_and_their_density_is_theirs(name):
    encoding = prior_of(name).encoding
    rng = np.random.default_rng(0)
    around = encoding.unit(encoding.decode(rng.random(encoding.n_dimensions)))
    uniform = rng.random((20_000, len(around)))
    changed = rng.random(uniform.shape) < 0.5
    moved = mutations(encoding, around, uniform, changed)
    assert (moved[~changed] == np.broadcast_to(around, moved.shape)[~changed]).all()
    for point in moved[:20]:
        encoding.decode(point)
    assert mutation_density(encoding, around, uniform).mean() == pytest.approx(1.0, abs=0.1)


def test_the_default_space_of_networks_has_a_prior():
    from perjoule.models.networks.registry import default_space

    prior = Prior.of(Space.parse(default_space("cnn", "digits")))
    assert isinstance(prior.encoding, Encoding)
    assert "learning_rate" in {name for own in prior.claims.values() for name in own}
