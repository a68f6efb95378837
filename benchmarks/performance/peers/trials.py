"""The three ways in which peers have trials trained, each a `Strategy`.

`Whole` trains a trial in one piece, `Rungs` to an epoch that the peer names and later on from
there, and `Stopped` to the end unless the peer stops it on the way.

What a peer draws comes from its own generator, so it is asked again when a run is restored
(``replays_tells = False``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from perjoule.models.outcome import State
from perjoule.models.space import Params, Space
from perjoule.tuners.strategy import Told, Work

from .axes import completed

Suggested = tuple[Any, Mapping[str, Any]]
"""A peer's own handle of a trial, and its hyperparameters."""


class Whole:
    """A peer that trains every trial in one piece, for the epochs among its hyperparameters.

    ``suggest`` gives a trial, or None at the end; ``report`` takes the handle of the last trial and
    its result.
    """

    replays_tells = False

    def __init__(
        self,
        space: Space,
        suggest: Callable[[], Suggested | None],
        report: Callable[[Any, Told], object],
    ) -> None:
        self._space, self._suggest, self._report = space, suggest, report
        self._handle: Any = None

    def ask(self, spent_j: float) -> Work | None:
        """Ask the peer."""
        suggested = self._suggest()
        if suggested is None:
            return None
        self._handle, params = suggested
        complete = completed(self._space, params)
        return Work(complete, int(complete["epochs"] or 1))

    def tell(self, result: Told) -> None:
        """Tell the peer."""
        self._report(self._handle, result)


class Rung(NamedTuple):
    """A training that a peer asks for."""

    handle: Any  # the peer's own
    params: Mapping[str, Any]  # epochs need not be among them
    until: float  # epochs of the training, rounded where they are none
    key: Hashable  # the same for what is one training; None looks for the same hyperparameters


class Rungs:
    """A peer that names the epoch to which a trial is trained, and promotes some of them.

    A promoted trial goes on from its checkpoint. One that the peer trains again for no more epochs
    than it has is begun anew, as its authors do without looking.
    """

    replays_tells = False

    def __init__(
        self,
        space: Space,
        suggest: Callable[[], Rung | None],
        report: Callable[[Any, Told], object],
    ) -> None:
        self._longest = space.longest()
        self._space = space.with_fixed("epochs", self._longest)
        self._suggest, self._report = suggest, report
        self._paused: dict[Hashable, tuple[int, int]] = {}  # number and epochs
        self._last: tuple[Any, Hashable] = (None, None)

    def ask(self, spent_j: float) -> Work | None:
        """Ask the peer."""
        rung = self._suggest()
        if rung is None:
            return None
        params = completed(self._space, rung.params)
        until = min(max(round(rung.until), 1), self._longest)
        key = _identity(params) if rung.key is None else rung.key
        self._last = rung.handle, key
        number, epochs = self._paused.get(key, (None, 0))
        if epochs >= until:
            number = None
        return Work(params, until, pause=until < self._longest, trial=number)

    def tell(self, result: Told) -> None:
        """Tell the peer."""
        handle, key = self._last
        self._paused.pop(key, None)
        if result.state is State.PAUSED:
            self._paused[key] = result.trial, result.epochs
        self._report(handle, result)


def _identity(params: Params) -> Hashable:
    """The same for hyperparameters that differ by rounding alone."""
    return tuple(f"{v:.9g}" if isinstance(v, float) else v for v in params.values())


class Running(NamedTuple):
    """The trial of a peer that stops trials."""

    handle: Any
    params: Params
    number: int | None = None  # None until its first slice is told
    epochs: int = 0


class Stopped:
    """A peer that is told every epoch of a trial, and may stop it.

    ``suggest`` gives a trial, or None at the end. ``report`` takes its handle, an epoch and its
    score, and says whether to stop. ``finish`` takes the handle, the last result and whether the
    peer stopped the trial. Slices end at the epochs ``decisions`` (those at which the peer may
    stop), or at each epoch.
    """

    replays_tells = False

    def __init__(
        self,
        space: Space,
        suggest: Callable[[], Suggested | None],
        report: Callable[[Any, int, float], bool],
        finish: Callable[[Any, Told, bool], object],
        decisions: Sequence[int] | None = None,
    ) -> None:
        self._longest = space.longest()
        self._space = space.with_fixed("epochs", self._longest)
        self._suggest, self._report, self._finish = suggest, report, finish
        known = range(1, self._longest) if decisions is None else decisions
        self._ends = sorted({*(e for e in known if e < self._longest), self._longest})
        self._running: Running | None = None

    def ask(self, spent_j: float) -> Work | None:
        """Ask the peer for a trial, or go on with the one that it did not stop."""
        if self._running is None:
            suggested = self._suggest()
            if suggested is None:
                return None
            handle, params = suggested
            self._running = Running(handle, completed(self._space, params))
        now = self._running
        until = next(end for end in self._ends if end > now.epochs)
        return Work(now.params, until, pause=until < self._longest, trial=now.number)

    def tell(self, result: Told) -> None:
        """Tell the peer the epochs of the slice, then whether the trial is over."""
        assert self._running is not None, "tell follows ask"
        handle = self._running.handle
        stops = [self._report(handle, point.epoch, point.score) for point in result.curve]
        goes_on = result.state is State.PAUSED
        if goes_on and not any(stops):
            self._running = self._running._replace(number=result.trial, epochs=result.epochs)
            return
        self._running = None
        self._finish(handle, result, goes_on)
