"""What a user names as ``module:function``, imported."""

from __future__ import annotations

import inspect
from importlib import import_module
from operator import attrgetter
from typing import Any

from ..errors import ConfigurationError


def import_named(kind: str, name: str) -> Any:
    """The callable that a ``"module:function"`` names; it runs the module's own code.

    Args:
        kind: What it is for, as messages call it, such as ``"architecture"``.
        name: The text; the function may be an attribute of a class, ``"module:Class.method"``.

    Raises:
        ConfigurationError: The module or the function cannot be had.
    """
    what = f"{kind} {name!r}"
    module_name, _, function = name.partition(":")
    try:
        module = import_module(module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the module is the user's own, and may raise anything
        if isinstance(error, ModuleNotFoundError | ValueError) and _is_missing(module_name, error):
            message = f"{error}; is its folder on PYTHONPATH?"
        else:
            message = f"{type(error).__name__} in {module_name}: {first_line(error)}"
        raise ConfigurationError(f"{what}: {message}") from error
    try:
        found = attrgetter(function)(module)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a module may have a __getattr__
        found = None
    if not callable(found):
        raise ConfigurationError(f"{what}: no function {function!r} in {module_name}")
    if inspect.iscoroutinefunction(found) or inspect.isasyncgenfunction(found):
        raise ConfigurationError(f"{what} is asynchronous: give a plain function, without async")
    return found


def first_line(error: BaseException) -> str:
    """What an error says, in one line; it may be of a class that cannot even be printed."""
    try:
        return (str(error).strip() or "no message").splitlines()[0]
    except Exception:  # noqa: BLE001
        return "no message"


def _is_missing(module_name: str, error: ModuleNotFoundError | ValueError) -> bool:
    """Whether it is the named module that is not there, and none that it imports in turn."""
    missing = getattr(error, "name", None)
    return not module_name or (missing is not None and f"{module_name}.".startswith(f"{missing}."))
