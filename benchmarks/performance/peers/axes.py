"""A space in the terms of other libraries, and their values as candidates of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from perjoule.models.outcome import State
from perjoule.models.space import Params, Space
from perjoule.tuners.strategy import Told

Number = IntDistribution | FloatDistribution


def axes_of(
    space: Space,
    choice: Callable[[str, list[Any]], Any],
    number: Callable[[str, Number], Any],
) -> dict[str, Any]:
    """The axes of a space as a library has them, those with conditions among them."""
    axes = {}
    for name, axis in space.distributions.items():
        if isinstance(axis, CategoricalDistribution):
            axes[name] = choice(name, list(axis.choices))
        else:
            assert isinstance(axis, IntDistribution | FloatDistribution)
            axes[name] = number(name, axis)
    return axes


def ray_axes(space: Space, library: Any, beyond: int) -> dict[str, Any]:
    """The axes by functions named as in Ray; whole numbers end before `high + beyond`, or at it."""

    def number(_: str, axis: Number) -> Any:
        if isinstance(axis, IntDistribution):
            make = library.lograndint if axis.log else library.randint
            return make(axis.low, axis.high + beyond)
        return (library.loguniform if axis.log else library.uniform)(axis.low, axis.high)

    return axes_of(space, lambda _, choices: library.choice(choices), number)


def config_space(space: Space, seed: int) -> Any:
    """The space as a `ConfigSpace.ConfigurationSpace`."""
    import ConfigSpace  # type: ignore[import-not-found]

    def number(name: str, axis: Number) -> Any:
        kind = "Integer" if isinstance(axis, IntDistribution) else "Float"
        make = getattr(ConfigSpace, f"Uniform{kind}Hyperparameter")
        return make(name, axis.low, axis.high, log=axis.log)

    configurations = ConfigSpace.ConfigurationSpace(seed=seed)
    axes = axes_of(space, ConfigSpace.CategoricalHyperparameter, number)
    configurations.add(list(axes.values()))
    return configurations


def completed(space: Space, params: Mapping[str, Any]) -> Params:
    """The candidate; some libraries give NumPy's types, or values an ulp off an end."""
    values = {}
    for name, axis in space.distributions.items():
        value = params[name].item() if hasattr(params[name], "item") else params[name]
        if isinstance(axis, IntDistribution | FloatDistribution):
            value = min(max(value, axis.low), axis.high)
        values[name] = int(value) if isinstance(axis, IntDistribution) else value
    return space.complete(space.activate(values))


def score_of(result: Told) -> float | None:
    """None if the trial failed or was never validated."""
    return None if result.state is State.FAILED else result.score


def error_of(result: Told) -> float:
    """Share of wrong answers; 1 where there is no result."""
    return 1 - (score_of(result) or 0.0)
