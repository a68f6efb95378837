"""What a user names as ``module:function``, imported: the one place where named code is run.

Nothing of Python itself can be named, so that no text makes ``subprocess:Popen`` a strategy; and
the current folder is where modules are found only while a name is resolved or its code is called.
"""

from __future__ import annotations

import functools
import inspect
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from operator import attrgetter
from types import ModuleType
from typing import Any

from ..errors import ConfigurationError


def import_named(kind: str, name: str) -> Any:
    """The callable that a ``"module:function"`` names; it runs the module's own code.

    Args:
        kind: What it is for, as messages call it, such as ``"architecture"``.
        name: The text; the function may be an attribute of a class, ``"module:Class.method"``.

    Raises:
        ConfigurationError: The module or the function cannot be had, or is one of Python's own.
    """
    found = import_attribute(kind, name)
    what, module, attribute = f"{kind} {name!r}", *_parts(name)
    if not callable(found):
        raise ConfigurationError(f"{what}: no function {attribute!r} in {module}")
    if inspect.iscoroutinefunction(found) or inspect.isasyncgenfunction(found):
        raise ConfigurationError(f"{what} is asynchronous: give a plain function, without async")
    if _top(home_of(found)) in sys.stdlib_module_names:
        raise ConfigurationError(
            f"{what} is {home_of(found)}'s own, a part of Python, and no {kind}: name a function "
            "of yours"
        )
    return found


def import_defined(kind: str, name: str) -> Any:
    """As `import_named`, of something that is defined where it is named, not imported there.

    Raises:
        ConfigurationError: As there, or it is another package's.
    """
    found = import_named(kind, name)
    check_defined(kind, name, found)
    return found


def check_defined(kind: str, name: str, found: Any) -> None:
    """Make sure that something is defined in the package that a name says.

    Raises:
        ConfigurationError: It is another package's, or nobody knows whose.
    """
    module, home = _parts(name)[0], home_of(found)
    if _top(home) != _top(module):
        where = f"defined in {home}" if home else "of no module"
        raise ConfigurationError(
            f"{kind} {name!r} is {where}, and {module} has only imported it: name it where it is "
            "defined"
        )


def import_attribute(kind: str, name: str) -> Any:
    """Whatever a ``"module:attribute"`` names; it runs the module's own code.

    Raises:
        ConfigurationError: The module or the attribute cannot be had, or it is Python's own.
    """
    what, module_name, attribute = f"{kind} {name!r}", *_parts(name)
    if _top(module_name) in sys.stdlib_module_names:
        raise ConfigurationError(
            f"{what}: {_top(module_name)} is a part of Python, and nothing in it is a {kind}: "
            "name a module of yours, under another name than Python's"
        )
    with current_folder_importable():
        try:
            module = import_module(module_name)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the module is the user's own, and may raise anything
            if _is_missing(module_name, error):
                message = f"{first_line(error)}; is its folder on PYTHONPATH?"
            else:
                message = f"{type(error).__name__} in {module_name}: {first_line(error)}"
            raise ConfigurationError(f"{what}: {message}") from error
        try:
            return attrgetter(attribute)(module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may have a __getattr__
            raise ConfigurationError(
                f"{what}: no function {attribute!r} in {module_name}"
            ) from error


@contextmanager
def current_folder_importable() -> Iterator[None]:
    """Let modules be found in the current folder, after all that are installed."""
    try:
        folder = os.getcwd()  # noqa: PTH109 - as the path has it
    except OSError:  # somebody removed it
        folder = None
    if folder is None or folder in sys.path or "" in sys.path:
        yield
        return
    sys.path.append(folder)
    try:
        yield
    finally:
        with suppress(ValueError):  # the code may have changed the path
            sys.path.reverse()
            sys.path.remove(folder)
        sys.path.reverse()


def home_of(found: Any) -> str:
    """The name of the module that defines a function, a class or what is callable; "" if unknown.

    >>> home_of(functools.partial(first_line, None)) == __name__
    True
    """
    while isinstance(found, functools.partial):
        found = found.func
    home = getattr(found, "__module__", None) or getattr(type(found), "__module__", None)
    return home if isinstance(home, str) else ""


def need_extra(module: str, extra: str, name: str) -> ModuleType:
    """A module that an extra of perjoule brings.

    Args:
        module: Its name.
        extra: The extra's.
        name: What users know it by.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"{name} is not installed: pip install 'perjoule[{extra}]'"
        ) from error


def first_line(error: BaseException) -> str:
    """What an error says, in one line; it may be of a class that cannot even be printed."""
    try:
        return (str(error).strip() or "no message").splitlines()[0]
    except Exception:  # noqa: BLE001
        return "no message"


def describe_error(error: BaseException) -> str:
    """An error by its class and what it says, in one line; passwords in addresses are left out.

    >>> describe_error(ValueError("too deep"))
    'ValueError: too deep'
    """
    return without_passwords(f"{type(error).__name__}: {first_line(error)}")


def without_passwords(text: str) -> str:
    """A text whose addresses do not tell who logs in there, and with what.

    >>> without_passwords("API request to http://me:secret@host:5000/api failed")
    'API request to http://***@host:5000/api failed'
    """
    return re.sub(r"://[^/\s?#]*@", "://***@", text)


def _parts(name: str) -> tuple[str, str]:
    """The module and the attribute; a call's arguments belong to neither."""
    module, _, attribute = name.partition("(")[0].partition(":")
    return module.strip(), attribute.strip()


def _top(module_name: str) -> str:
    return module_name.partition(".")[0]


def _is_missing(module_name: str, error: BaseException) -> bool:
    """Whether it is the named module that is not there, and none that it imports in turn."""
    if not isinstance(error, ModuleNotFoundError | ValueError):
        return False
    missing = getattr(error, "name", None)
    return not module_name or (missing is not None and f"{module_name}.".startswith(f"{missing}."))
