"""YAML of anybody's, as plain values, and back; `plain` does it for JSON, without this library.

Nothing in it runs, a small text stays small, and no level of it is too deep for who reads on.
"""

from __future__ import annotations

from typing import Any

import yaml

from ..plain import DEEPEST

MOST_REPEATED = 10_000
"""Values that aliases (``*name``) may repeat: a few lines of them could name billions."""
MOST_VALUES = 20_000
"""Values in a text of YAML, which is read slowly."""


def read_yaml(text: str) -> Any:
    """Read one YAML document.

    >>> read_yaml("{low: 1, when: {optimizer: sgd}}")
    {'low': 1, 'when': {'optimizer': 'sgd'}}

    Raises:
        ValueError: It is no YAML, names a key twice, or is too deep or too large once its aliases
            are written out; the message names the line, where it is known.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "not YAML"
        line = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{line}broken YAML: {problem}") from error
    except Exception as error:  # of a date, number or tag that cannot be
        raise ValueError(f"broken YAML: {error}") from error


def write_yaml(data: Any, **how: Any) -> str:
    r"""Plain values as YAML that reads back as they are, in their order.

    >>> read_yaml(write_yaml({"a\x85b": None}))
    {'a\x85b': None}

    Args:
        data: The values.
        **how: As ``yaml.dump`` takes it.
    """
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, **how)


class _Dumper(yaml.SafeDumper):
    """Quotes texts with line breaks of Unicode, which PyYAML would fold into spaces."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = '"' if _BREAKS.intersection(data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)
_BREAKS = frozenset("\x85\u2028\u2029")


class _Loader(yaml.SafeLoader):
    """Counts what it reads, each alias as all that it repeats."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._values = 0
        self._repeated = 0
        self._facts: dict[int, tuple[int, int]] = {}  # values and levels of each node, by its id

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        mark, is_alias = self.peek_event().start_mark, self.check_event(yaml.AliasEvent)
        self._depth += 1
        self._values += 1
        if self._values > MOST_VALUES:
            raise _refusal(f"more than {MOST_VALUES:,} values", mark)
        if self._depth > DEEPEST:
            raise _refusal(f"more than {DEEPEST} levels in each other", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if is_alias:
            if id(node) not in self._facts:
                raise _refusal("an alias of what it is in", mark)
            self._repeated += self._facts[id(node)][0]
            if self._repeated > MOST_REPEATED:
                raise _refusal(f"aliases repeat more than {MOST_REPEATED:,} values", mark)
            return node
        children = _children(node)
        sizes, levels = zip((0, 0), *(self._facts[id(each)] for each in children), strict=True)
        self._facts[id(node)] = 1 + sum(sizes), 1 + max(levels)
        if 1 + max(levels) > DEEPEST:
            raise _refusal(f"more than {DEEPEST} levels in each other", mark)
        if isinstance(node, yaml.MappingNode):
            _refuse_repeated_keys(node)
        return node


def _children(node: yaml.Node | None) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _refuse_repeated_keys(node: yaml.MappingNode) -> None:
    keys = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if (key.tag, key.value) in keys:
                raise _refusal(f"{key.value!r} is there twice", key.start_mark)
            keys.add((key.tag, key.value))


def _refusal(problem: str, mark: yaml.Mark) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
