"""Modules of a user's own that cannot be used, by file name."""

OBJECTIVES = """
import asyncio, math, os, sys

import torch

class Rude(Exception):
    def __str__(self):
        raise self

class Mine:
    def __init__(self, a, b):
        pass

class Instead:
    def __init__(self, trial):
        self.x = 1

class Odd:
    def __float__(self):
        raise LookupError("no")
    def __str__(self):
        raise LookupError("no")

def right(trial):
    for epoch in trial.epochs():
        trial.count_operations(1e9)
        trial.report(accuracy=trial.params["rate"], right=trial.params["rate"])

def no_argument():
    return 0.5

def two_arguments(trial, more):
    return 0.5

def keyword(*, trial):
    return 0.5

def generator(trial):
    yield 0.5

async def coroutine(trial):
    return 0.5

async def stream(trial):
    yield 0.5

def returning(value):
    def objective(trial):
        return value() if callable(value) else value
    return objective

none, text, nan, huge = (returning(value) for value in (None, "0.9", math.nan, 10**400))
number, infinite, negative = (returning(value) for value in (1j, math.inf, -0.1))
percent, listed, mapped = (returning(value) for value in (93.0, [0.5], {"accuracy": 0.5}))
tensor, odd, controls = returning(torch.zeros(3)), returning(Odd), returning("\\x1b[31m\\n\\n!")
control = returning(lambda: "x" * 10**6)

def reporting(**values):
    def objective(trial):
        for _ in trial.epochs():
            trial.report(**values)
    return objective

another, nothing = reporting(f1=0.5), reporting()
nan_always, text_always = reporting(accuracy=math.nan), reporting(accuracy="good")
out_of_bounds, more_text = reporting(accuracy=1.5), reporting(accuracy=0.5, note="fine")
none_always, odd_always = reporting(accuracy=None), reporting(accuracy=Odd())
huge_always = reporting(accuracy=10**400)

def positional(trial):
    trial.report(0.5)

def twice(trial):
    for _ in trial.epochs():
        trial.report(accuracy=0.5)
    for _ in trial.epochs():
        trial.report(accuracy=0.5)

def raising(error):
    def objective(trial):
        raise error
    return objective

raises, empty, rude = raising(ValueError("one\\ntwo")), raising(Exception()), raising(Rude())
quits, leaves, memory = raising(SystemExit(3)), raising(SystemExit), raising(MemoryError())
cancelled, generator_exit = raising(asyncio.CancelledError()), raising(GeneratorExit())
red, stops = raising(KeyError("\\x1b[31m\\x9b2J\\u202e")), raising(StopIteration())
group = raising(ExceptionGroup("several\\nlines", [ValueError("a"), TypeError("b")]))
long = raising(ValueError("x" * 10**6))

def recursion(trial):
    return recursion(trial)

def saving(state):
    def objective(trial):
        for _ in trial.epochs():
            trial.report(accuracy=0.5)
            trial.save(state() if callable(state) else state)
    return objective

class Kept:
    pass

saves_lambda, saves_module = saving({"f": lambda x: x}), saving({"m": os})
saves_object, saves_text = saving({"o": Kept()}), saving("state")
saves_nothing, saves_file = saving(None), saving(lambda: {"f": sys.__stderr__})
saves_deep = saving(lambda: {"a": [{"b": (1, {"c": Kept})}]})
saves_key = saving({Kept(): 1})
def _circle():
    state = {}
    state["state"] = state
    return state
saves_circle = saving(_circle)
saves_generator = saving(lambda: {"g": (i for i in range(3))})

def phases(trial):
    trial.phase("cooking")

def tests(trial):
    trial.report(accuracy=0.5)
    trial.test("good")

def restores(trial):
    return trial.restore()["network"]

def sets_params(trial):
    return trial.params["missing"]

def counts(trial):
    trial.count_operations("many")
    return 0.5

VALUE, NOTHING, TEXT = 3, None, "right"
"""

NETWORKS = """
import torch
from torch import nn

VALUE = 3

def nothing(shape, n_classes, *, size=1):
    return None

def raises(shape, n_classes, *, size=1):
    raise ValueError("one\\ntwo\\x1b[31m")

def quits(shape, n_classes, *, size=1):
    raise SystemExit(3)

async def coroutine(shape, n_classes, *, size=1):
    return nn.Linear(*shape, n_classes)

def no_module(shape, n_classes, *, size=1):
    return [nn.Linear(*shape, n_classes)]

def wrong_outputs(shape, n_classes, *, size=1):
    return nn.Linear(*shape, n_classes + 1)

def untrainable(shape, n_classes, *, size=1):
    return nn.Flatten()

def missing(shape, n_classes, *, size=1, more):
    return nn.Linear(*shape, n_classes)

def one_argument(shape):
    return nn.Linear(*shape, 2)

class NotBuilt:
    def __init__(self, shape, n_classes, *, size=1):
        pass

class mute(nn.Module):
    def __init__(self, shape, n_classes, *, size=1):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
    def forward(self, x):
        return None

class nan(nn.Module):
    def __init__(self, shape, n_classes, *, size=1):
        super().__init__()
        self.head = nn.Linear(*shape, n_classes)
    def forward(self, x):
        return self.head(x) * float("nan")
"""

