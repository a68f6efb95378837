"""FLAML's BlendSearch, with joules as `cost_attr` and `cost_budget`.

Whole numbers are at their cheapest in `low_cost_partial_config`. As a resource (`resource_attr`),
epochs go from 1 to the most; FLAML raises them for the best candidate of a thread, whose training
goes on from its checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count, islice
from typing import Any

from optuna.distributions import IntDistribution

from perjoule.models.space import Space
from perjoule.tuners.strategy import Task, Told

from .axes import error_of, ray_axes
from .trials import Rung, Rungs, Suggested, Whole

MOST_REFUSALS = 100
"""So often in a row may BlendSearch suggest nothing."""


def make_flaml(space: Space, seed: int, task: Task) -> Whole:
    """BlendSearch over the full space."""
    suggest, report = _doors(space, space, seed, task, {})
    return Whole(space, suggest, report)


def make_resource(space: Space, seed: int, task: Task) -> Rungs:
    """BlendSearch with epochs as its resource."""
    longest = space.longest()
    resource = {"resource_attr": "epochs", "min_resource": 1, "max_resource": longest}
    propose, report = _doors(space.with_fixed("epochs", longest), space, seed, task, resource)

    def suggest() -> Rung | None:
        suggested = propose()
        if suggested is None:
            return None
        handle, params = suggested
        return Rung(handle, params, params["epochs"], None)

    return Rungs(space, suggest, report)


def _doors(
    searched: Space, space: Space, seed: int, task: Task, resource: Mapping[str, Any]
) -> tuple[Callable[[], Suggested | None], Callable[[Any, Told], None]]:
    """How BlendSearch suggests and is told."""
    from flaml import BlendSearch, tune  # type: ignore[import-not-found]

    cheapest = space.cheapest()
    axes = searched.distributions
    whole = [n for n, d in axes.items() if isinstance(d, IntDistribution)]
    search = BlendSearch(
        metric="error",
        mode="min",
        space=ray_axes(searched, tune, beyond=1),
        low_cost_partial_config={name: cheapest[name] for name in whole},
        cost_attr="joules",
        cost_budget=task.budget_j,
        seed=seed,
        **resource,
    )
    names = map(str, count())

    def suggest() -> Suggested | None:
        for name in islice(names, MOST_REFUSALS):
            config = search.suggest(name)
            if config is not None:
                return (name, config), config
        return None

    def report(handle: Any, result: Told) -> None:
        name, config = handle
        found = {"error": error_of(result), "joules": result.energy_j, "config": config}
        search.on_trial_complete(name, found)

    return suggest, report
