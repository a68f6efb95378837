"""What the strategies of a new comparison learn from tables of earlier searches."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from hashlib import sha256

from ...models.metric import Metric
from ...models.space import Space
from ...tuners.registry import with_ability
from ..tables.earlier import earlier_searches
from ..tables.earlier_facts import EarlierFacts
from ..tables.table import Table
from .earlier import to_json
from .experiment import Experiment


def learn_from(
    tables: Sequence[Table], experiment: Experiment, space: Space
) -> tuple[EarlierFacts, bytes]:
    """Return what is learnt: facts about it, and what the folder keeps of it.

    Raises:
        DataError: A table is of no earlier search of the space.
    """
    found = earlier_searches(tables, space, Metric.parse(experiment.metric))
    content = to_json(found.searches)
    facts = dataclasses.replace(
        found.facts,
        learners=tuple(with_ability("transfers", experiment.strategies)),
        fingerprint=sha256(content).hexdigest(),
    )
    return facts, content
