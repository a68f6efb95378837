"""PyTorch's compiler, which stays unloaded while nobody compiles: loading it takes 1.1 s."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch.optim import Optimizer


def without_compiler(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of PyTorch's that does not load its compiler when it is called.

    PyTorch wraps such methods so that its compiler leaves them alone, and loads it for that. While
    it is not loaded nothing is compiled, and what is wrapped is called as it is.
    """
    plain = inspect.unwrap(method)

    @wraps(plain)
    def call(*args: Any, **kwargs: Any) -> Any:
        return (method if "torch._dynamo" in sys.modules else plain)(*args, **kwargs)

    return call


def lean(kind: type[Optimizer]) -> type[Optimizer]:
    """The same optimiser for training that is not compiled, which does not load the compiler."""
    names = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
    methods = {each: inspect.unwrap(getattr(kind, each)) for each in names}
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), methods)
