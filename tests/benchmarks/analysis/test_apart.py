"""Who cannot be told apart: largest sets, and the words for them."""

from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.analysis.apart import alike, apart_sentence, told_apart
from perjoule.benchmarks.analysis.facts import Evidence, Finding, MeansTest, PairTest, RankTest

NAMES = "abcdef"
FINDING = Finding("a", (), False, None, (), None, "", "")


def evidence(pairs, conclusive=True):
    return Evidence(
        RankTest(1.0, 0.01, 0.5, 3, 15),
        tuple(pairs),
        None,
        MeansTest(None, None, None, None, {}, None, ""),
        conclusive,
        False,
        "Too few runs.",
    )


def pair(a, b, p, shown=True):
    return PairTest(a, b, p, p, shown, 1.0)


@given(st.sets(st.sampled_from([*combinations(NAMES, 2)])))
def test_sets_are_the_largest_of_which_no_two_are_apart(split):
    apart = {frozenset(each) for each in split}
    found = alike([pair(a, b, 1.0) for a, b in combinations(NAMES, 2)], apart)

    def is_alike(names):
        return not any(frozenset(two) in apart for two in combinations(names, 2))

    expected = [
        names
        for size in range(2, len(NAMES) + 1)
        for names in combinations(NAMES, size)
        if is_alike(names)
        and not any(is_alike({*names, other}) for other in NAMES if other not in names)
    ]
    assert sorted(found) == sorted(expected)


def test_the_verdict_and_the_test_over_all_pairs_tell_apart():
    pairs = [pair("a", "b", 0.2), pair("a", "c", 0.04), pair("b", "c", 0.03)]
    beaten = Finding("a", (), True, "each", ("b", "c"), None, "", "")
    every = {frozenset("ab"), frozenset("ac"), frozenset("bc")}
    assert told_apart(beaten, evidence(pairs)) == every
    assert told_apart(FINDING, evidence(pairs)) == every - {frozenset("ab")}
    assert not told_apart(beaten, evidence(pairs, conclusive=False))
    overlapping = [pair("a", "b", 0.01, shown=False), pair("a", "c", 0.01)]
    assert told_apart(FINDING, evidence(overlapping)) == {frozenset("ac")}


def test_sets_are_said_in_words():
    pairs = [pair(*two, 1.0) for two in combinations("abc", 2)]

    def said(*apart, finding=FINDING, **more):
        split = {frozenset(each) for each in apart}
        return apart_sentence(finding, evidence(pairs, **more), split, "abc")

    assert said() == "No two strategies can be told apart."
    assert said("ab", "ac") == "b and c cannot be told apart."
    assert "a and b; b and c." in said("ac")
    assert said("ab", "ac", "bc") == "Every strategy is told apart from every other."
    together = replace(FINDING, supported=True, over="together")
    assert said(finding=together).startswith("a is ahead of all others together, not of each. No ")
    assert said(conclusive=False) == ""
