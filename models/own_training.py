"""A training function of the user's own, as a comparison runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..errors import ConfigurationError
from .importing import import_defined
from .own_code import own_code
from .trial import Trial


@dataclass(frozen=True)
class OwnTraining:
    """Hands trials to a user's function, with the hyperparameters of the user's space alone."""

    function: Callable[[Trial], Any]
    names: frozenset[str]  # of the hyperparameters

    @classmethod
    def of(cls, named: str | Callable[[Trial], Any], names: frozenset[str]) -> OwnTraining:
        """Take a function, or what ``module:function`` names.

        Raises:
            ConfigurationError: It cannot be imported.
        """
        if isinstance(named, str) and (named.startswith("__main__:") or "<locals>" in named):
            raise ConfigurationError(
                f"objective {named!r} is a function of a script: give it again, as in "
                "perjoule.compare(objective=…, out=…, resume=True)"
            )
        return cls(named if callable(named) else import_defined("objective", named), names)

    def __call__(self, trial: Trial) -> Any:
        """Call the function; what it returns is its own."""
        trial.params = {name: each for name, each in trial.params.items() if name in self.names}
        with own_code():
            return self.function(trial)


def name_of(objective: Any) -> tuple[str, Callable[[Trial], Any] | None]:
    """The ``module:function`` of an objective, and the function itself if no import finds it.

    Raises:
        ConfigurationError: It is neither a function nor text.
    """
    if isinstance(objective, str):
        return objective, None
    if not callable(objective):
        raise ConfigurationError(
            f"objective = {objective!r}: give a function of a trial, or its module:function"
        )
    named = objective if hasattr(objective, "__qualname__") else type(objective)
    name = f"{named.__module__}:{named.__qualname__}"
    try:
        found = None if named.__module__ == "__main__" else import_defined("objective", name)
    except ConfigurationError:  # such as of a function inside a function
        found = None
    return name, None if found is objective else objective
