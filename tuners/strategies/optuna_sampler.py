"""Any Optuna sampler as a strategy.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 2})
    >>> strategy = OptunaStrategy(space, seed=0, sampler="tpe")
    >>> for _ in range(20):
    ...     params = strategy.ask(spent_j=0.0).params
    ...     result = Told(params, State.COMPLETE, score=params["width"] / 64, energy_j=1.0)
    ...     strategy.tell(result)
    >>> strategy.ask(spent_j=20.0).params["width"] > 32
    True

When to use it: with ``"random"`` as the baseline; with ``"tpe"`` (Bergstra et al., NeurIPS 2011)
where asks must be cheap and trials number dozens or more; with a Gaussian process (``"gp"``: Ament
et al., NeurIPS 2023; ``"skopt-gp"``: Snoek et al., NeurIPS 2012) where trials are so dear that
there will be few. Joules reach samplers that weigh them as the trial's attribute ``energy_j``.

Formula: what the next candidate x makes the most of; f is a model of the score, f* the best so far,
l and g are the densities of the better trials and of the others:

    random                  drawn evenly over the space, on a log scale where an axis has one
    tpe                     l(x) / g(x)
    gp                      log EI(x),  EI(x) = E[max(f(x) - f*, 0)]
    skopt-gp, -forest, -gbrt    EI(x)
    skopt-eipj              EI(x) E[1 / joules(x)]

What it promises: a proposal is a function of the seed and the results told, not of how often the
strategy was asked, since every ask makes a new sampler from a seed of its own. In a conditional
space inactive hyperparameters are not suggested, or lie at one value (`parts.suggesting`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState

from ...models.outcome import State
from ...models.space import Space
from ..parts.proposals import propose
from ..parts.samplers import SAMPLERS, SeededSampler
from ..parts.studies import silent_study
from ..parts.suggesting import Suggesting
from ..strategy import Task, Told, Work, ask_seed


class OptunaStrategy:
    """Maximises the validation score with an Optuna sampler on an in-memory study.

    ``sampler`` is a name in `parts.samplers.SAMPLERS`, or makes one from a seed, for each ask.
    """

    directions: ClassVar[Sequence[str]] = ("maximize",)  # of each objective, for Optuna

    def __init__(
        self,
        space: Space,
        seed: int,
        task: Task | None = None,
        *,
        sampler: str | SeededSampler = "random",
    ) -> None:
        self._space, self._seed = space, seed
        self._sampler = sampler
        self._suggesting = Suggesting(space, self._make(seed) if space.conditions else None)
        self._study = silent_study(seed, directions=self.directions)
        self._learns = sampler != "random"  # else results are only counted
        self._asked: Trial | None = None
        self._n_told = 0  # Optuna copies all trials to count them

    @staticmethod
    def values(result: Told) -> Sequence[float] | None:
        """The objectives of a trial, or None if it failed or has none."""
        if result.score is None or result.state is State.FAILED:
            return None
        return [result.score]

    def ask(self, spent_j: float) -> Work:
        """Propose a candidate, to be trained for its own number of epochs."""
        if self._asked is None:
            self._asked = self._begin()
        params = self._suggesting.candidate(self._asked)
        return Work(params, int(params["epochs"]))

    def ask_like(self, spent_j: float, shared: Mapping[str, Any]) -> Work | None:
        """An independent draw that has these values; None of a sampler that learns.

        What it learnt of candidates of other shapes would say little of these.
        """
        if self._learns:
            return None
        params = propose("random", self._space, {}, ask_seed(self._seed, self._n_told), shared)
        return Work(params, int(params["epochs"]))

    def _begin(self) -> Trial:
        if not self._learns:
            self._study = silent_study(self._seed, directions=self.directions)
        self._study.sampler = self._next_sampler()
        return self._suggesting.ask(self._study)

    def _next_sampler(self) -> BaseSampler:
        return self._suggesting.sampler(self._make(ask_seed(self._seed, self._n_told)))

    def _make(self, seed: int) -> BaseSampler:
        if isinstance(self._sampler, str):
            return SAMPLERS[self._sampler](seed, self._space)
        return self._sampler(seed)

    def tell(self, result: Told) -> None:
        """Learn a result; one without values counts as a failed trial."""
        if self._learns:
            self._learn(result)
        self._asked = None
        self._n_told += 1

    def _learn(self, result: Told) -> None:
        values = self.values(result)
        state = TrialState.FAIL if values is None else TrialState.COMPLETE
        # What a trial cost, for samplers that weigh it.
        attributes = {} if result.energy_j is None else {"energy_j": result.energy_j}
        if self._asked is not None:
            for key, amount in attributes.items():
                self._asked.set_user_attr(key, amount)
            self._study.tell(self._asked, values, state)
        else:
            self._study.add_trial(
                self._suggesting.trial(
                    result.params, state=state, values=values, user_attrs=attributes
                )
            )
