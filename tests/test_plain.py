"""YAML of anybody's."""

import pytest

from perjoule.files.yaml_text import read_yaml
from perjoule.plain import DEEPEST

BOMB = "k0: &n0 [x, x, x]\n" + "".join(
    f"k{i}: &n{i} [*n{i - 1}, *n{i - 1}, *n{i - 1}]\n" for i in range(1, 9)
)


def test_aliases_and_merges_are_read():
    text = "base: &base {low: 1, high: 2}\nother: {<<: *base, high: 3}\nsame: *base\n"
    base = {"low": 1, "high": 2}
    assert read_yaml(text) == {"base": base, "other": {"low": 1, "high": 3}, "same": base}
    assert read_yaml("") is None


def test_levels_count_through_aliases():
    def nested(levels):
        return "x: &n0 1\n" + "".join(f"k{i}: &n{i} [*n{i - 1}]\n" for i in range(1, levels))

    assert read_yaml(nested(DEEPEST - 1))
    with pytest.raises(ValueError, match="levels in each other"):
        read_yaml(nested(DEEPEST + 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, r"line 8: .*aliases repeat more than 10,000 values"),
        ("a: &a [*a]", "line 1: .*an alias of what it is in"),
        ("a: 1\nb: 2\na: 3\n", "line 3: .*'a' is there twice"),
        ("[" * 99_999, "line 1: .*levels"),
        ("a: 2024-13-45", "month"),
        (f"a: {'9' * 5000}", "digits"),
        ("a: !!python/object/apply:os.system [true]", "line 1: .*could not determine"),
        ("a: [1\nb: 2", "line 2: broken YAML"),
    ],
)
def test_what_cannot_be_read_is_a_value_error(text, message):
    with pytest.raises(ValueError, match=message):
        read_yaml(text)
