"""Disclosing what a search cost, as the command line and Python users do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..benchmarks.analysis.target import DEFAULT_TARGET
from ..benchmarks.tables.table import Table as _Table
from .comparing import Result
from .studies import StudyResult
from .tables import analyse, load_table

if TYPE_CHECKING:
    from ..benchmarks.tables.loading import Loadable
    from ..reports.exports.facts import Disclosed


def disclose(
    run: Loadable | Result | StudyResult,
    form: str,
    *,
    target: str | float = DEFAULT_TARGET,
    **facts: Any,
) -> Disclosed:
    """Write what a search cost in a format of others: all of it, not of the best network alone.

        print(perjoule.disclose("runs/mine", "hf", carbon="FRA"))
        perjoule.disclose(result, "boamps", task="image classification",
                          infrastructure="onPremise").notes

    Args:
        run: A run folder or a study's, a result, or any trial table, as for ``load_table``.
        form: Name of the format, see ``perjoule disclose --help``.
        target: As for ``analyse``; only the tables for papers tell of it.
        **facts: What the table does not know: fields of `reports.exports.given.Given`, such as
            ``carbon``, ``hardware``, ``embodied``.

    Returns:
        The text, which ``str`` gives, and notes on what the format has no room for.

    Raises:
        UnknownNameError: There is no such format.
        ConfigurationError: A fact cannot be used, or the format cannot do without one.
        DataError: The table cannot be read, or has no joules that the format could tell.
    """
    from ..reports.exports.given import Given
    from ..reports.exports.registry import check_form
    from ..reports.exports.registry import disclose as write

    check_form(form)
    given = Given.of(**facts)
    if isinstance(run, Result | StudyResult):
        run = run.table
    table = run if isinstance(run, _Table) else load_table(run)
    return write(table, analyse(table, target), form, given)
