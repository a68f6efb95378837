"""Which jobs a worker trains as one stack, and what candidates that shall be one have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...models.network_training import NetworkTraining
from ...models.own_training import OwnTraining
from .messages import Job

Training = NetworkTraining | OwnTraining


def shared_of(training: Training, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What decides the shape of a candidate's training; None if it cannot be one of a stack."""
    from ...models.fused import fusable_shape, shaping

    if isinstance(training, OwnTraining) or fusable_shape(training, params) is None:
        return None
    return {name: params[name] for name in shaping(training, params)}


def stacks_of(training: Training, jobs: Sequence[Job], *, measured: bool) -> list[list[Job]]:
    """The jobs, those in one list that are trained as one stack.

    Args:
        training: What trains their candidates.
        jobs: Jobs of one run that train.
        measured: Whether it is measured if a stack pays. Where joules are counted operations it
            makes no difference to them, and what is trained must not depend on time.
    """
    from ...models.fused import fusable_shape, pays

    if isinstance(training, OwnTraining):
        return [[job] for job in jobs]
    stacks: dict[object, list[Job]] = {}
    for job in jobs:
        assert job.turn is not None
        assert job.turn.work is not None
        shape = fusable_shape(training, job.turn.work.params)
        stacks.setdefault(job.nonce if shape is None else shape, []).append(job)
    found: list[list[Job]] = []
    for stack in stacks.values():
        work = stack[0].turn and stack[0].turn.work
        assert work is not None
        alone = len(stack) > 1 and measured and not pays(training, work.params, len(stack))
        found += [[job] for job in stack] if alone else [stack]
    return found
