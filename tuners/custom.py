"""A user's own strategies, by a text: ``module:attribute`` or ``module:Class(arguments)``.

    optuna.samplers:TPESampler(multivariate=False, n_startup_trials=3)
    mine:MyStrategy("wide")

When to use it: to compare one of Optuna's samplers with your own settings, or a strategy that
perjoule does not have. It promises to run nothing of the text itself: arguments are literals.

Scores that a strategy is told are oriented: greater is better, whatever the metric (see `Told`).

A strategy is rebuilt from its seed and the results it was told, without being asked. If its
proposals also depend on its own asks, its class says ``replays_tells = False`` (see `Strategy`).

Each call of it may take `own.ASK_LIMIT_S` seconds, or what its class says as ``ask_limit_s``.

A sampler is made anew for each ask, with a seed of its own where it takes a ``seed``. It loses what
it would remember itself; what it keeps in attributes of its trials (``CmaEsSampler``, the genetic
samplers) begins anew when a run is resumed.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..errors import ConfigurationError
from ..models.importing import check_defined, describe_error, home_of, import_attribute
from ..models.space import Space
from .own import ASK_LIMIT_S, LIBRARY_LIMIT_S, OwnStrategy, call_own, limit_of
from .strategy import Strategy, Task

Call = tuple[tuple[Any, ...], Mapping[str, Any]]  # arguments by position and by name

MOST_STARTUP_TRIALS = 1_000
"""The most a user's strategy may state: it is asked so often before a comparison begins."""


@dataclass(frozen=True)
class Custom:
    """Builds the strategy that a text names."""

    name: str  # the text
    make: Any  # the named attribute: a sampler's class, or what makes a sampler or a strategy
    call: Call | None  # the arguments in the text; None for ``(space, seed)``
    takes: frozenset[str]  # which of ``space`` and ``seed`` go to it by name, besides these
    startup_trials: int | None = None
    """Results after which its asks become dear: its attribute of this name, or a sampler's argument
    ``n_startup_trials``; None if unknown."""

    def __call__(self, space: Space, seed: int, task: Task) -> Strategy:
        """Make the strategy of one run; a ConfigurationError if the call fails or gives none."""
        from optuna.samplers import BaseSampler

        from .strategies.optuna_sampler import OptunaStrategy

        otherwise = LIBRARY_LIMIT_S if home_of(self.make).startswith("optuna.") else ASK_LIMIT_S
        limit_s = limit_of(self.make, otherwise)
        made = call_own("making it", limit_s, lambda: self._build(space, seed))
        limit_s = limit_of(made, limit_s)
        if isinstance(made, BaseSampler):
            own = OptunaStrategy(space, seed, task, sampler=lambda s: self._build(space, s))
            return OwnStrategy(own, space, limit_s)
        if callable(getattr(made, "ask", None)) and callable(getattr(made, "tell", None)):
            return OwnStrategy(cast("Strategy", made), space, limit_s)
        raise ConfigurationError(
            f"strategy {self.name!r} gave an object of type {type(made).__name__}: it must have "
            "ask and tell, or be an Optuna sampler"
        )

    def _build(self, space: Space, seed: int) -> Any:
        if self.call is None:
            return self.make(space, seed)
        arguments, named = self.call
        given = {"space": space, "seed": seed}
        try:
            return self.make(*arguments, **named, **{name: given[name] for name in self.takes})
        except Exception as error:  # it is the user's own, and may raise anything
            raise ConfigurationError(
                f"strategy {self.name!r} cannot be made: {describe_error(error)}; mend its "
                "arguments"
            ) from error


def custom(name: str) -> Custom:
    """The builder of a user's own strategy.

    Its name is ``module:attribute``, a callable ``(space, seed)`` that returns a strategy or a
    sampler, or a sampler's class; or ``module:attribute(arguments)``, a call with literals that
    returns one. The call also gets ``space`` and ``seed`` where it takes arguments of these names.

    Raises:
        ConfigurationError: The text cannot be read, or what it names cannot be used.
    """
    from optuna.samplers import BaseSampler

    text = name.partition(":")[2]
    call = _parse_call(name, text) if "(" in text else None
    make = import_attribute("strategy", name)
    if isinstance(make, BaseSampler):
        raise ConfigurationError(
            f"strategy {name!r} is a sampler that was made already, and cannot be seeded for each "
            "run: write module:Class(arguments)"
        )
    if not callable(make):
        raise ConfigurationError(f"strategy {name!r} is not callable: (space, seed) -> strategy")
    check_defined("strategy", name, make)
    is_sampler = isinstance(make, type) and issubclass(make, BaseSampler)
    if call is None and not is_sampler:
        return Custom(name, make, None, frozenset(), _startup_trials(name, make, None))
    return _bind_call(name, make, call or ((), {}), is_sampler=is_sampler)


def _bind_call(name: str, make: Any, call: Call, *, is_sampler: bool) -> Custom:
    """The builder for a call with arguments; a call of a sampler's class is tried once."""
    arguments, named = call
    try:
        bound = inspect.signature(make).bind_partial(*arguments, **named)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"strategy {name!r} cannot be called so: {describe_error(error)}; mend its arguments"
        ) from error
    if is_sampler and "seed" in bound.arguments:
        raise ConfigurationError(
            f"strategy {name!r} has a seed, and each run and ask one of its own: leave it out"
        )
    takes = frozenset({"space", "seed"} & (bound.signature.parameters.keys() - bound.arguments))
    bound.apply_defaults()
    startup_trials = bound.arguments.get("n_startup_trials") if is_sampler else None
    startup_trials = _startup_trials(name, make, startup_trials)
    builder = Custom(name, make, call, takes, startup_trials)
    if is_sampler and "space" not in takes:
        builder._build(Space({}, {}), 0)
    return builder


def _startup_trials(name: str, make: Any, otherwise: int | None) -> int | None:
    found = getattr(make, "startup_trials", otherwise)
    if found is None or (isinstance(found, int) and 0 <= found <= MOST_STARTUP_TRIALS):
        return found
    raise ConfigurationError(
        f"strategy {name!r}: startup_trials = {str(found)[:80]!r}: give a whole number from 0 to "
        f"{MOST_STARTUP_TRIALS}, or None"
    )


def _parse_call(name: str, text: str) -> Call:
    """The arguments of a call written as in Python."""
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ConfigurationError(
            f"strategy {name!r} cannot be read: {describe_error(error)}; write "
            "module:Class(arguments)"
        ) from error
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ConfigurationError(
            f"strategy {name!r} is not one call of one name: write module:Class(arguments)"
        )
    try:
        arguments = tuple(ast.literal_eval(each) for each in call.args)
        named = {each.arg or "**": ast.literal_eval(each.value) for each in call.keywords}
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise ConfigurationError(
            f"strategy {name!r}: arguments must be literals, such as 3, 0.5, True, None, 'text' "
            "or lists of these"
        ) from error
    if "**" in named or len(named) < len(call.keywords):
        raise ConfigurationError(f"strategy {name!r}: give each argument once, by its own name")
    return arguments, named
