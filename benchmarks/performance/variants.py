"""Variants of our strategies, to be set beside the strategy that they vary: one line each.

Their names are accepted wherever the benchmark takes a strategy, and ``--ablation`` prints each
beside its base.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from perjoule.tuners.registry import Recipe, find_recipe


class Variant(NamedTuple):
    """A strategy with other options."""

    base: str  # the strategy that it varies
    options: Mapping[str, Any]  # of its builder by name, over those of the base


VARIANTS: dict[str, Variant] = {
    "floor-gp": Variant("floor", {"sampler": "gp"}),
    "frugal-no-halving": Variant("frugal", {"halving": 0.0}),
    "frugal-more-halving": Variant("frugal", {"halving": 0.75}),
    "frugal-no-joules": Variant("frugal", {"alpha": 0.0}),
    "frugal-per-joule": Variant("frugal", {"alpha": 1.0}),
}
"""What of a strategy pays: each without a part of it, or with another one."""


def recipe_of(name: str) -> Recipe:
    """The recipe of a strategy or of a variant; errors as of `find_recipe`."""
    variant = VARIANTS.get(name)
    if variant is None:
        return find_recipe(name)
    base = find_recipe(variant.base)
    return replace(base, name=name, options={**base.options, **variant.options})
