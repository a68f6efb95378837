"""What earlier searches say of candidates."""

import numpy as np
import pytest

from perjoule.models.space import Space
from perjoule.tuners.parts.encoding import Encoding
from perjoule.tuners.parts.transfer import LEAST_CANDIDATES, Transfer
from perjoule.tuners.strategy import Earlier

SPACE = Space.parse({"x": {"low": 0.0, "high": 1.0}, "kind": ["a", "b"], "epochs": 8})
ENCODING = Encoding(SPACE)


def quality(params):
    return 1 - abs(params["x"] - 0.7) - 0.3 * (params["kind"] == "b")


def table(count, seed=0, sign=1.0, epochs=8):
    """An earlier search of random candidates."""
    random, found = np.random.default_rng(seed), []
    for _ in range(count):
        params = {"x": float(random.random()), "kind": str(random.choice(["a", "b"])), "epochs": 8}
        scores = {epoch: sign * quality(params) * epoch / 8 for epoch in range(1, epochs + 1)}
        found.append(Earlier(params, scores, {}))
    return tuple(found)


def expected(transfer, *candidates):
    features = [ENCODING.features({"x": x, "kind": kind, "epochs": 8}) for x, kind in candidates]
    return transfer.expected(np.array(features))


def test_expected_ranks_find_the_region_that_was_good():
    transfer = Transfer(ENCODING, [table(80), table(80, seed=1)])
    places = [(x / 20, kind) for x in range(21) for kind in "ab"]
    ranks = expected(transfer, *places)
    x, kind = places[int(ranks.argmax())]
    assert x == pytest.approx(0.7, abs=0.1)
    assert kind == "a"
    assert ((ranks > 0) & (ranks < 1)).all()
    assert np.corrcoef(ranks, [quality({"x": x, "kind": kind}) for x, kind in places])[0, 1] > 0.9


def test_ranks_do_not_depend_on_the_unit_of_a_table_and_tables_count_alike():
    plain = expected(Transfer(ENCODING, [table(40)]), (0.2, "a"), (0.7, "a"))
    scaled = tuple(
        Earlier(t.params, {e: 100 * s - 7 for e, s in t.scores.items()}, {}) for t in table(40)
    )
    assert (expected(Transfer(ENCODING, [scaled]), (0.2, "a"), (0.7, "a")) == plain).all()
    opposite = expected(Transfer(ENCODING, [table(40, sign=-1)]), (0.2, "a"), (0.7, "a"))
    both = Transfer(ENCODING, [table(40), table(40, sign=-1)])
    assert expected(both, (0.2, "a"), (0.7, "a")) == pytest.approx((plain + opposite) / 2)


def test_tables_of_too_few_that_were_trained_to_the_end_are_ignored():
    few = table(LEAST_CANDIDATES - 1)
    assert Transfer(ENCODING, []).knows_nothing
    assert Transfer(ENCODING, [few, ()]).knows_nothing
    # Those that stopped early count for nothing: how they would have ended is not known.
    assert Transfer(ENCODING, [few + table(30, seed=1, epochs=2)]).knows_nothing
    unscored = tuple(Earlier(t.params, {}, {}) for t in table(30))
    assert Transfer(ENCODING, [unscored]).knows_nothing
    enough = Transfer(ENCODING, [few, table(LEAST_CANDIDATES)])
    assert not enough.knows_nothing
    assert expected(enough, (0.7, "a")) == expected(
        Transfer(ENCODING, [table(LEAST_CANDIDATES)]), (0.7, "a")
    )
