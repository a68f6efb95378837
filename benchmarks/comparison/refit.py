"""Training the best candidate of a search again, on the training and the validation split.

It has the hyperparameters, the seed and the epochs that the candidate had when it was found best,
and the normalisation of the search. Its joules are metered by the same meter and stand apart: they
are charged to no run. What it gave is told by the test split alone, since it has seen all others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...energy import EnergyBudget, EnergyMeter
from ...energy.exclusive import exclusive
from ...energy.quantities import total
from ...files.writing import write_whole
from ...models.metric import Metric
from ...models.outcome import SliceResult, State, StopRule
from ..tables.facts import Fact
from .description import check_same_data, check_same_meter
from .domains import find_sources
from .events import Event, RefitEvent, SessionEvent
from .experiment import Experiment
from .folder import Folder
from .interrupt import Interrupt
from .ledger import Ledger
from .run import Run, restore_runs
from .signals import Stopped, breakable

if TYPE_CHECKING:
    from ...models.data.splits import Data
    from ...models.objective import Objective
    from ...tuners.strategy import Told
    from .watching import ComparisonWatcher

WARM_UP_STEPS = 3


@dataclass(frozen=True)
class RefitFacts(Fact):
    """The last attempt to train the best candidate again; what is unknown is None."""

    trial: int  # whose candidate it is
    state: State  # complete, failed or interrupted
    energy_j: float | None  # gross, from building the network on; scoring the test split is apart
    energy_kind: str
    duration_s: float | None
    epochs: int | None
    test_score: float | None
    startup_j: float | None  # of warming up before it
    earlier_j: float | None  # of attempts before it; 0 if there was none
    message: str = ""  # what went wrong, if anything


def refit_facts(events: Iterable[Event]) -> RefitFacts | None:
    """What a ledger tells of the refit; None if none was begun."""
    attempts: list[RefitEvent] = []
    for event in events:
        if isinstance(event, RefitEvent):
            attempts[-1 if event.state else len(attempts) :] = [event]
    if not attempts:
        return None
    *earlier, last = attempts
    told = {name: value for name, value in vars(last).items() if name not in ("event", "run")}
    if last.state is None:
        told |= {"state": State.INTERRUPTED, "message": "it was killed"}
    return RefitFacts(**told, earlier_j=total(each.energy_j for each in earlier))


def refit(folder: Folder, watcher: ComparisonWatcher | None = None) -> None:
    """Train the best candidate of a search again; the ledger and ``weights/`` have it then.

    Nothing is done where the search is not over or found nothing, or where it was done before.
    After Ctrl-C the search is as it was, and a new refit begins anew.

    Args:
        folder: The folder of a search that keeps weights, of a network on a data set.
        watcher: Is told that it begins.

    Raises:
        PerjouleError: The data or the meter are not those of the search, or the folder is in use.
    """
    with folder.locked():
        _refit(folder, watcher)


def _refit(folder: Folder, watcher: ComparisonWatcher | None) -> None:
    description, events = folder.description(), list(folder.events())
    experiment = Experiment(**description["experiment"])
    [run] = restore_runs(experiment, events, folder.ledger).values()
    before = refit_facts(events)
    if run.end is None or run.incumbent is None or (before and before.state is State.COMPLETE):
        return
    sessions = [event for event in events if isinstance(event, SessionEvent)]
    if sessions and sessions[-1].status == "interrupted":  # just as its search came to its end
        return
    found = run.incumbent_trial, Metric.parse(experiment.metric).oriented(run.incumbent)
    best = next(told for told in run.history if (told.trial, told.score) == found)
    with exclusive(find_sources(experiment)), Ledger(folder.ledger) as ledger:
        if watcher is not None:
            watcher.refitting(best.epochs)
        _train(folder, description, run, best, ledger)


def _train(
    folder: Folder, description: dict[str, Any], run: Run, best: Told, ledger: Ledger
) -> None:
    """Train, and write the weights and then what the ledger shall say of them."""
    from ...models.checkpoint import load_checkpoint, save_state
    from ...models.network_training import NetworkTraining
    from ...models.objective import Objective
    from .instruments import detect_runtime, load_data, one_thread, open_meter

    experiment = Experiment(**description["experiment"])
    with one_thread():
        runtime = detect_runtime(experiment)
        with open_meter(experiment, runtime.device, shared=False) as meter:
            check_same_meter(description, meter.sources)
            data = load_data(experiment, runtime.device)
            check_same_data(description, data.fingerprint)
            params = dict(best.params)
            if params.get("patience"):  # its epochs are known, and validation data say nothing now
                params["patience"] = 0
            architecture, metric = experiment.architecture, Metric.parse(experiment.metric)
            assert architecture is not None
            training = NetworkTraining(_joined(data), runtime, architecture, metric)
            device = str(runtime.device)
            objective = Objective(training, metric, device, run.seed, breaks=Stopped)
            with Interrupt(lambda: None) as interrupt:
                ledger.append(RefitEvent(run=run.name, trial=best.trial))
                startup_j, result = _slice(objective, params, best, meter, interrupt)
                test_score = None
                if result.state is State.COMPLETE and result.checkpoint is not None:
                    test_score = training.test_score(params, result.checkpoint)
                    network = {"network": load_checkpoint(result.checkpoint)["state"]["network"]}
                    weights = save_state({"epoch": result.epochs, "state": network})
                    folder.refit_weights.parent.mkdir(exist_ok=True)
                    write_whole(folder.refit_weights, lambda part: part.write_bytes(weights))
                told = {"test_score": test_score, "startup_j": startup_j}
                ledger.append(_event(run, best, result, told))


def _slice(
    objective: Objective,
    params: dict[str, Any],
    best: Told,
    meter: EnergyMeter,
    interrupt: Interrupt,
) -> tuple[float | None, SliceResult]:
    """Warm up and train; the joules of warming up, since what PyTorch prepares is no training."""
    from ...models.phases import Assignment
    from .rehearsal import probe

    startup_j, window = None, meter.window()
    try:
        with breakable():
            startup_j = probe(objective, params, meter, WARM_UP_STEPS).reading.total_j
            window, budget = meter.window(), EnergyBudget(math.inf, meter)
            stop, number = StopRule(best.epochs), best.trial
            assignment = Assignment(stop, meter, budget, lambda: interrupt.is_set, number)
            return startup_j, objective.train_slice(params, assignment)
    except Stopped:
        spent = window.close()
        message = "it was broken off"
        return startup_j, SliceResult(params, State.INTERRUPTED, train=spent, message=message)


def _event(run: Run, best: Told, result: SliceResult, told: dict[str, Any]) -> RefitEvent:
    return RefitEvent(
        run=run.name,
        trial=best.trial,
        energy_j=result.reading.total_j,
        energy_kind=result.reading.kind,
        **told,
        **{name: getattr(result, name) for name in ("state", "duration_s", "epochs", "message")},
    )


def _joined(data: Data) -> Data:
    """The data with all that may be learned from in the training split."""
    import torch

    parts = (data.train, data.validation)
    train = replace(
        data.train,
        inputs=torch.cat([part.inputs for part in parts]),
        labels=torch.cat([part.labels for part in parts]),
    )
    return replace(data, train=train)
