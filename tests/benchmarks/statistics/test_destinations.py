"""Where joules went: nothing is lost on the way, and nothing is counted twice."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.benchmarks.statistics.destinations import (
    ENDS,
    NOT_SPLIT,
    PHASES,
    components,
    destinations,
)
from perjoule.models.outcome import State

JOULES = st.none() | st.floats(0, 1e9)
TRIALS = st.lists(
    st.tuples(
        st.sampled_from([*map(str, State)]),
        st.sampled_from(["measured", "lower bound", None]),
        *[JOULES] * 5,
    ),
    max_size=12,
)
COLUMNS = ["state", "energy_kind", "energy_j", *(f"energy_{phase}_j" for phase in PHASES)]


def made(*rows):
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype(dict.fromkeys(COLUMNS[2:], float))


@settings(max_examples=40)
@given(TRIALS)
def test_the_parts_sum_to_the_total_and_every_known_trial_is_in_one(rows):
    trials = made(*rows)
    found = destinations(trials)
    assert found.total_j == pytest.approx(trials["energy_j"].sum())
    assert sum(found.parts_j.values()) == pytest.approx(found.total_j)
    assert all(joules >= 0 for joules in found.parts_j.values())
    known = trials["energy_j"].notna()
    assert found.unknown == (~known).sum()
    ended = sum(count for what, count in found.trials.items() if what in set(map(str, ENDS)))
    assert ended == (known & (trials["state"] != "complete")).sum()
    for what, joules in found.searched_j.items():
        if (trials["energy_search_j"].fillna(0) <= trials["energy_j"]).all():
            assert joules <= found.parts_j[what] * (1 + 1e-9)


def test_complete_trials_are_split_by_phase_and_all_others_stand_under_how_they_ended():
    found = destinations(
        made(
            ("complete", "measured", 10.0, 1.0, 2.0, 6.0, 1.0),
            ("pruned", "measured", 4.0, 1.0, 1.0, 1.0, 1.0),
            ("truncated", "measured", 3.0, *[None] * 4),
            ("failed", "measured", 2.0, *[None] * 4),
            ("failed", "measured", None, *[None] * 4),
            ("interrupted", "lower bound", 0.75, *[None] * 4),
            ("interrupted", "lower bound+modelled", 0.25, *[None] * 4),
            ("interrupted", "measured", 0.5, *[None] * 4),
        )
    )
    assert found.parts_j == {
        "search": 1.0,
        "setup": 2.0,
        "train": 6.0,
        "validate": 1.0,
        "pruned": 4.0,
        "truncated": 3.0,
        "failed": 2.0,
        "interrupted": 0.5,
        "lost": 1.0,
    }
    assert found.searched_j["pruned"] == 1.0
    assert (found.total_j, found.unknown) == (20.5, 1)


def test_what_phases_do_not_account_for_or_contradict_is_not_split():
    found = destinations(
        made(
            ("complete", "measured", 10.0, None, 1.0, 6.0, 1.0),
            ("complete", "measured", 5.0, 1.0, 1.0, 6.0, 1.0),
            ("complete", "measured", 1.0, 0.0, 0.0, 1.001, 0.0),
        )
    )
    assert found.parts_j == {"setup": 1.0, "train": 7.0, "validate": 1.0, NOT_SPLIT: 7.0}
    assert found.unmetered == {"search": 1}


def test_components_stand_apart_by_kind_and_the_meter_speaks_for_mixed_trials():
    trials = pd.DataFrame(
        {
            "energy_kind": ["measured+modelled", "measured", None, "lower bound"],
            "cpu_j": [1.0, np.nan, 4.0, 8.0],
            "gpu_j": [2.0, 3.0, np.nan, np.nan],
            "dram_j": np.nan,
            "node_j": [9.0, np.nan, np.nan, np.nan],
        }
    )
    found = components(trials, {"cpu": "modelled", "gpu": "measured"})
    assert {(each.component, each.kind): each.energy_j for each in found} == {
        ("cpu", "modelled"): 1.0,
        ("cpu", "not stated"): 4.0,
        ("cpu", "lower bound"): 8.0,
        ("gpu", "measured"): 5.0,
        ("node", "measured+modelled"): 9.0,
    }
