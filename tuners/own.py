"""A strategy of a user's own, as all doors meet it: whatever it does is an error that says why.

Its asks and tells have a deadline, it may not exit, and its work is checked field by field, with
values of NumPy as Python's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..models.importing import describe_error
from ..models.own_code import is_interrupt, own_code
from ..models.space import Space
from ..plain import is_finite_number, printable
from .deadline import deadline
from .strategy import Strategy, Told, Work, why_done

ASK_LIMIT_S = 8.0
"""Seconds that one call may take, where its class has no ``ask_limit_s``."""
LIBRARY_LIMIT_S = 600.0
"""The same of Optuna's own samplers, whose models become slow."""

MOST_EPOCHS = 10**9
"""Epochs of a trial that a user's strategy may ask for."""
MOST_REASON = 200
"""Characters of the reason that a user's strategy may give for having no more work."""


class OwnStrategy:
    """Asks and tells a user's strategy, and checks what it answers.

    Attributes:
        made: The user's object.
        replays_tells: As of the object (see `Strategy`).
    """

    def __init__(self, made: Strategy, space: Space, limit_s: float) -> None:
        self.made, self._space, self._limit_s = made, space, limit_s
        self.replays_tells = bool(getattr(made, "replays_tells", True))

    def ask(self, spent_j: float) -> Work | None:
        """Ask it.

        Raises:
            TimeoutError: It does not return.
            TypeError, ValueError: It answers with something that cannot be done.
        """
        return checked(call_own("ask", self._limit_s, lambda: self.made.ask(spent_j)), self._space)

    @property
    def why_done(self) -> str:
        """Why it gave no work, on one line; a TimeoutError if it does not return."""
        said = call_own("why_done", self._limit_s, lambda: why_done(self.made))
        return printable(said)[:MOST_REASON]

    def tell(self, result: Told) -> None:
        """Tell it; a TimeoutError if it does not return."""
        call_own("tell", self._limit_s, lambda: self.made.tell(result))


def call_own(name: str, limit_s: float, function: Callable[[], Any]) -> Any:
    """Call a user's code within a deadline; what is no ``Exception`` becomes one.

    Raises:
        TimeoutError: It does not return.
        RuntimeError: It tried to exit.
        Exception: Whatever it raises.
    """
    try:
        with own_code(), deadline(limit_s, name):
            return function()
    except Exception:
        raise
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise RuntimeError(f"{name} raised {describe_error(error)}") from error


def limit_of(made: Any, otherwise: float) -> float:
    """Seconds that a call of a user's object may take: its ``ask_limit_s``, if it has one.

    Raises:
        ValueError: That is no number above zero.
    """
    given = getattr(made, "ask_limit_s", None)
    if given is None:
        return otherwise
    if not is_finite_number(given) or given <= 0:
        raise ValueError(f"ask_limit_s = {given!r}: give seconds above zero")
    return float(given)


def checked(work: Any, space: Space) -> Work | None:
    """The work that a user's strategy asks for, in Python's own types.

    Raises:
        TypeError: It is no work.
        ValueError: A field of it cannot be what it is; the message names it.
        PerjouleError: Its candidate is not in the space.
    """
    if work is None:
        return None
    if not isinstance(work, Work):
        raise TypeError(f"ask returned {_shown(work)}, neither a perjoule.Work nor None")
    if not isinstance(work.params, Mapping):
        raise ValueError(f"ask gave params = {_shown(work.params)}, no mapping of hyperparameters")
    params = {str(name): _plain(value) for name, value in work.params.items()}
    made = replace(
        work,
        params=space.complete(params),
        until=_plain(work.until),
        until_j=_plain(work.until_j),
        pause=bool(_plain(work.pause)),
        trial=_plain(work.trial),
        predicted_j=_plain(work.predicted_j),
    )
    if not _is_whole(made.until) or not 1 <= made.until <= MOST_EPOCHS:
        raise ValueError(f"ask gave until = {_shown(work.until)}: take whole epochs from 1 up")
    if made.trial is not None and (not _is_whole(made.trial) or made.trial < 0):
        raise ValueError(f"ask gave trial = {_shown(work.trial)}: take a trial's number, or None")
    for name in ("until_j", "predicted_j"):
        joules = getattr(made, name)
        if joules is not None and (not is_finite_number(joules) or joules < 0):
            raise ValueError(f"ask gave {name} = {_shown(joules)}: take joules, or None")
    if made.until_j == 0:
        raise ValueError("ask gave until_j = 0: take joules above zero, or None")
    return made


def _plain(value: Any) -> Any:
    """A number of NumPy or of a tensor of one element as Python's own; all else as it is."""
    import numpy as np

    if isinstance(value, np.generic) or (hasattr(value, "item") and hasattr(value, "dtype")):
        try:
            return value.item()
        except Exception:  # noqa: BLE001 - of several elements, or anybody's
            return value
    return value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    try:
        return repr(value)[:80]
    except Exception:  # noqa: BLE001 - anybody's
        return f"an object of type {type(value).__name__}"
