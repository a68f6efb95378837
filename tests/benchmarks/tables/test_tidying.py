"""Any tidy table as a trial table: names, mappings, runs."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule import load_table
from perjoule.benchmarks.tables.contract import COLUMNS, PANDAS_TYPES, TRIAL_COLUMNS

from ..samples import quick
from .made import frame, refusal


def read(table, **options):
    return load_table(table, **options).trials


def test_every_column_of_the_contract_is_there_with_its_type():
    table = read(frame(lr=[0.1, 0.2], dataset=["x", "y"]), by="dataset")
    assert list(table) == [*TRIAL_COLUMNS, "g.dataset", "p.lr"]
    for column in COLUMNS:
        expected = PANDAS_TYPES[column.type]
        assert table[column.name].dtype == expected
    assert table["energy_train_j"].isna().all()
    assert list(table["state"]) == ["complete", "complete"]


@pytest.mark.parametrize(
    ("word", "state"),
    [("finished", "complete"), ("CRASHED", "failed"), ("killed", "interrupted")],
)
def test_states_are_known_in_the_words_of_other_trackers(word, state):
    assert list(read(frame(state=[word, "complete"])).state) == [state, "complete"]


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("score", 97, "above 1: is it in percent? Then --map score=score/100"),
        ("score", -0.1, "below zero"),
        ("energy_j", -1, "below zero"),
        ("trial", -1, "below zero"),
        ("epochs", 2.5, "no whole number"),
        ("strategy", "", "empty: every trial has a strategy"),
        ("state", "done", "unknown: write one of complete, paused, pruned"),
        ("energy_kind", "guessed", "unknown: write one of measured, integrated"),
        ("energy_j", "3 kJ", "no number: leave out the unit"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_row_and_column(column, value, words):
    columns = {"state": ["complete"] * 3, "energy_kind": ["measured"] * 3, "epochs": [1, 1, 1]}
    table = frame(3, **columns, trial=[0, 1, 2]).astype(object)
    table.loc[1, column] = value
    message = refusal(table)
    assert message.startswith(f"data frame, row 2, column {column}: ")
    assert words in message


@pytest.mark.parametrize(
    ("column", "said", "read_as"),
    [
        ("state", "COMPLETE", "complete"),  # as Optuna writes them
        ("state", "fail", "failed"),
        ("state", " Running", "interrupted"),
        ("energy_kind", "Measured + modelled", "measured+modelled"),
    ],
)
def test_states_and_kinds_may_be_written_otherwise(column, said, read_as):
    assert list(read(frame(**{column: [said, said]}))[column]) == [read_as, read_as]


@pytest.mark.parametrize("name", ["seed", "trial", "state", "run"])
def test_what_tells_trials_apart_is_there_for_all_or_for_none(name):
    some = {"state": "complete", "run": "r"}.get(name, 0)
    message = refusal(frame(**{name: [some, None]}))
    assert f"row 2, column {name}: empty, though others have one" in message
    assert len(read(frame(**{name: [None, None]}))) == 2


def test_names_of_columns_lose_the_spaces_around_them_and_line_ends():
    table = read(frame(**{" strategy": ["b", "b"], "strategy": None, "a\n b ": [1, 2]}))
    assert list(table["strategy"]) == ["b", "b"]
    assert "p.a b" in table


@pytest.mark.parametrize("twice", [["x", "x"], ["x", " x"], ["score", "score"]])
def test_two_columns_of_one_name_are_refused(twice):
    names = ["strategy", "energy_j", "acc", *twice]
    message = refusal(pd.DataFrame([["a", 1.0, 0.5, 1, 2]], columns=names))
    assert f"2 columns are called '{twice[0]}'" in message


@pytest.mark.parametrize("numbers", [[0, 1], [1, 2], ["", ""], [None, None]])
@pytest.mark.parametrize("name", ["", "Unnamed: 0"])
def test_a_column_without_a_name_that_only_counts_the_rows_is_left_out(name, numbers):
    assert list(read(frame(**{name: numbers}))) == list(TRIAL_COLUMNS)


def test_an_index_with_a_name_is_a_column_and_one_without_says_nothing():
    made = frame(seed=[3, 4], lr=[1, 2])
    indices = (made.set_index("seed"), made.set_index(["strategy", "seed"]))
    for table in (*indices, made.set_index("lr", append=True), made.set_index(pd.Index([5, 5]))):
        pd.testing.assert_frame_equal(read(table), read(made))


def test_a_hyperparameter_may_be_called_as_a_column_of_the_contract():
    table = read(frame(**{"p.accuracy": [3, 4], "g.seed": ["x", "y"]}))
    assert list(table["p.accuracy"]) == [3, 4]
    assert list(table["score"]) == [0.5, 0.5]
    assert list(table["g.seed"]) == ["x", "y"]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"": ["x", "y"]}, "column 4 has no name"),
        ({"lr": 1, "p.lr": 2}, "lr and p.lr are the same hyperparameter"),
        ({"p.": 1}, "column p. has no name behind the point"),
        ({"g.": 1}, "column g. has no name behind the point"),
    ],
)
def test_names_that_cannot_be_are_refused(columns, words):
    assert words in refusal(frame(**columns))


@pytest.mark.parametrize("name", ["Seed", "SEED", "seeds"])
def test_a_column_that_is_spelt_otherwise_is_asked_about_since_runs_would_be_mixed(name):
    message = refusal(frame(**{name: [1, 2]}))
    assert f"column {name}: did you mean seed? Then --map seed={name}, or p.seed" in message
    assert list(read(frame(**{name: [1, 2]}), mapping=f"seed={name}")["seed"]) == [1, 2]
    assert list(read(frame(**{name: [1, 2]}), mapping=f"p.seed={name}")["p.seed"]) == [1, 2]


def test_all_columns_that_are_spelt_otherwise_are_mapped_at_once():
    table = frame().rename(columns=str.upper)
    message = refusal(table)
    option = "strategy=STRATEGY,energy_j=ENERGY_J,score=SCORE"
    assert f"--map {option}" in message
    assert len(read(table, mapping=option)) == 2


@pytest.mark.parametrize(
    ("missing", "names", "option"),
    [
        ("energy_j", ["joules"], "energy_j=joules"),
        ("energy_j", ["energy_kwh"], "'energy_j=energy_kwh*3.6e6'"),
        ("energy_j", ["Energy used (kWh)"], "'energy_j=Energy used (kWh)*3.6e6'"),
        ("energy_j", ["energy (MJ)"], "'energy_j=energy (MJ)*1e6'"),
        ("energy_j", ["gpu energy [mJ]"], "'energy_j=gpu energy [mJ]/1e3'"),
        ("energy_j", ["energy, Wh"], "'energy_j=\"energy, Wh\"*3600'"),
        ("energy_j", ["energy_kJ"], "'energy_j=energy_kJ*1e3'"),
        ("energy_j", ["energy_uj"], "energy_j=energy_uj/1e6"),
        (
            "energy_j",
            ["energy_mj"],
            "'energy_j=energy_mj*FACTOR' with the joules of its unit for FACTOR",
        ),
        ("energy_j", ["energy_consumed"], "'energy_j=energy_consumed*FACTOR' with the joules"),
        ("energy_j", ["power"], "energy_j=NAME"),
        ("energy_j", ["cpu_kwh", "train_wh", "total_kwh"], "'energy_j=total_kwh*3.6e6'"),
        ("score", ["acc"], "score=acc"),
        ("score", ["test_acc", "train_acc", "val_acc"], "score=val_acc"),
        ("score", ["train_acc", "test_acc"], "score=test_acc"),
        ("score", ["accuracy (%)"], "'score=accuracy (%)/100'"),
        ("score", ["val_acc_percent"], "score=val_acc_percent/100"),
        ("score", ["top1"], "score=top1"),
        ("score", ["f1"], "score=f1 --metric f1"),
        ("score", ["val loss", "train loss"], "'score=val loss' --metric loss"),
        ("score", ["reward"], "score=NAME"),
    ],
)
def test_the_likeliest_column_is_suggested(missing, names, option):
    table = frame(**{missing: None}, **dict.fromkeys(names, 0.5))
    message = refusal(table)
    assert message.startswith(f"data frame: no column {missing} among ")
    assert f"--map {option}" in message


def test_the_strategy_by_another_name_is_suggested_with_all_that_is_missing():
    table = pd.DataFrame({"Sampler": ["tpe"], "kWh": [1.0], "acc": [0.5]})
    message = refusal(table)
    assert "no column strategy and no column energy_j and no column score" in message
    assert "--map strategy=Sampler,'energy_j=kWh*3.6e6',score=acc" in message
    mapped = read(table, mapping="strategy=Sampler,energy_j=kWh*3.6e6,accuracy=acc")
    assert list(mapped["energy_j"]) == [3.6e6]


def test_of_many_columns_only_the_first_are_listed():
    message = refusal(pd.DataFrame([range(300)]).rename(columns=lambda n: f"{n:0>100}"))
    assert " and 290 more: say" in message


@pytest.mark.parametrize(
    ("mapping", "joules"),
    [
        ("energy_j=e", 2.0),
        ("energy_j = e * 3.6e6", 7.2e6),
        ("energy_j=e*3.6*1e6", 7.2e6),
        ("energy_j=e/4", 0.5),
        ("energy_j=e*.5", 1.0),
        ("energy_j=e*3/4*2", 3.0),
        ('"energy_j=e"', 2.0),
    ],
)
def test_a_column_is_renamed_and_converted(mapping, joules):
    table = read(frame(energy_j=None, e=["2", "2"]), mapping=mapping)
    assert list(table["energy_j"]) == [joules, joules]
    assert "p.e" not in table


@given(st.floats(1e-9, 100))
@quick
def test_percent_become_what_python_divides(percent):
    table = read(frame(1, score=[repr(percent)]), mapping="accuracy=accuracy/100")
    assert table["score"][0] == percent / 100


def test_a_name_may_hold_what_means_something_else():
    table = frame(**{"e*2": [1, 2], "e=kwh": [1, 2], "energy, kWh": [1, 2]})
    for name, factor in (("e*2", 1), ("e=kwh", 1), ("e=kwh*3", 3), ('"energy, kWh"*4', 4)):
        made = read(table, mapping=f"energy_j={name}")
        assert list(made["energy_j"]) == [factor, 2 * factor]


@pytest.mark.parametrize(
    ("mapping", "made"),
    [
        ("energy_j=x,energy_train_j=x", {"energy_j": [0.1, 0.2], "energy_train_j": [0.1, 0.2]}),
        ("accuracy=x,x=accuracy", {"score": [0.1, 0.2], "p.x": [0.5, 0.5]}),
        ("bar=x*2", {"p.bar": [0.2, 0.4]}),  # no column of the contract: a hyperparameter
        ("seed=n", {"seed": [2**53 + 1, 2**53 + 2]}),  # only renamed: every digit is kept
    ],
)
def test_columns_may_be_used_twice_and_change_places(mapping, made):
    table = read(frame(x=[0.1, 0.2], n=[2**53 + 1, 2**53 + 2]), mapping=mapping)
    assert {name: list(table[name]) for name in made} == made


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("energy_j", "write COLUMN=NAME"),
        ("=x", "write COLUMN=NAME"),
        ("energy_j=x*0", "0 is no factor: give a number above 0"),
        ("energy_j=x*1e400", "1e400 is no factor"),
        ("energy_j=x*1e-400", "1e-400 is no factor"),
        ("energy_j=x/0", "0 is no factor"),
        ("energy_j=x*-1", "a name or a number is missing before -; write names and numbers above"),
        ("energy_j=x*nan", "no column nan among strategy"),
        ("energy_j=x*٣", "no column ٣ among strategy"),
        ("energy_j=x*1e308*1e308", "row 1, column x: 2 is infinite once it is converted"),
        ("energy_j=x/1e308/1e308", "row 1, column x: 2 is zero once it is converted"),
        ("energy_j=y", "no column y among strategy, energy_j, score, x, t"),
        ("energy_j=t*2", "row 1, column t: 'u' is no number"),
        ("energy_j=x,energy_j=t", "--map names energy_j twice"),
        ("enery_j=x", "did you mean energy_j?"),
        ('energy_j="x', "a quote is opened and never closed"),
        (
            "accuracy=x/1",
            "row 1, column x/1: 2.0 is above 1: is it in percent? Then --map score=x/1/100",
        ),
        ("energy_j=x\ny*3", "no column x y"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(mapping, words):
    assert words in refusal(frame(x=[2, 2], t=["u", "v"]), mapping=mapping)


def test_groups_have_runs_of_their_own_with_names_of_their_own():
    table = read(frame(3, d=["x", "y", None], lr=[1, 2, 3]), by="d")
    assert list(table["run"]) == ["x:a-0", "y:a-0", ":a-0"]
    assert list(table["trial"]) == [0, 0, 0]
    assert list(table["g.d"]) == ["x", "y", None]
    short = read(frame(d=["x", "y"], seed=[0, 1]), by="d")  # groups that share no name
    assert list(short["run"]) == ["a-0", "a-1"]


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("datset", "--by datset: no such column: dataset may group it"),
        ("strategy", "--by strategy: a column of every trial table cannot group it"),
        ("seed", "--by seed: no such column"),
    ],
)
def test_a_group_that_cannot_be_is_refused(by, words):
    assert words in refusal(frame(dataset=[1, 2]), by=by)


def test_without_a_column_run_a_run_is_a_strategy_with_a_seed_in_the_order_of_trials():
    seeds, trials = ["1.0", "1", "1", "2"], [1, 0, 0, 0]
    table = read(frame(4, strategy=list("abab"), seed=seeds, trial=trials, lr=range(4)))
    runs = {run: list(own["p.lr"]) for run, own in table.groupby("run")}
    assert runs == {"a-1": [2, 0], "b-1": [1], "b-2": [3]}


def test_with_a_column_run_rows_are_in_order_of_completion():
    table = read(frame(3, run=["r", "q", "r"], trial=[5, 0, 2]))
    assert list(table["trial"]) == [5, 0, 2]
    assert list(table["seed"]) == [0, 1, 0]  # the place of the run among those of its strategy


def test_the_order_of_rows_is_that_of_trials_where_none_is_stated():
    table = read(frame(4, strategy=list("abab")))
    assert list(table["trial"]) == [0, 0, 1, 1]


@pytest.mark.parametrize("column", ["strategy", "seed", "d"])
def test_a_run_of_two_kinds_is_refused(column):
    columns = {"d": ["x", "x"], "seed": [1, 1], **{column: ["1", "2"]}}
    message = refusal(frame(run=["r", "r"], **columns), by="d")
    assert "row 2, column " in message
    assert "another than the rows of run r above: give every run its own name" in message


def test_a_column_run_that_counts_repetitions_is_mapped_to_the_seed():
    table = frame(4, strategy=list("aabb"), run=[0, 1, 0, 1])
    assert "--map seed=run if it counts repetitions" in refusal(table)
    assert list(read(table, mapping="seed=run")["run"]) == ["a-0", "a-1", "b-0", "b-1"]


def test_a_trial_twice_is_refused_with_both_rows():
    message = refusal(frame(3, trial=[0, 1, 0]))
    assert "rows 1 and 3: both are trial 0 of run 'a-0'" in message


def test_runs_that_would_have_one_name_are_refused_rather_than_mixed():
    message = refusal(frame(strategy=["a-", "a"], seed=[1, -1]))
    assert "rows 1 and 2: two runs would be called a--1" in message
