"""Silence for libraries that warn."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Warning filters belong to the whole process, and scikit-optimize changes them too: two asks in two
# threads would restore each other's.
_one_at_a_time = threading.Lock()


@contextmanager
def quietly() -> Iterator[None]:
    """Ignore all warnings inside, in one thread at a time."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
