"""The formats by name, and the one way to all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from ...benchmarks.tables.table import counted
from ...errors import ConfigurationError, DataError, UnknownNameError

if TYPE_CHECKING:
    from ...benchmarks.analysis.analysing import Analysis
    from ...benchmarks.tables.table import Table
    from .facts import Cost, Disclosed
    from .given import Given


@dataclass(frozen=True)
class Form:
    """A format, and what it cannot do without."""

    summary: str  # for people
    needs_total: bool = False  # one figure of all joules
    needs_grams: bool = False
    of_spent: bool = True  # it says what was spent, which replayed joules were not


# Each is a module of this package with a function `write(cost) -> Disclosed`.
FORMS = {
    "boamps": Form("Boavizta's BoAmps report, JSON", needs_total=True),
    "hf": Form("co2_eq_emissions of a Hugging Face model card", True, needs_grams=True),
    "sci": Form("the Green Software Foundation's SCI for AI, JSON", True, needs_grams=True),
    "codecarbon": Form("an emissions.csv as CodeCarbon 3.3 writes it"),
    "latex": Form("a booktabs table and the finding", of_spent=False),
    "markdown": Form("the same as a Markdown table", of_spent=False),
    "eu": Form("the energy fields of the EU's model documentation form (AI Act, Annex XI)"),
    "bibtex": Form("what to cite", of_spent=False),
}


def forms_help() -> str:
    """The formats and what they are, for the command line."""
    return "; ".join(f"{name}: {form.summary}" for name, form in FORMS.items())


def check_form(name: str) -> Form:
    """Return the format of a name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in FORMS:
        raise UnknownNameError("format", name, FORMS)
    return FORMS[name]


def disclose(table: Table, analysis: Analysis, form: str, given: Given) -> Disclosed:
    """Write what a search cost in a format of others.

    Raises:
        UnknownNameError: There is no such format.
        ConfigurationError: The format cannot do without what neither table nor user say.
        DataError: The table has no joules that the format could tell.
    """
    from .facts import Cost

    needs = check_form(form)
    cost = Cost(table, analysis, given)
    if needs.of_spent:
        _check_spent(cost, form, needs)
    if needs.needs_grams and cost.grid is None:
        raise ConfigurationError(
            f"{form} tells grams, and {table.name} does not say where it ran: say where, --carbon "
            "FRA or --carbon '56 g/kWh'"
        )
    found = import_module(f"{__package__}.{form}").write(cost)
    if needs.of_spent and cost.is_least:
        found = replace(found, notes=(*found.notes, "all sums are the least that was spent"))
    return found


def _check_spent(cost: Cost, form: str, needs: Form) -> None:
    """Refuse joules that were not spent, or that no figure can be made of."""
    name = cost.table.name
    if cost.is_replayed:
        raise DataError(
            f"{name}: its joules are replayed, looked up and not spent again: disclose the table "
            "that they were recorded in"
        )
    if all(each.energy_j is None for each in cost.search):
        raise DataError(f"{name}: the energy of no trial is known, so there is nothing to disclose")
    if needs.needs_total and cost.search_j is None:
        what = f"of {cost.unknown_trials:,} of {counted(len(cost.table.trials), 'trial')}"
        raise DataError(
            f"{name}: the energy {what if cost.unknown_trials else 'of some asks'} is unknown, and "
            f"so is that of the search, which {form} needs: --as codecarbon, eu, latex and "
            "markdown can leave it out"
        )
