"""Cells of a design as candidates: a cell is one choice of the search space, written as JSON.

>>> write_cell({"linear": 3, "relu": True})
'{"linear": 3, "relu": true}'
>>> label_of({"linear": 3, "relu": True})
'linear 3, relu on'
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import wraps
from itertools import product
from typing import TYPE_CHECKING, Any

from .design import Factors

if TYPE_CHECKING:
    from ...models.trial import Trial

CELL = "cell"
"""The hyperparameter that holds a cell."""


def factorial(**levels: Iterable[Any]) -> tuple[dict[str, Any], ...]:
    """All combinations of the levels of some factors.

    >>> factorial(conv=(1, 4), relu=(False,))
    ({'conv': 1, 'relu': False}, {'conv': 4, 'relu': False})
    """
    return tuple(dict(zip(levels, each, strict=True)) for each in product(*levels.values()))


def write_cell(factors: Factors) -> str:
    """A cell as the text of a choice."""
    return json.dumps(dict(factors))


def read_cell(text: str) -> dict[str, Any]:
    """The factors of a cell."""
    return json.loads(text)


def label_of(factors: Factors) -> str:
    """What a cell is called in tables; a factor that is None is left out."""
    return ", ".join(
        f"{name} {'on' if each is True else 'off' if each is False else each}"
        for name, each in factors.items()
        if each is not None
    )


def of_cells(function: Callable[[Trial], Any]) -> Callable[[Trial], Any]:
    """Let a training function see the factors of its trial's cell as ``trial.params``."""

    @wraps(function)
    def train(trial: Trial) -> Any:
        trial.params = read_cell(trial.params[CELL])
        return function(trial)

    return train
