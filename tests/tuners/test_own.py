"""What a user's own strategy answers, and how long it may take."""

import math
import signal
import time

import numpy as np
import pytest

from perjoule.errors import ConfigurationError, UnknownNameError
from perjoule.models.space import Space
from perjoule.tuners.deadline import Overdue
from perjoule.tuners.own import OwnStrategy
from perjoule.tuners.strategy import Work

SPACE = Space.parse({"rate": {"low": 0.1, "high": 0.9}, "width": [8, 16], "epochs": 4})
PARAMS = {"rate": 0.5, "width": 16, "epochs": 4}


class Answering:
    """Answers with the same every time, which may be a deed."""

    replays_tells = False

    def __init__(self, answer):
        self.answer = answer

    def ask(self, spent_j):
        return self.answer() if callable(self.answer) else self.answer

    def tell(self, result):
        self.answer()


def ask(answer, limit_s=60.0):
    return OwnStrategy(Answering(answer), SPACE, limit_s).ask(0.0)


def test_work_is_taken_as_it_is_in_pythons_own_types():
    assert ask(None) is None
    assert ask(Work(PARAMS, 2)) == Work(PARAMS, 2)
    given = {"rate": np.float32(0.5), "width": np.int64(16)}
    work = ask(Work(given, np.int64(2), until_j=np.float64(3.0), pause=np.bool_(True), trial=None))
    assert work == Work(PARAMS, 2, until_j=3.0, pause=True)
    assert {type(each) for each in work.params.values()} == {float, int}
    assert (type(work.until), work.pause) == (int, True)
    assert OwnStrategy(Answering(None), SPACE, 1.0).replays_tells is False


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (3, TypeError, "ask returned 3, neither a perjoule.Work nor None"),
        (Work(3, 1), ValueError, "params = 3"),
        (Work(PARAMS | {"colour": 1}, 1), UnknownNameError, "colour"),
        (Work({3: 3}, 1), UnknownNameError, "'3'"),
        (Work({"rate": 0.5}, 1), ConfigurationError, "'width' has no value"),
        (Work(PARAMS | {"rate": 0.95}, 1), ConfigurationError, "rate = 0.95"),
        (Work(PARAMS | {"rate": math.nan}, 1), ConfigurationError, "rate = nan"),
        (Work(PARAMS | {"width": lambda: 8}, 1), ConfigurationError, "width"),
        *((Work(PARAMS, n), ValueError, "until = ") for n in (0, -1, 1.5, math.nan, True, "2")),
        *((Work(PARAMS, 1, until_j=j), ValueError, "until_j = ") for j in (0, -1.0, math.inf, "x")),
        *((Work(PARAMS, 1, predicted_j=j), ValueError, "predicted_j = ") for j in (math.nan, "x")),
        *((Work(PARAMS, 1, trial=n), ValueError, "trial = ") for n in (-1, "x", 0.5)),
    ],
)
def test_an_answer_that_cannot_be_says_which_part_of_it(answer, error, message):
    with pytest.raises(error) as caught:
        ask(answer)
    assert message in str(caught.value)


def leave():
    raise SystemExit(3)


def test_it_may_raise_but_not_leave():
    with pytest.raises(RuntimeError, match="ask raised SystemExit: 3"):
        ask(leave)
    with pytest.raises(RuntimeError, match="tell raised SystemExit: 3"):
        OwnStrategy(Answering(leave), SPACE, 60.0).tell(None)
    with pytest.raises(ZeroDivisionError):
        ask(lambda: 1 / 0)


def swallow():
    try:
        time.sleep(60)
    except Exception:  # noqa: BLE001 - what a careless loop has
        time.sleep(60)


@pytest.mark.parametrize("hang", [lambda: time.sleep(60), swallow])
def test_what_does_not_return_is_ended_at_its_deadline(hang):
    before, began_s = signal.getsignal(signal.SIGALRM), time.monotonic()
    with pytest.raises(Overdue, match=r"did not return within 0.1 s.*ask_limit_s"):
        ask(hang, limit_s=0.1)
    assert time.monotonic() - began_s < 10
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
