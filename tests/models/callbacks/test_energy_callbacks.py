"""Callbacks that only meter, each on the real library."""

import copy
import csv
import logging
import os
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import perjoule
from perjoule.energy import EnergyMeter, Kind, Scope, Source, SourceInfo
from perjoule.errors import SourceError

os.environ["KERAS_BACKEND"] = "torch"
pytestmark = [
    pytest.mark.conformance,
    pytest.mark.filterwarnings(r"ignore:`isinstance\(treespec, LeafSpec\)`:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]
N_TRAIN, N_VALIDATE, BATCH, EPOCHS = 12, 4, 4, 2
TRAIN_J, VALIDATE_J = 3.0, 0.5  # of a batch, as the networks here count them
SAMPLES = torch.randn(N_TRAIN + N_VALIDATE, 4), torch.zeros(N_TRAIN + N_VALIDATE, dtype=torch.long)


@pytest.fixture
def meter():
    with EnergyMeter("model") as meter:
        yield meter


class Counter(Source):
    """A counter in steps of a second, that a test moves, and which may fail."""

    info = SourceInfo("box", "node", Kind.MEASURED, Scope.NODE, "box", update_period_s=1.0)

    def __init__(self):
        self.joules, self.fails = 0.0, False

    def read(self):
        if self.fails:
            raise SourceError("the plug was pulled")
        self.joules += 1.0
        return self.joules


class Network(torch.nn.Module):
    """Counts operations of each batch, and may fail in the second epoch."""

    def __init__(self, meter, fails_at=None):
        super().__init__()
        self.layer, self.meter = torch.nn.Linear(4, 2), meter
        self.steps, self.fails_at = 0, fails_at

    def forward(self, pixels, labels):
        self.meter.count_operations(1e10 * (TRAIN_J if self.training else VALIDATE_J))
        self.steps += self.training
        if self.steps == self.fails_at:
            raise ZeroDivisionError("of the training")
        return {"loss": torch.nn.functional.cross_entropy(self.layer(pixels), labels)}


def with_lightning(callback, meter, folder, *, fails_at=None, resume=None, **options):
    lightning = pytest.importorskip("lightning.pytorch", reason="needs perjoule[lightning]")
    from lightning.pytorch.loggers import CSVLogger

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = Network(meter, fails_at)

        def training_step(self, batch, _):
            return self.network(*batch)["loss"]

        def validation_step(self, batch, _):
            self.log("val_loss", self.network(*batch)["loss"])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    data = torch.utils.data.TensorDataset(*SAMPLES)
    parts = torch.utils.data.random_split(data, [N_TRAIN, N_VALIDATE])
    train, validation = (torch.utils.data.DataLoader(part, BATCH) for part in parts)
    trainer = lightning.Trainer(
        **{"callbacks": [callback], "enable_checkpointing": False} | options,
        max_epochs=EPOCHS,
        logger=CSVLogger(folder),
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
    )
    trainer.fit(Module(), train, validation, ckpt_path=resume, weights_only=False)
    with Path(trainer.logger.log_dir, "metrics.csv").open() as file:
        rows = [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]
    return [row for row in rows if "energy_j" in row]


def with_transformers(
    callback, meter, folder, *, fails_at=None, resume=None, first=None, **options
):
    transformers = pytest.importorskip("transformers", reason="needs perjoule[transformers]")
    pytest.importorskip("accelerate", reason="needs perjoule[transformers]")

    class AfterFirstStep(transformers.TrainerCallback):
        def __init__(self, act):
            self.act = act

        def on_step_end(self, args, state, control, **_):
            if state.global_step == 1:
                self.act()

    class Rows(torch.utils.data.Dataset):
        def __init__(self, rows):
            self.rows = rows

        def __len__(self):
            return len(self.rows)

        def __getitem__(self, i):
            return {"pixels": SAMPLES[0][self.rows[i]], "labels": SAMPLES[1][self.rows[i]]}

    arguments = transformers.TrainingArguments(
        str(folder),
        **{"eval_strategy": "epoch", "report_to": [], "save_strategy": "no"} | options,
        num_train_epochs=EPOCHS,
        per_device_train_batch_size=BATCH,
        per_device_eval_batch_size=BATCH,
        disable_tqdm=True,
        use_cpu=True,
    )
    trainer = transformers.Trainer(
        Network(meter, fails_at),
        arguments,
        train_dataset=Rows(range(N_TRAIN)),
        eval_dataset=Rows(range(N_TRAIN, N_TRAIN + N_VALIDATE)),
        callbacks=[callback],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    if first is not None:
        trainer.add_callback(AfterFirstStep(lambda: first(trainer)))
    trainer.train(resume_from_checkpoint=resume)
    return [entry for entry in trainer.state.log_history if "energy_j" in entry]


def with_keras(callback, meter, folder, *, fails_at=None):
    keras = pytest.importorskip("keras", reason="needs perjoule[keras]")

    class Counted(keras.callbacks.Callback):
        steps = 0

        def on_train_batch_end(self, batch, logs=None):
            meter.count_operations(1e10 * TRAIN_J)
            self.steps += 1
            if self.steps == fails_at:
                raise ZeroDivisionError("of the training")

        def on_test_batch_end(self, batch, logs=None):
            meter.count_operations(1e10 * VALIDATE_J)

    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = (np.asarray(each) for each in SAMPLES)
    logs = model.fit(
        x[:N_TRAIN],
        y[:N_TRAIN],
        batch_size=BATCH,
        epochs=EPOCHS,
        validation_data=(x[N_TRAIN:], y[N_TRAIN:]),
        callbacks=[Counted(), callback],
        verbose=0,
    ).history
    names = [name for name in logs if name.startswith("energy")]
    return [{n: logs[n][epoch] for n in names} for epoch in range(EPOCHS) if names]


TRAININGS = {
    "Lightning": with_lightning,
    "Transformers": with_transformers,
    "Keras": with_keras,
}


@pytest.fixture(params=TRAININGS)
def library(request):
    return request.param


def callback_of(library, meter):
    return getattr(perjoule, f"{library}EnergyCallback")(meter)


def test_each_epoch_s_joules_are_kept_and_logged_by_phase(library, meter, tmp_path):
    callback = callback_of(library, meter)
    logged = TRAININGS[library](callback, meter, tmp_path)
    train_j, validate_j = 3 * TRAIN_J, VALIDATE_J
    assert [each.epoch for each in callback.epochs] == [0, 1]
    for index, (epoch, figures) in enumerate(zip(callback.epochs, logged, strict=True)):
        assert epoch.train.total_j == pytest.approx(train_j)
        assert epoch.validate.total_j == pytest.approx(validate_j)
        assert epoch.reading.kind == "modelled"
        assert figures["energy_train_j"] == pytest.approx(train_j)
        assert figures["energy_validate_j"] == pytest.approx(validate_j)
        assert figures["energy_j"] == figures["energy_modelled_j"] == epoch.reading.total_j
        so_far_j = (index + 1) * (train_j + validate_j) + callback.other.total_j
        assert figures["energy_so_far_j"] == pytest.approx(so_far_j)
    sanity_j = VALIDATE_J if library == "Lightning" else 0.0  # of its check before training
    assert callback.other.total_j == pytest.approx(sanity_j)
    assert callback.reading.total_j == pytest.approx(meter.operations / 1e10)


def test_unknown_joules_are_left_out_of_the_log_and_told_once(library, meter, tmp_path, caplog):
    counter = Counter()
    callback = callback_of(library, EnergyMeter([counter]))
    counter.fails = True
    assert TRAININGS[library](callback, meter, tmp_path) == []
    assert [each.reading.total_j for each in callback.epochs] == [None, None]
    assert callback.reading.total_j is None
    told = [line for line in caplog.messages if line.startswith("perjoule")]
    assert sum("the plug was pulled" in line for line in told) == 1
    assert sum("none are logged" in line for line in told) == 1


def test_short_epochs_are_flagged_with_their_bound_once(library, meter, tmp_path, caplog):
    callback = callback_of(library, EnergyMeter([Counter()]))
    TRAININGS[library](callback, meter, tmp_path)
    [part] = callback.epochs[0].reading.components
    assert part.bound_j > 0
    assert "below 5 update periods" in part.warnings[0]
    flags = [line for line in caplog.messages if "below 5 update periods" in line]
    assert len(flags) == 1
    assert re.search(r"epoch 0: box: .*; off by up to [\d.]+ k?J", flags[0])


def test_an_error_of_the_meter_ends_no_training(library, meter, tmp_path, caplog):
    class Broken(EnergyMeter):
        def between(self, start, end):
            raise RuntimeError("of the meter")

    callback = callback_of(library, Broken("model"))
    TRAININGS[library](callback, meter, tmp_path)
    assert meter.operations >= 1e10 * EPOCHS * 3 * TRAIN_J
    told = [line for line in caplog.messages if "metering failed" in line]
    assert told == ["perjoule: metering failed: RuntimeError: of the meter"]


def test_a_meter_that_is_none_is_told_before_anything_is_trained(library, meter, tmp_path):
    with pytest.raises(perjoule.UnknownNameError, match="nonsense"):
        TRAININGS[library](callback_of(library, "nonsense"), meter, tmp_path)
    assert meter.operations <= 1e10 * 2 * VALIDATE_J


def test_a_training_that_fails_leaves_no_window_open(library, meter, tmp_path):
    callback = callback_of(library, meter)
    with pytest.raises(ZeroDivisionError):
        TRAININGS[library](callback, meter, tmp_path, fails_at=5)
    if library != "Lightning":  # the others tell callbacks nothing of it
        callback.close()
    assert not callback._phases.is_open
    spent_j = meter.operations / 1e10
    assert callback.reading.total_j == pytest.approx(spent_j)
    assert [each.train.total_j for each in callback.epochs] == [pytest.approx(3 * TRAIN_J)]
    meter.count_operations(1e10)
    assert callback.reading.total_j == pytest.approx(spent_j)
    assert len(TRAININGS[library](callback, meter, tmp_path)) == EPOCHS  # it meters again


def test_what_is_evaluated_after_a_failed_training_is_none_of_it(meter, tmp_path):
    callback, trainers = perjoule.TransformersEnergyCallback(meter), []
    with pytest.raises(ZeroDivisionError):
        with_transformers(callback, meter, tmp_path, fails_at=5, first=trainers.append)
    read_j = callback.reading.total_j
    meter.count_operations(1e12)
    trainers[0].model.fails_at = None
    trainers[0].evaluate()
    callback.close()
    assert callback.reading.total_j == read_j


def test_evaluations_within_an_epoch_are_told_from_its_training(meter, tmp_path):
    callback = perjoule.TransformersEnergyCallback(meter)
    with_transformers(callback, meter, tmp_path, eval_strategy="steps", eval_steps=1)
    assert [each.validate.total_j for each in callback.epochs] == [3 * VALIDATE_J] * 2
    assert [each.train.total_j for each in callback.epochs] == [3 * TRAIN_J] * 2
    callback = perjoule.LightningEnergyCallback(meter)
    with_lightning(callback, meter, tmp_path, val_check_interval=1, num_sanity_val_steps=0)
    assert [each.validate.total_j for each in callback.epochs] == [3 * VALIDATE_J] * 2


@pytest.mark.filterwarnings("ignore:Be aware that when using `ckpt_path`", "ignore:You're resuming")
def test_a_training_that_goes_on_within_an_epoch_is_metered_by_phase(meter, tmp_path):
    # As saved two thirds into the second epoch.
    callback = perjoule.TransformersEnergyCallback(meter)
    with_transformers(callback, meter, tmp_path / "hf", save_strategy="steps", save_steps=5)
    with_transformers(callback, meter, tmp_path, resume=str(tmp_path / "hf" / "checkpoint-5"))
    [epoch] = callback.epochs
    assert (epoch.epoch, epoch.train.total_j, epoch.validate.total_j) == (1, TRAIN_J, VALIDATE_J)

    module = pytest.importorskip("lightning.pytorch.callbacks")
    callback = perjoule.LightningEnergyCallback(meter)
    saves = module.ModelCheckpoint(tmp_path / "pl", filename="saved", every_n_train_steps=5)
    with_lightning(callback, meter, tmp_path, callbacks=[saves], enable_checkpointing=True)
    with_lightning(callback, meter, tmp_path, resume=tmp_path / "pl" / "saved.ckpt")
    [epoch] = callback.epochs
    assert (epoch.epoch, epoch.train.total_j, epoch.validate.total_j) == (1, TRAIN_J, VALIDATE_J)


def test_a_prediction_and_a_copy_within_a_training_change_nothing(meter, tmp_path):
    callback, copies = perjoule.TransformersEnergyCallback(meter), []

    def meddle(trainer):
        trainer.predict(trainer.eval_dataset)
        copies.append(copy.deepcopy(callback))

    with_transformers(callback, meter, tmp_path, eval_strategy="no", first=meddle)
    # What predicts is known to have begun after its first batch, which is all of this one.
    assert callback.epochs[0].train.total_j == 3 * TRAIN_J + VALIDATE_J
    copies[0].close()
    assert copies[0].reading.total_j == TRAIN_J + VALIDATE_J  # until then
    own = perjoule.TransformersEnergyCallback("model")
    with_transformers(own, meter, tmp_path, first=lambda _: copies.append(pickle.dumps(own)))
    assert pickle.loads(copies[1]).epochs == ()


def test_trackio_gets_each_epoch_s_joules(meter, tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    storage = pytest.importorskip("trackio.sqlite_storage").SQLiteStorage
    callback = perjoule.TransformersEnergyCallback(meter)
    named = {"report_to": ["trackio"], "project": "perjoule-meters", "run_name": "one"}
    with_transformers(callback, meter, tmp_path, **named)
    rows = storage.get_logs("perjoule-meters", "one")
    joules = [row["train/energy_j"] for row in rows if "train/energy_j" in row]
    assert joules == [each.reading.total_j for each in callback.epochs]


def test_real_joules_of_the_process_are_metered(tmp_path, meter, caplog):
    caplog.set_level(logging.WARNING)
    callback = perjoule.LightningEnergyCallback("cpu_time:6.5")
    [*_, last] = with_lightning(callback, meter, tmp_path)
    assert last["energy_so_far_j"] > last["energy_j"] > 0
    assert callback.reading.kind == "modelled"
