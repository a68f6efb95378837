"""Weights & Biases: a group for the comparison, a run for each of its runs, and one of its finding.

Each run has a row for every validated epoch and for every trial, and its best score over the joules
spent. It is recorded offline, in the run folder, where no key is known; nobody is asked for one.
``wandb sync`` sends it later. ``WANDB_MODE``, ``WANDB_DIR`` and ``WANDB_ENTITY`` are heeded.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...benchmarks.comparison.messages import file_name
from ...benchmarks.comparison.recorder import Recorder
from ...errors import ConfigurationError
from ...models.importing import describe_error, need_extra
from .places import inside
from .rows import Numbered, figures, note, settings

if TYPE_CHECKING:
    from ...benchmarks.comparison.recorder import Begun, EndedTrial, Finished

PROJECT = "perjoule"
FINDING = "finding"
"""What the run is called that has what was found, and the report."""
_ANSWERS_S = 30.0
"""So long Weights & Biases may take to answer when a run is begun."""


def make(where: str | None) -> Recorder:
    """The recorder of a project."""
    return WeightsAndBiases(where or os.environ.get("WANDB_PROJECT") or PROJECT)


class WeightsAndBiases(Recorder):
    """Logs the rows that a run does not have yet; offline runs are made anew."""

    name = "wandb"

    def __init__(self, project: str) -> None:
        self._project, self._mode = project, "offline"
        self._runs: dict[str, tuple[Any, int]] = {}  # with the rows that it had before
        self._place: Path | None = None

    def check(self) -> None:
        """See that it is installed, and that its server takes the key, if one is known.

        Raises:
            ConfigurationError: It is not, or it does not.
        """
        wandb, given = self._library(), os.environ.get("WANDB_MODE")
        if given not in (None, "online"):
            self._mode = given
            return
        try:
            knows_key = wandb.login(prompt=False, verify=True)
        except Exception as error:
            raise ConfigurationError(
                f"record wandb: {describe_error(error)[:300]}; mend it, or set WANDB_MODE=offline"
            ) from error
        if given == "online" and not knows_key:
            raise ConfigurationError(
                "record wandb: WANDB_MODE is online, and no key is known: set WANDB_API_KEY, run "
                "`wandb login`, or set WANDB_MODE=offline"
            )
        self._mode = "online" if knows_key else "offline"

    def begin(self, comparison: Begun) -> None:
        """Remove what was recorded of this comparison offline; a run is begun with its trials."""
        self._begun, self._rows = comparison, Numbered()
        given = os.environ.get("WANDB_DIR")
        if not given:
            inside(comparison.folder, "wandb", holds_links=True)
        self._place = Path(given or comparison.folder)
        if self._mode == "offline":
            for old in self._place.glob(f"wandb/offline-run-*-{comparison.identity}-*"):
                shutil.rmtree(old)

    def trials(self, ended: Sequence[EndedTrial]) -> None:
        """Log a row for each epoch and one for each trial."""
        for trial in ended:
            told = {"strategy": trial.strategy, "seed": trial.seed}
            run, n_before = self._run(trial.run, told)
            for number, row in self._rows.rows(trial):
                if number >= n_before:
                    run.log(dict(row), step=number)
            run.summary.update(
                {name: each for name, each in figures(trial).items() if name in _KEPT}
            )

    def finish(self, finished: Finished) -> None:
        """Log what was found, with report and summary, and end all runs."""
        run, _ = self._run(FINDING, {})
        run.summary.update({"headline": finished.analysis.headline, "note": note(finished)})
        for path in (finished.report, finished.summary):
            copy = Path(run.dir) / path.name
            shutil.copyfile(path, copy)
            run.save(str(copy), base_path=run.dir, policy="end")
        for each, _ in self._runs.values():
            each.finish()
        self._runs.clear()

    def look(self) -> str:
        """How it is looked at."""
        if self._place is None:
            return ""
        if self._mode == "offline":
            own = f"offline-run-*-{self._begun.identity}-*"
            return f"Weights & Biases: wandb sync {shlex.quote(str(self._place))}/wandb/{own}"
        return f"Weights & Biases: project {self._project}, group {self._begun.name}"

    def _run(self, name: str, told: Mapping[str, Any]) -> tuple[Any, int]:
        """A run of the comparison, and how many rows it had when it was opened."""
        if name not in self._runs:
            run = self._open(name, {**settings(self._begun), **told})
            run.define_metric("trial")
            for each in ("incumbent", "score"):
                run.define_metric(each, step_metric="spent_j")
            for each in ("epoch_score", "epoch_loss"):
                run.define_metric(each, step_metric="epoch_energy_j")
            self._runs[name] = run, run.step
        return self._runs[name]

    def _open(self, name: str, config: Mapping[str, Any]) -> Any:
        wandb = self._library()
        quiet = wandb.Settings(
            silent=True,
            console="off",
            init_timeout=_ANSWERS_S,
            disable_git=True,
            disable_code=True,
            x_disable_meta=True,  # it has the command line, in which passwords may stand
            # Its measurements of the machine would cost joules, and not be ours.
            x_disable_stats=True,
        )
        return wandb.init(
            project=self._project,
            group=self._begun.name,
            name=f"{self._begun.name} {name}",
            id=f"{self._begun.identity}-{file_name(name).replace('%', '-')}",
            dir=str(self._place),
            mode=self._mode,
            config=dict(config),
            resume=None if self._mode == "offline" else "allow",
            reinit="create_new",
            settings=quiet,
        )

    @staticmethod
    def _library() -> Any:
        return need_extra("wandb", "wandb", "Weights & Biases")


_KEPT = ("incumbent", "spent_j")
"""Figures of a run that its summary has."""
