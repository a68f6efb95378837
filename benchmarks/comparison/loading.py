"""Reading trial tables and run folders: a run folder is the table that its ledger tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...energy import Kind
from ...errors import DataError
from ...models.metric import Metric
from ..analysis.unspent import stop_early_notes
from ..tables.earlier_facts import EarlierFacts
from ..tables.facts import read_fact
from ..tables.loading import Loadable, Stated, read_derived, read_table, with_metric
from ..tables.table import Table, counted
from .events import Event, MachineEvent, SliceEvent
from .experiment import Experiment
from .folder import Folder
from .machines import MachineFacts
from .record import add_up, by_machine, curve_table, run_table, slice_table
from .refit import refit_facts
from .run import restore_runs
from .work import report_work

if TYPE_CHECKING:
    import pandas as pd


def load_table(
    source: Loadable | Sequence[Loadable],
    *,
    by: str | Sequence[str] = (),
    mapping: str | Sequence[str] = (),
    params: str | Sequence[str] = (),
    metric: Stated | None = None,
    strict: bool = False,
) -> Table:
    """Read a trial table; of a run folder, from its ledger.

    Args:
        source: As in `tables.loading.read_table`; a run folder may be there too.
        by: As there. Of a run folder also what its experiment says (``dataset``, ``architecture``,
            ``meter`` …).
        mapping: As there.
        params: As there.
        metric: As there.
        strict: As there.

    Raises:
        DataError: A table cannot be read, or a value in it cannot be; the message says where.
        ConfigurationError: There is no such metric.
    """
    return read_table(
        source,
        by=by,
        mapping=mapping,
        params=params,
        metric=metric,
        read_folder=_read_trials,
        strict=strict,
    )


def load_earlier(sources: Sequence[Loadable], metric: Metric) -> list[Table]:
    """Read tables of earlier searches; one without any description is taken to be of this metric.

    A description that states no metric means accuracy, as in `Table.metric`.

    Raises:
        DataError: One cannot be read.
    """
    tables = [load_table(source) for source in sources]
    return [
        table if table.description else with_metric(table, table.name, metric) for table in tables
    ]


def _read_trials(path: Path) -> Table:
    table = read_run(path)
    if table.trials.empty:
        raise DataError(f"{path}: no trial has ended yet: go on with it by --resume")
    return table


def read_run(path: Path) -> Table:
    """Read a run folder: its ledger, or where it has none the tables derived from it.

    The table knows all runs of the experiment, and has no trials as long as none has ended. Its
    description has two more keys: ``work``, a `WorkersReport` as plain data, and ``refit``, a
    `RefitFacts` or None.

    Raises:
        DataError: There is neither ledger nor table.
        OutputError: The ledger or the description is damaged.
    """
    folder = Folder(path)
    if not folder.was_begun:
        return read_derived(path)
    description, events = folder.description(), list(folder.events())
    experiment = Experiment(**description["experiment"])
    runs = restore_runs(experiment, events, folder.ledger).values()
    slices = by_machine(slice_table(events))
    trials = add_up(slices, [run.name for run in runs if run.end])
    machines = machines_of(description, events)
    work = report_work(events)
    warning = [work.drift.sentence] if work.drift is not None and work.drift.is_large else []
    return Table(
        trials,
        path.resolve().name,
        curves=curve_table(events),
        slices=slices if len(slices) > len(trials) else None,
        runs=run_table(runs, experiment.allotment_j),
        description={
            **description,
            "experiment": experiment.model_dump(),  # earlier versions knew fewer fields
            "machines": [machine.to_dict() for machine in machines],
            "work": work.to_dict(),
            "refit": (refit := refit_facts(events)) and refit.to_dict(),
        },
        notes=(
            *_of_own_objective(events),
            *_asked_for(experiment, description),
            *_of_stacks(experiment, trials),
            *_of_machines(trials, machines),
            *warning,
        ),
    )


def machines_of(description: Mapping[str, Any], events: Sequence[Event]) -> list[MachineFacts]:
    """The machines that trained for a comparison; none where an earlier version did not say."""
    begun_on = read_fact(MachineFacts, _first_machine(description))
    later = (event.machine for event in events if isinstance(event, MachineEvent))
    return [machine for machine in (begun_on, *later) if machine is not None]


def _first_machine(description: Mapping[str, Any]) -> dict[str, Any] | None:
    stated = description["machine"]
    if not stated.get("name"):
        return None
    meter = "; ".join(str(source.get("detail")) for source in description["meter"])
    return {**stated, "meter": meter, "device": description["runtime"].get("device", "")}


def _of_machines(trials: pd.DataFrame, machines: Sequence[MachineFacts]) -> Iterator[str]:
    """Warn that joules of several machines are in one comparison, and say how they are shared."""
    if "g.machine" not in trials:
        return
    meters = {machine.meter for machine in machines}
    told = []
    for machine in machines:
        own = trials[trials["trained_on"] == machine.name]
        if len(own):
            share = ", ".join(f"{n} {name}" for name, n in own["strategy"].value_counts().items())
            facts = machine.cpu if len(meters) == 1 else f"{machine.cpu}; {machine.meter}"
            told.append(f"{machine.name} ({facts}): {share}")
    several = int(trials["trained_on"].str.contains("+", regex=False, na=False).sum())
    on_several = f"; {counted(several, 'trial')} on several" if several else ""
    metered = f" by the same meter ({meters.pop()})" if len(meters) == 1 else ""
    apart = "--by machine compares apart the runs of different machines."
    if trials["g.machine"].nunique() == 1:
        apart = "Every run had a share of each, so --by machine would tell none apart."
    yield (
        "Trials were trained on several machines, whose joules for the same work may differ: "
        f"{'; '.join(told)}{on_several}. Each was metered where it was trained{metered}. {apart}"
    )


def _asked_for(experiment: Experiment, description: Mapping[str, Any]) -> Iterator[str]:
    """Say which strategies heed what not all of them can."""
    earlier = read_fact(EarlierFacts, description.get("warm_start"))
    if earlier is not None:
        yield from earlier.describe(experiment.strategies)
    if experiment.stop_early is not None:
        yield from stop_early_notes(experiment.stop_early, experiment.strategies)


def _of_stacks(experiment: Experiment, trials: pd.DataFrame) -> Iterator[str]:
    """Say how many trials were trained as stacks, where that was asked for."""
    if experiment.fuse == 1:
        return
    stacked = trials[trials["energy_kind"].fillna("").str.contains(Kind.APPORTIONED.value)]
    alone = [name for name in experiment.strategies if name not in set(stacked["strategy"])]
    told = f"; none of {', '.join(alone)}" if alone and len(stacked) else ""
    yield (
        f"{len(stacked)} of {counted(len(trials), 'trial')} were trained in stacks of up to "
        f"{experiment.fuse}, whose joules are split evenly among them{told}."
    )


def _of_own_objective(events: Sequence[Event]) -> Iterator[str]:
    """Say what a training function leaves out that costs joules."""
    slices = [event for event in events if isinstance(event, SliceEvent)]
    if any(not event.asks for event in slices):
        yield (
            "The objective does not ask trial.should_stop() inside its epochs, so the budget holds "
            "at their ends alone: a run may overdraw its share by up to an epoch."
        )
    if repeated := sum(event.repeated for event in slices):
        yield (
            f"{counted(repeated, 'epoch')} had to be trained again, and charged again, since the "
            "objective keeps no state of a paused trial: let it call trial.save() and "
            "trial.restore()."
        )
