"""Starting a comparison: what is checked and prepared before the loop may begin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...energy.exclusive import exclusive
from ...energy.quantities import format_energy
from ...energy.source import PowerSource, Scope, Source
from ...energy.sources.cpu.cores import usable_cores
from ...errors import BudgetError, ConfigurationError
from ...files.damage import damaged
from ...models.space import Space
from ..tables.earlier_facts import EarlierFacts
from .description import check_same_data, check_same_exchange, check_same_meter, describe
from .domains import find_sources
from .driver import Driver
from .earlier import read_earlier, recorded_facts
from .engines import LOCAL, engine, is_on_this_machine
from .exchange import check_store, is_there, open_sign
from .experiment import Experiment
from .folder import WARM_START, Folder
from .helper import start_helper
from .ledger import Ledger
from .messages import Prepared, Setting
from .recovery import Pool
from .run import restore_runs
from .signals import working_in
from .trust import is_own, runs_own_code
from .watching import ComparisonWatcher

if TYPE_CHECKING:
    from ..tables.table import Table
    from .recording import Recording

DEFAULT_EPOCHS = 4
"""Epochs of every candidate where the space does not say."""


def run_comparison(
    experiment: Experiment,
    folder: Folder,
    *,
    resumed: dict[str, Any] | None = None,
    keep_weights: bool = False,
    objective: Callable[..., Any] | None = None,
    executor: Executor | str | None = None,
    shared: str | None = None,
    progress: ComparisonWatcher | None = None,
    recording: Recording | None = None,
    earlier: Sequence[Table] = (),
) -> bool:
    """Run a comparison until every run is over or somebody stops it; the ledger has it all then.

    The folder is made only once nothing can be refused, and only then locked; one that is gone on
    with is locked before anything is spent. Returns whether somebody stopped it.

    Args:
        experiment: The experiment.
        folder: Its folder; locked while the comparison runs.
        resumed: The description in a folder that is gone on with; None begins a new one.
        keep_weights: Keep the weights of each run's best network; of a resumed one, the
            description says so.
        objective: The experiment's own objective, if workers cannot import it by its name.
        executor: Any PEP 3148 executor, or the name of an engine (`engines.ENGINES`); by default
            this process or a pool.
        shared: URL of a folder in an object store, by which driver and workers tell each other what
            is in flight; by default that is the run folder, which all of them must see then.
        progress: Is told how it goes.
        recording: Gets the trials as they end.
        earlier: Tables of earlier searches that strategies learn from; of a resumed comparison,
            its folder holds what they told.

    Raises:
        PerjouleError: Something in the experiment cannot be used, or the folder is in use.
    """
    working_in(folder.path)
    setting = setting_of(experiment, folder.path)
    setting = _learning(setting, earlier) if resumed is None else _knowing(setting, resumed, folder)
    if resumed is not None:
        check_same_exchange(resumed, shared)
        if _is_over(experiment, replace(setting, exchange_url=shared), folder):
            if recording is not None:
                recording.begin(folder)
            return False
    if shared is not None:
        setting = replace(setting, exchange_url=_checked(shared, experiment, executor))
    is_here = is_on_this_machine(executor)
    sources = find_sources(experiment) if is_here else []
    workers = workers_of(experiment, sources, objective) if is_here else most_workers(experiment)
    setting = replace(
        setting,
        shared=is_here and workers > 1,
        is_foreign=executor not in (None, LOCAL),
        keep_weights=keep_weights if resumed is None else resumed["keep_weights"],
        objective=objective,
    )
    with ExitStack() as held:
        # Packages whose joules this machine's workers split are held here, all else by whoever
        # measures it.
        is_split = setting.is_foreign and setting.shared
        if is_split or not setting.is_foreign:
            own = (s for s in sources if not is_split or s.info.scope is Scope.PACKAGE)
            held.enter_context(exclusive(list(own)))
        if resumed is not None:
            held.enter_context(folder.locked())
        opened = held.enter_context(engine(executor, workers))
        apart = objective is None and runs_own_code(experiment.model_dump())
        if workers > 1 and opened is None:
            start_helper(setting)
        with Pool(workers, opened, apart=apart) as pool:
            if progress is not None:
                progress.begin(experiment, [source.info for source in sources], pool.workers)
            prepared, setting = pool.prepare(setting)
            _check_budget(experiment, prepared)
            if resumed is None:
                held.enter_context(folder.locked())
                folder.create(describe(setting, prepared, pool.workers, executor), setting.earlier)
                if shared is None:  # workers to come find it in the folder
                    setting = replace(setting, earlier=None)
            else:
                check_same_meter(resumed, prepared.sources, prepared.machines[0].name)
                check_same_data(resumed, prepared.data.get("fingerprint"))
            with Ledger(folder.ledger) as ledger:
                if recording is not None:
                    recording.begin(folder)
                return Driver(setting, pool, prepared, ledger, progress, recording).run()


def _is_over(experiment: Experiment, setting: Setting, folder: Folder) -> bool:
    """Whether every run has ended, and nothing is in flight that would be charged to one."""
    with folder.locked():
        runs = restore_runs(experiment, folder.events(), folder.ledger).values()
    over = all(run.end is not None for run in runs)
    return over and not is_there(open_sign(setting.exchange / "inflight"), unless_known=True)


def _checked(shared: str, experiment: Experiment, executor: Executor | str | None) -> str:
    """The URL of an object store that can be used for a comparison."""
    if executor in (None, LOCAL):
        raise ConfigurationError(
            "--shared is for workers elsewhere, and perjoule's own see the run folder: leave it "
            "out, or name an --executor"
        )
    if experiment.most_in_flight > 1:
        raise ConfigurationError(
            "trials of one run at a time share its joules through a file with a lock, which an "
            "object store has not: leave --shared, or --parallel-trials and --fuse, out"
        )
    check_store(shared, apart=isinstance(executor, str))
    return shared.rstrip("/")


def _learning(setting: Setting, tables: Sequence[Table]) -> Setting:
    """The setting with what the tables tell of earlier searches, if there are any."""
    if not tables:
        return setting
    from .warm_start import learn_from

    facts, content = learn_from(tables, setting.experiment, Space.parse(setting.space))
    return replace(setting, warm_start=facts, earlier=content)


def _knowing(setting: Setting, resumed: dict[str, Any], folder: Folder) -> Setting:
    """The setting with what was known when the comparison began.

    With anything else it would not go on in the order that was recorded.
    """
    model, earlier = _recorded_model(resumed, folder), _recorded_earlier(resumed, folder)
    return replace(setting, energy_model=model, warm_start=earlier)


def _recorded_earlier(resumed: dict[str, Any], folder: Folder) -> EarlierFacts | None:
    """The earlier searches that a comparison was begun with, which are whole in its folder."""
    facts = recorded_facts(resumed, folder.path / "experiment.yaml")
    if facts is not None:
        read_earlier(folder.path / WARM_START, facts)
    return facts


def _recorded_model(resumed: dict[str, Any], folder: Folder) -> dict[str, Any] | None:
    """The energy model that a comparison was begun with."""
    from ...models.networks.mlp_energy_stored import StoredEnergyModel

    if (stated := resumed.get("energy_model")) is None:
        return None
    try:
        return StoredEnergyModel.from_dict(stated).to_dict()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(folder.path / "experiment.yaml", f"energy_model: {error}") from error


def setting_of(experiment: Experiment, folder: Path) -> Setting:
    """What one worker of an experiment needs to know; all names in it are checked."""
    from ...models.networks import mlp_energy_stored

    found = mlp_energy_stored.load() if experiment.architecture == "mlp" else None
    energy_model = None if found is None else found.to_dict()
    space = _resolved_space(experiment)
    return Setting(experiment, space, folder, energy_model=energy_model)


def _check_budget(experiment: Experiment, prepared: Prepared) -> None:
    """Refuse a budget of which an allotment does not fit one epoch of the cheapest candidate."""
    n_runs, allotment_j, epoch_j = experiment.n_runs, experiment.allotment_j, prepared.epoch_j
    if epoch_j is not None and epoch_j > allotment_j:
        raise BudgetError(
            f"budget {format_energy(allotment_j * n_runs)} gives each of {n_runs} runs "
            f"{format_energy(allotment_j)}, but one epoch of the cheapest candidate costs "
            f"{format_energy(epoch_j)} here: give at least {format_energy(epoch_j * n_runs)}, "
            "better ten times that"
        )


def _resolved_space(experiment: Experiment) -> dict[str, Any]:
    """Check all names, and return the space with the number of epochs in it."""
    from ...models.data.registry import check, names_code
    from ...models.networks.registry import default_space
    from ...tuners.registry import check_ability, find_recipe

    for name in experiment.strategies:
        if not is_own(name):  # a worker imports it
            find_recipe(name)
    if experiment.stop_early is not None:
        check_ability("stop_early", "stops_early", experiment.strategies)
    if experiment.dataset is None:  # an own objective; strategies ask for epochs
        space = Space.parse({"epochs": 1, **(experiment.space or {})})
        space.check_epochs()
        return space.to_mapping()
    if not names_code(experiment.dataset):
        check(experiment.dataset)
    assert experiment.architecture is not None
    mapping = experiment.space
    if mapping is None:
        mapping = default_space(experiment.architecture, experiment.dataset)
    return {"epochs": DEFAULT_EPOCHS, **Space.parse(mapping).to_mapping()}


def most_workers(experiment: Experiment) -> int:
    """Trials at a time that there is work for, or fewer if fewer are asked for."""
    at_work = experiment.n_runs * experiment.parallel_trials
    return at_work if experiment.workers is None else min(experiment.workers, at_work)


def workers_of(
    experiment: Experiment,
    sources: list[Source | PowerSource],
    objective: Callable[..., Any] | None = None,
) -> int:
    """Trials at a time: as many as asked for and as have work, else as many as cores.

    Where a processor is measured as a whole, it is one run's trials at a time, among which its
    joules are apportioned; where a board is, or the objective cannot travel, one trial.
    """
    if experiment.workers is not None:
        return most_workers(experiment)
    at_work = experiment.n_runs * experiment.parallel_trials
    scopes = {source.info.scope for source in sources}
    if objective is not None or scopes - {Scope.PROCESS, Scope.PACKAGE}:
        return 1
    most = experiment.parallel_trials if Scope.PACKAGE in scopes else at_work
    return min(usable_cores(), most)