DATA = """
import asyncio

import numpy as np
import torch
from torch.utils.data import Dataset, TensorDataset

VALUE = 3
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(40, 6)), np.arange(40) % 2

class Rude(Exception):
    def __str__(self):
        raise self

def returning(*value):
    def data():
        return value[0] if len(value) == 1 else value
    return data

none, text, one, number = returning(None), returning("xy"), returning(X), returning(3)
three, lengths = returning(X, Y, X), returning(X, Y[:-1])
lists, ragged = returning([1, 2], [3, 4]), returning([[1, 2], [3]], [0, 1])
nan, infinite = returning(np.where(X > 1, np.nan, X), Y), returning(X * np.inf, Y)
huge, objects = returning(X * 1e30, Y), returning(np.array([object()] * 40), Y)
texts, complexes = returning(np.full((40, 6), "a"), Y), returning(X + 1j, Y)
floats, hot = returning(X, Y + 0.5), returning(X, np.eye(2)[Y])
single, few = returning(X, Y * 0), returning(X[:5], Y[:5])
nan_labels, object_labels = returning(X, Y * np.nan), returning(X, np.array([None] * 40))
far_labels, dates = returning(X, Y * 1e300), returning(X, np.full(40, "2024", "datetime64[D]"))
flat, deep = returning(X[:, 0], Y), returning(X.reshape(40, 1, 1, 1, 6), Y)
empty, no_features = returning(X[:0], Y[:0]), returning(X[:, :0], Y)
mapping, half = returning({"a": X, "y": Y}), returning({"x": X, "y": Y, "x_test": X})
other_test = returning(X, Y, X[:, :3], Y)
new_class = returning(X, Y, X, Y + 1)
text_test = returning(X, Y, X, Y.astype(str))
vast = [np.broadcast_to(np.float32(1), (10**9, 10**6)), np.broadcast_to(np.int64(1), 10**9)]
broadcast, sparse = returning(*vast), returning(torch.eye(40).to_sparse(), Y)
meta = returning(torch.empty(40, 6, device="meta"), Y)
quantised = returning(torch.zeros(40, 6, dtype=torch.complex64), torch.zeros(40))
mixed = returning(X, np.array([0, "a"] * 20, dtype=object))
long_labels = returning(X, [10**30] * 40)
controls = returning(X[:5], np.array(["a\\x1b[31m", "b\\n", "c", "d", "e"]))
channels_first = returning(np.zeros((40, 3, 8, 8)), Y)
generator = returning(i for i in range(3))

def raises():
    raise ValueError("one\\ntwo\\x1b[31m")

def rude():
    raise Rude

def cancelled():
    raise asyncio.CancelledError

def quits():
    raise SystemExit(3)

def argument(path):
    return X, Y

def yields():
    yield X, Y

async def coroutine():
    return X, Y

class Empty(Dataset):
    def __len__(self):
        return 0

class Endless(Dataset):
    def __getitem__(self, i):
        return X[0], 0

class Negative(Dataset):
    def __len__(self):
        return -3

class Broken(Dataset):
    def __len__(self):
        return 40
    def __getitem__(self, i):
        if i == 20:
            raise OSError("disk\\nfull")
        return X[i], Y[i]

class Alone(Broken):
    def __getitem__(self, i):
        return X[i]

class Changing(Broken):
    def __getitem__(self, i):
        return X[i, : 3 + i % 2], Y[i]

class Infinite(Broken):
    def __len__(self):
        return 10**15
    def __getitem__(self, i):
        return np.zeros(10**5), 0

class Typed(Broken):
    def __getitem__(self, i):
        return {"a": X[i]}, {"b": Y[i]}
"""

AT_IMPORT = {
    "syntax": "def f(:\n    pass\n",
    "indent": "def f():\npass\n",
    "encoding": "x = '\udce9'\n",
    "missing_import": "import nowhere_at_all\n",
    "cannot_import": "from os import nowhere_at_all\n",
    "raising": "raise ValueError('one\\ntwo\\x1b[31m')\n",
    "quitting": "raise SystemExit(3)\n",
    "exiting": "import sys\nsys.exit('bye\\nbye')\n",
    "cancelling": "import asyncio\nraise asyncio.CancelledError\n",
    "rude": "class R(Exception):\n    def __str__(self):\n        raise self\nraise R\n",
    "recursive": "def f():\n    f()\nf()\n",
    "asserting": "assert False\n",
    "nul": "x = 1\x00\n",
    "attribute": "def __getattr__(name):\n    raise RuntimeError('no\\n' + name)\n",
}

FUNCTIONS = {
    "bad_objectives": OBJECTIVES,
    "bad_networks": NETWORKS,
    "bad_data": DATA,
    **{f"bad_{name}": text for name, text in AT_IMPORT.items()},
}


def names(module: str, but: tuple[str, ...] = ()) -> list[str]:
    """What a module defines at its top level that cannot be used."""
    import re

    text = FUNCTIONS[module]
    found = re.findall(r"^(?:async )?(?:def|class) (\w+)", text, re.M)
    for line in re.findall(r"^(\w[\w, ]*) = ", text, re.M):
        found += [each.strip() for each in line.split(",")]
    return [name for name in dict.fromkeys(found) if name not in but and not name.startswith("_")]
