"""What a comparison found, as plain data: ``summary.json``, schema 3.

It is provenance, runs and workers, and the one analysis of the folder's table. All of it is derived
from the ledger and the experiment's description, so it can be made again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..analysis.runs import OPEN, emissions, run_facts
from ..tables.facts import finite

if TYPE_CHECKING:
    from ..analysis.analysing import Analysis
    from ..tables.table import Table

SCHEMA = 3


def summarise(table: Table, analysis: Analysis) -> dict[str, Any]:
    """Summarise the table of a run folder in plain data, fit for JSON: what is unknown is None."""
    stated = dict(table.description or {})
    experiment, runs = stated["experiment"], run_facts(table)
    summary = {
        "schema": SCHEMA,
        "name": stated["name"],
        "status": "interrupted" if any(run.status == OPEN for run in runs) else "complete",
        **{key: stated[key] for key in ("created", "versions", "machine", "runtime", "data")},
        "experiment": {
            **experiment,
            "space": stated["space"],
            "workers": stated["workers"],
            "device": stated["runtime"]["device"],
        },
        "metric": table.metric.to_dict(),
        "budget_j": experiment["budget_j"],
        "allotment_j": experiment["budget_j"] / len(runs),
        "provenance": [{**source, "source": source["id"]} for source in stated["meter"]],
        "carbon": emissions(table),
        "work": stated["work"],
        "refit": stated.get("refit"),
        "runs": [run.to_dict() for run in runs],
        "analysis": analysis.to_dict(),
    }
    return finite(summary)
