"""The studies by name. A new one is a file and a line here, or a user's own."""

from __future__ import annotations

from importlib import import_module

from ...errors import ConfigurationError, UnknownNameError
from ...models.importing import import_attribute
from .design import Study

STUDIES = ("strategies", "layers", "architectures", "environments", "energy-model", "setups")
"""Each is a folder beside this file (``_`` for ``-``), whose module ``study`` has it as STUDY."""


def find_study(name: str) -> Study:
    """A study by its name, or a user's own by ``module:attribute``.

    Raises:
        UnknownNameError: There is none of that name.
        ConfigurationError: What the text names cannot be had, or is no study.
    """
    if name in STUDIES:
        return import_module(f".{name.replace('-', '_')}.study", __package__).STUDY
    if not name.partition(":")[2]:
        raise UnknownNameError("study", name, [*STUDIES, "all"])
    found = import_attribute("study", name)
    if not isinstance(found, Study):
        raise ConfigurationError(f"study {name!r} is no perjoule.benchmarks.studies.Study")
    return found
