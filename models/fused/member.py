"""One candidate of a stack: what it keeps for itself while its layers are computed with others'."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from ..augmentation import augmentation
from ..early_stopping import stop_early
from ..network_training import NetworkTraining
from ..schedule import rate_factor
from ..scoring import cross_entropy, score_of
from ..tasks import exclude, other_tasks, soft_targets
from ..trial import Trial, TrialFailed
from .descent import Descent


class Member:
    """A candidate with its network, optimiser, order of samples and random numbers.

    Its epochs are those of `NetworkTraining`: the same seeds, rates, reports and checkpoints.

    Attributes:
        trial: Whose candidate it is.
        runtime: At its precision.
        batches: Of this epoch, each of indices of samples.
        rates: Of learning, for each step of this epoch.
        generator: Of the random numbers of dropout and augmentation.
        targets: Of its loss, float (label, class).
        loss: Sum over the samples seen in this epoch.
        logits: Of the batches that were validated in this epoch.
    """

    def __init__(self, training: NetworkTraining, trial: Trial) -> None:
        self._training, self.trial = training, trial
        built = training.build(trial.params, trial.seed)
        self.network, self._optimizer, self.settings, self.runtime = built
        training.announce(trial, self.network, self.settings.batch_size)
        self._scores: list[float] = []  # of all epochs of the trial
        if (state := trial.restore()) is not None:
            self.network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._scores = list(state.get("scores", ()))
        self._trained = list(self.network.parameters())
        self._descent = Descent(self._optimizer)
        self._augment = augmentation(self.settings.augmentation)
        self._epochs: Iterator[int] = trial.epochs()
        self._epoch = 0
        self.rates: list[float] = []
        data, device = training.data, training.runtime.device
        self._others = other_tasks(data.tasks, device)
        everything = torch.zeros(data.n_classes, data.n_classes, dtype=torch.bool, device=device)
        others = everything if self._others is None else self._others
        self.targets = soft_targets(~others, self.settings.label_smoothing)
        self.generator = torch.Generator()
        self.batches: Sequence[Tensor] = ()
        self.loss = torch.zeros((), device=device)
        self.logits: list[Tensor] = []

    @property
    def order(self) -> tuple[int, int]:
        """What decides the order of samples of this epoch."""
        return self.trial.seed, self._epoch

    @property
    def augments(self) -> bool:
        """Whether its samples are its own for their augmentation."""
        return self._augment is not None

    def goes_on(self) -> bool:
        """Whether its trial has the next step, or the next batch of validation."""
        return not self.trial.should_stop()

    def begin_epoch(self) -> bool:
        """Begin the next epoch, if it shall be trained: draw its batches, foresee its rates."""
        epoch = next(self._epochs, None)
        if epoch is None:
            return False
        self._epoch, settings = epoch, self.settings
        generator = torch.Generator().manual_seed(self.trial.seed * 100_003 + epoch)
        order = torch.randperm(len(self._training.data.train), generator=generator)
        batches = order.to(self.loss.device).split(settings.batch_size)
        self.batches = batches[:-1] if len(batches[-1]) == 1 else batches  # as `train_epoch` does
        self.generator.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        n_steps, share = len(self.batches), settings.warmup_share or 0.0
        self.rates = [
            settings.learning_rate
            * rate_factor(settings.schedule, share, step, settings.epochs * n_steps)
            for step in range(epoch * n_steps, (epoch + 1) * n_steps)
        ]
        self.loss.zero_()
        self.logits = []
        return True

    def augment(self, images: Tensor) -> Tensor:
        """Augment images (n, height, width, channels) by its own random numbers."""
        if self._augment is None:
            return images
        torch.set_rng_state(self.generator.get_state())
        images = self._augment(images)
        self.generator.set_state(torch.get_rng_state())
        return images

    def descend(self, rate: float | Tensor) -> None:
        """Take a step of the optimiser along the gradients of its parameters."""
        if self.settings.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self._trained, self.settings.gradient_clip)
        self._descent(rate)

    def begin_validation(self, n_seen: int) -> bool:
        """End the training of an epoch of so many samples; always true.

        Raises:
            TrialFailed: The loss is not finite.
        """
        loss = float(self.loss) / n_seen if n_seen else math.nan
        if not math.isfinite(loss):
            raise TrialFailed(f"loss {loss} in epoch {self._epoch + 1}")
        self.trial.phase("validate")
        return True

    def end_epoch(self) -> bool:
        """Score, report and save the epoch; whether the candidate has more to gain.

        Raises:
            TrialFailed: As of `Trial.report` and `Trial.save`.
        """
        metric, labels = self._training.metric, self._training.data.validation.labels
        seen = exclude(torch.cat(self.logits), labels, self._others)
        self._scores.append(score_of(metric)(seen, labels))
        self.trial.report(**{"loss": cross_entropy(seen, labels), metric.name: self._scores[-1]})
        self._optimizer.param_groups[0]["lr"] = self.rates[-1]
        network, optimizer = self.network.state_dict(), self._optimizer.state_dict()
        self.trial.save({"network": network, "optimizer": optimizer, "scores": self._scores})
        return not stop_early(self._scores, self.settings.patience, metric)
