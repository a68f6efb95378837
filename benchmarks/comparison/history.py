"""What the strategy of a run was told, slice by slice: a record that grows, and views of it.

A job goes on from the first so many results of its run. In the driver's own process it looks at
them where they are. Sent elsewhere it says only how many they are, since the ledger tells the rest
(`records`): what is sent does not grow with the run.
"""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Sequence
from itertools import islice
from typing import Any, overload

from ...tuners.strategy import Told


class History(Sequence[Told]):
    """All results of a run, in the order in which they ended. It only ever grows."""

    def __init__(self) -> None:
        self._told: list[Told] = []
        self._last: dict[int, int] = {}  # of each trial, the place of its last result
        self._before: list[int] = []  # of each result, the place of its trial's one before, or -1

    def append(self, told: Told) -> None:
        """Take a result."""
        self._before.append(self._last.get(told.trial, -1))
        self._last[told.trial] = len(self._told)
        self._told.append(told)

    @property
    def trials(self) -> KeysView[int]:
        """The numbers of the trials that have a result."""
        return self._last.keys()

    def of(self, trial: int, among: int | None = None) -> list[Told]:
        """The results of a trial, among so many first ones; None: among all."""
        found, place = [], self._last.get(trial, -1)
        while place >= 0:
            if among is None or place < among:
                found.append(self._told[place])
            place = self._before[place]
        return found[::-1]

    def between(self, first: int, end: int) -> Iterator[Told]:
        """The results from one place up to another."""
        return (self._told[place] for place in range(first, end))

    def __len__(self) -> int:
        return len(self._told)

    @overload
    def __getitem__(self, place: int) -> Told: ...
    @overload
    def __getitem__(self, place: slice) -> list[Told]: ...
    def __getitem__(self, place: int | slice) -> Told | list[Told]:
        return self._told[place]

    def __iter__(self) -> Iterator[Told]:
        return iter(self._told)


class Past(Sequence[Told]):
    """The first results of a run, as they were when a job was made.

    Args:
        history: All its results; None where they are not at hand.
        count: How many are meant.
        travels: Whether they are sent along to workers that cannot read the ledger.
    """

    def __init__(self, history: History | None, count: int, *, travels: bool = False) -> None:
        self._history, self._count, self._travels = history, count, travels

    def travelling(self) -> Past:
        """The same, to be sent with all results."""
        return Past(self._history, self._count, travels=True)

    @property
    def is_here(self) -> bool:
        """Whether they are at hand."""
        return self._history is not None

    def find(self, history: History) -> None:
        """Take the results of the run, of which they are the first ones."""
        self._history = history

    def of(self, trial: int) -> list[Told]:
        """The results of a trial."""
        return self._whole.of(trial, self._count)

    def since(self, count: int) -> Iterator[Told]:
        """Those after so many first ones."""
        return self._whole.between(count, self._count)

    @property
    def _whole(self) -> History:
        assert self._history is not None
        return self._history

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Told: ...
    @overload
    def __getitem__(self, place: slice) -> list[Told]: ...
    def __getitem__(self, place: int | slice) -> Told | list[Told]:
        if isinstance(place, slice):
            return [self._whole[each] for each in range(*place.indices(self._count))]
        return self._whole[range(self._count)[place]]

    def __iter__(self) -> Iterator[Told]:
        return islice(self._whole, self._count)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_unpacked, (list(self),)) if self._travels else (Past, (None, self._count))


def _unpacked(results: list[Told]) -> Past:
    """What was sent with all results."""
    history = History()
    for told in results:
        history.append(told)
    return Past(history, len(results), travels=True)
