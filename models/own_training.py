"""A training function of the user's own, as a comparison runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .importing import import_named
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
        return cls(named if callable(named) else import_named("objective", named), names)

    def __call__(self, trial: Trial) -> Any:
        """Call the function; what it returns is its own."""
        trial.params = {name: each for name, each in trial.params.items() if name in self.names}
        return self.function(trial)
