"""Ready callbacks, each on the real library: whole, paused, cut short, and told wrongly."""

import os
import random
import re
import subprocess
import sys
import tempfile
from functools import cache

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import perjoule
from perjoule.energy import EnergyBudget, EnergyMeter
from perjoule.models.callbacks.randomness import random_state, set_random_state
from perjoule.models.checkpoint import copy_to_cpu, load_checkpoint, save_state
from perjoule.models.foresight import Steps
from perjoule.models.metric import Metric
from perjoule.models.objective import Objective
from perjoule.models.outcome import State, StepCost, StopRule
from perjoule.models.phases import Assignment

os.environ["KERAS_BACKEND"] = "torch"
# What the libraries say of themselves, of one another, and of how many workers load our few images.
QUIET = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated:FutureWarning",
    ".*does not have many workers",
)
pytestmark = [
    pytest.mark.conformance,
    *(pytest.mark.filterwarnings(f"ignore:{message}") for message in QUIET),
]
BATCH, EPOCHS = 64, 3
STEP_J, VALIDATE_J = 0.02, 0.005  # of one batch, as the trainings here count them
SHARES = [0.2, 0.45, 0.62, 0.95]  # of the joules of a whole trial

images, labels = load_digits(return_X_y=True)
images = (images / 16).astype("float32")
TRAIN = images[:640], labels[:640]
VALIDATION = images[640:896], labels[640:896]


def count(trial, energy_j):
    trial.count_operations(energy_j * 1e10)


def dataset(arrays):
    return torch.utils.data.TensorDataset(*(torch.from_numpy(each) for each in arrays))


def network():
    layers = (
        torch.nn.Linear(64, 32),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.2),
        torch.nn.Linear(32, 10),
    )
    return torch.nn.Sequential(*layers)


def with_lightning(trial, monitor="val_acc", package="lightning", **options):
    from perjoule.models.callbacks.lightning import LightningCallback

    lightning = pytest.importorskip(package, reason="needs perjoule[lightning]")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = network()

        def training_step(self, batch, _):
            count(trial, STEP_J)
            return torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])

        def validation_step(self, batch, _):
            count(trial, VALIDATE_J)
            outputs = self.network(batch[0])
            self.log("val_loss", torch.nn.functional.cross_entropy(outputs, batch[1]))
            self.log("val_acc", (outputs.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self):
            optimizer = torch.optim.Adam(self.parameters(), trial.params["rate"])
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.7)]

    lightning.seed_everything(trial.seed, verbose=False)
    trainer = lightning.Trainer(
        callbacks=[LightningCallback(trial, monitor)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
        **{"max_epochs": -1} | options,
    )
    loaders = (
        torch.utils.data.DataLoader(dataset(TRAIN), BATCH, shuffle=True),
        torch.utils.data.DataLoader(dataset(VALIDATION), BATCH),
    )
    trainer.fit(Module(), *loaders)
    return trainer


def with_transformers(trial, monitor=None, strategy="epoch"):
    from perjoule.models.callbacks.transformers import TransformersCallback

    transformers = pytest.importorskip("transformers", reason="needs perjoule[transformers]")

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network()

        def forward(self, pixels, labels):
            count(trial, STEP_J if self.training else VALIDATE_J)
            outputs = self.network(pixels)
            return {"loss": torch.nn.functional.cross_entropy(outputs, labels), "logits": outputs}

    class Digits(torch.utils.data.Dataset):
        def __init__(self, arrays):
            self.arrays = arrays

        def __len__(self):
            return len(self.arrays[1])

        def __getitem__(self, i):
            return {"pixels": torch.from_numpy(self.arrays[0][i]), "labels": int(self.arrays[1][i])}

    transformers.set_seed(trial.seed)
    trainer = transformers.Trainer(
        model=Network(),
        args=transformers.TrainingArguments(
            tempfile.gettempdir(),  # nothing is saved
            eval_strategy=strategy,
            eval_steps=4,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            num_train_epochs=EPOCHS,
            per_device_train_batch_size=BATCH,
            per_device_eval_batch_size=BATCH,
            learning_rate=trial.params["rate"],
            seed=trial.seed,
        ),
        train_dataset=Digits(TRAIN),
        eval_dataset=Digits(VALIDATION),
        compute_metrics=lambda found: {
            "accuracy": (found.predictions.argmax(1) == found.label_ids).mean()
        },
        callbacks=[TransformersCallback(trial, monitor)],
    )
    trainer.train()


def with_keras(trial, monitor=None):
    from perjoule.models.callbacks.keras import KerasCallback

    keras = pytest.importorskip("keras", reason="needs perjoule[keras]")

    class Counter(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            count(trial, STEP_J)

        def on_test_batch_end(self, batch, logs=None):
            count(trial, VALIDATE_J)

    keras.utils.set_random_seed(trial.seed)
    layers = keras.layers.Dense(32, "relu"), keras.layers.Dropout(0.2), keras.layers.Dense(10)
    model = keras.Sequential([keras.Input((64,)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(trial.params["rate"]), loss, metrics=["accuracy"])
    model.fit(
        *TRAIN,
        validation_data=VALIDATION,
        batch_size=BATCH,
        epochs=100,
        callbacks=[Counter(), KerasCallback(trial, monitor)],
        verbose=0,
    )


def with_xgboost(trial, monitor="validation-merror", rounds=1000, measures=("mlogloss", "merror")):
    from perjoule.models.callbacks.xgboost import XGBoostCallback

    xgboost = pytest.importorskip("xgboost", reason="needs perjoule[xgboost]")

    class Counter(xgboost.callback.TrainingCallback):
        def after_iteration(self, *_):
            count(trial, STEP_J)

    callback = XGBoostCallback(trial, monitor, every=10)
    xgboost.train(
        {"objective": "multi:softprob", "num_class": 10, "eval_metric": [*measures]}
        | {"nthread": 1, "max_depth": 3},
        xgboost.DMatrix(*TRAIN),
        num_boost_round=rounds,
        evals=[(xgboost.DMatrix(*VALIDATION), "validation")],
        xgb_model=callback.booster,
        callbacks=[Counter(), callback],
        verbose_eval=False,
    )


def with_partial_fit(trial, monitor=None):
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from perjoule.models.callbacks.scikit_learn import partial_fit_epochs

    class Counted(SGDClassifier):
        def partial_fit(self, *given, **more):
            count(trial, STEP_J)
            return super().partial_fit(*given, **more)

    model = make_pipeline(StandardScaler(), Counted(random_state=trial.seed))
    return partial_fit_epochs(trial, model, *TRAIN, *VALIDATION, batch_size=BATCH)


TRAININGS = {
    each.__name__.removeprefix("with_"): each
    for each in (with_lightning, with_transformers, with_keras, with_xgboost, with_partial_fit)
}
KEEP_NO_STATE = ("partial_fit",)


@pytest.fixture(params=TRAININGS)
def library(request):
    return request.param


@pytest.fixture
def meter():
    with EnergyMeter("model") as meter:
        yield meter


def slice_of(
    function, meter, until=EPOCHS, checkpoint=None, budget_j=1e9, metric="accuracy", **more
):
    stop = StopRule(until, pause=more.pop("pause", False))
    known = [Steps(each) for each in more.pop("known", ((), ()))]
    assignment = Assignment(stop, meter, EnergyBudget(budget_j, meter), **more)
    objective = Objective(function, Metric.parse(metric), seed=3, known_steps=known)
    return objective.train_slice({"rate": 0.01}, assignment, checkpoint)


@cache
def whole_of(library):
    with EnergyMeter("model") as meter:
        return slice_of(TRAININGS[library], meter)


def test_a_trial_in_one_piece_reports_each_epoch(library):
    result = whole_of(library)
    assert (result.message, result.state, result.epochs) == ("", State.COMPLETE, EPOCHS)
    assert [point.epoch for point in result.curve] == [1, 2, 3]
    assert result.score > 0.6
    assert result.curve[-1].score > result.curve[0].score
    phases_j = [phase.total_j or 0 for phase in (result.setup, result.train, result.validate)]
    assert sum(phases_j) == pytest.approx(result.curve[-1].energy_j)
    assert phases_j[0] == (2 * VALIDATE_J if library == "lightning" else 0)  # its sanity check
    if library in ("lightning", "transformers", "keras"):
        assert result.validate.total_j == pytest.approx(EPOCHS * 4 * VALIDATE_J)
        assert result.curve[-1].loss < result.curve[0].loss


def test_a_paused_trial_goes_on_to_the_same_scores(library, meter):
    function = TRAININGS[library]
    whole = whole_of(library)
    first = slice_of(function, meter, until=1, pause=True)
    assert (first.message, first.state, first.epochs) == ("", State.PAUSED, 1)
    assert (first.checkpoint is None) == (library in KEEP_NO_STATE)
    rest = slice_of(function, meter, checkpoint=first.checkpoint, done=1)
    assert (rest.message, rest.state, rest.epochs) == ("", State.COMPLETE, EPOCHS)
    pieces = [(point.epoch, point.score) for point in (*first.curve, *rest.curve)]
    assert pieces == [(point.epoch, point.score) for point in whole.curve]
    if library not in KEEP_NO_STATE:
        assert rest.train.total_j == pytest.approx(whole.train.total_j * 2 / 3)


@pytest.mark.parametrize("share", SHARES)
def test_a_small_budget_is_kept_and_nothing_half_trained_is_reported(library, meter, share):
    whole = whole_of(library)
    assert whole.state is State.COMPLETE
    budget_j = share * whole.reading.total_j
    result = slice_of(TRAININGS[library], meter, budget_j=budget_j)
    assert (result.message, result.state) == ("", State.TRUNCATED)
    assert result.epochs == len(result.curve) <= share * EPOCHS
    assert [p.score for p in result.curve] == [p.score for p in whole.curve[: result.epochs]]
    step_j = VALIDATE_J if library == "keras" else 0.0  # one batch of validation
    assert result.reading.total_j <= budget_j * (1 + 1e-9) + step_j


def test_what_is_monitored_but_not_logged_fails_the_trial_in_one_line(library, meter):
    if library == "partial_fit":
        pytest.skip("it monitors nothing")
    result = slice_of(lambda trial: TRAININGS[library](trial, monitor="f1"), meter)
    assert result.state is State.FAILED
    assert re.fullmatch(r"monitor = 'f1' was n\w+ logged, but .*(acc|merror).*", result.message)
    assert result.epochs <= EPOCHS
    assert result.reading.total_j > 0


def test_a_trial_without_joules_for_a_step_trains_none(library, meter):
    known = ([StepCost(1.0, STEP_J)], [])  # of another candidate
    result = slice_of(TRAININGS[library], meter, budget_j=1.4 * STEP_J, known=known)
    assert (result.message, result.state, result.epochs) == ("", State.TRUNCATED, 0)
    # Transformers takes a step before it ends.
    taken_j = {"lightning": 2 * VALIDATE_J, "transformers": STEP_J}.get(library, 0.0)
    assert result.reading.total_j == pytest.approx(taken_j)


def test_an_interruption_ends_at_once(library, meter):
    asked = iter(range(1000))
    result = slice_of(TRAININGS[library], meter, interrupted=lambda: next(asked) > 15)
    assert (result.message, result.state) == ("", State.INTERRUPTED)
    assert result.epochs <= 1
    assert result.train.total_j <= 16 * STEP_J


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        ({"max_epochs": 2}, [1, 2]),
        ({"check_val_every_n_epoch": 2}, [2]),
        ({"val_check_interval": 0.5}, [1, 2, 3]),
        ({"package": "pytorch_lightning"}, [1, 2, 3]),
    ],
)
def test_what_a_trainer_is_told_of_epochs_holds(meter, options, reported):
    result = slice_of(lambda trial: with_lightning(trial, **options), meter)
    assert (result.message, result.state) == ("", State.COMPLETE)
    assert [point.epoch for point in result.curve] == reported
    assert result.epochs == max(*reported, options.get("max_epochs", EPOCHS))


def test_rounds_that_fill_no_epoch_are_reported_where_xgboost_ends(meter):
    result = slice_of(lambda trial: with_xgboost(trial, rounds=15), meter)
    assert (result.message, result.state, result.epochs) == ("", State.COMPLETE, 2)
    assert [point.epoch for point in result.curve] == [1, 2]
    assert result.train.total_j == pytest.approx(15 * STEP_J)


def test_evaluations_between_epochs_are_the_trial_s_epochs(meter):
    result = slice_of(lambda trial: with_transformers(trial, strategy="steps"), meter, until=4)
    assert (result.message, result.state, result.epochs) == ("", State.COMPLETE, 4)
    assert result.train.total_j == pytest.approx(4 * 4 * STEP_J)
    half = slice_of(
        lambda trial: with_transformers(trial, strategy="steps"), meter, until=3, pause=True
    )
    rest = slice_of(
        lambda trial: with_transformers(trial, strategy="steps"),
        meter,
        until=4,
        checkpoint=half.checkpoint,
        done=3,
    )
    assert [point.epoch for point in rest.curve] == [4]
    assert rest.train.total_j == pytest.approx(4 * STEP_J)


@pytest.mark.parametrize(("metric", "measure"), [("accuracy", "merror"), ("loss", "mlogloss")])
def test_xgboost_reports_what_it_measures_of_the_metric_and_nothing_else(meter, metric, measure):
    assert slice_of(lambda t: with_xgboost(t, None, measures=[measure]), meter, metric=metric).score
    other = "mlogloss" if measure == "merror" else "merror"
    result = slice_of(lambda t: with_xgboost(t, None, measures=[other]), meter, metric=metric)
    assert result.message == f"monitor = '{metric}' was not logged, but validation-{other}"


def test_a_regression_minimises_what_xgboost_measures_of_it(meter):
    from perjoule.models.callbacks.xgboost import XGBoostCallback

    xgboost = pytest.importorskip("xgboost", reason="needs perjoule[xgboost]")

    def train(trial):
        callback = XGBoostCallback(trial, every=4)
        regressor = xgboost.XGBRegressor(n_estimators=100, n_jobs=1, callbacks=[callback])
        x, y = TRAIN[0][:, :20], TRAIN[0][:, 20]
        evaluated = [(VALIDATION[0][:, :20], VALIDATION[0][:, 20])]
        regressor.fit(x, y, eval_set=evaluated, xgb_model=callback.booster, verbose=False)

    whole = slice_of(train, meter, metric="rmse")
    first = slice_of(train, meter, metric="rmse", until=2, pause=True)
    rest = slice_of(train, meter, metric="rmse", checkpoint=first.checkpoint, done=2)
    scores = [point.score for point in whole.curve]
    assert (whole.message, scores) == ("", sorted(scores, reverse=True))
    assert [point.score for point in (*first.curve, *rest.curve)] == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "low", "high"),
    [("accuracy", 0.8, 1), ("f1", 0.8, 1), ("auc", 0.9, 1), ("loss", 0, 2)],
)
def test_any_estimator_is_fitted_once(meter, metric, low, high):
    from sklearn.ensemble import RandomForestClassifier

    from perjoule.models.callbacks.scikit_learn import fit_once

    fits = []

    def train(trial):
        forest = RandomForestClassifier(10, random_state=trial.seed)
        fits.append(fit_once(trial, forest, *TRAIN, *VALIDATION))
        count(trial, STEP_J)

    first = slice_of(train, meter, metric=metric, until=1, pause=True)
    assert (first.message, first.state, first.epochs) == ("", State.PAUSED, 1)
    assert low < first.score < high
    rest = slice_of(train, meter, metric=metric, checkpoint=first.checkpoint, done=1)
    assert (rest.message, rest.state, rest.curve) == ("", State.COMPLETE, ())
    assert [hasattr(forest, "estimators_") for forest in fits] == [True, False]


def test_an_estimator_that_cannot_be_trained_in_part_says_so(meter):
    from sklearn.svm import SVC

    from perjoule.models.callbacks.scikit_learn import partial_fit_epochs

    result = slice_of(lambda trial: partial_fit_epochs(trial, SVC(), *TRAIN, *VALIDATION), meter)
    assert result.message == "SVC has no partial_fit: take fit_once"


@pytest.mark.thorough
def test_a_missing_library_is_told_in_one_line_when_it_is_needed():
    code = """
import sys
for name in ("lightning", "pytorch_lightning", "transformers", "keras", "xgboost"):
    sys.modules[name] = None
from perjoule.errors import ConfigurationError
from perjoule.models.callbacks.keras import KerasCallback
from perjoule.models.callbacks.lightning import LightningCallback
from perjoule.models.callbacks.transformers import TransformersCallback
from perjoule.models.callbacks.xgboost import XGBoostCallback
for each in (KerasCallback, LightningCallback, TransformersCallback, XGBoostCallback):
    try:
        each(None)
    except ConfigurationError as error:
        print(error)
"""
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    either = "lightning (not installed) or pytorch_lightning (not installed)"
    assert told.splitlines() == [
        "KerasCallback needs keras (not installed): pip install 'perjoule[keras]'",
        f"LightningCallback needs {either}: pip install 'perjoule[lightning]'",
        "TransformersCallback needs transformers (not installed): "
        "pip install 'perjoule[transformers]'",
        "XGBoostCallback needs xgboost (not installed): pip install 'perjoule[xgboost]'",
    ]


def test_global_random_numbers_go_on_where_they_were():
    def draw():
        return random.random(), np.random.random(), torch.rand(1).item()

    before = random_state()
    random.gauss(0, 1)
    drawn = draw()
    for _ in range(2):
        set_random_state(load_checkpoint(save_state({"state": copy_to_cpu(before)}))["state"])
        random.gauss(0, 1)
        assert draw() == drawn


@pytest.mark.parametrize("library", ["lightning", "xgboost"])
def test_strategies_are_compared_over_a_library(library, tmp_path):
    result = perjoule.compare(
        objective=TRAININGS[library],
        space={"rate": {"low": 0.001, "high": 0.1, "log": True}, "epochs": 3},
        strategies=["random", "asha"],
        seeds=1,
        budget="5 J",
        meter="model",
        workers=1,
        out=tmp_path / "run",
    )
    trials = result.table.trials
    assert set(trials["strategy"]) == {"random", "asha"}
    assert trials.groupby("strategy")["score"].max().min() > 0.3
    assert trials["energy_j"].groupby(trials["strategy"]).sum().max() <= 2.5 * (1 + 1e-9)
    assert "failed" not in set(trials["state"])
    asha = result.table.curves.query("run.str.contains('asha')")
    assert not asha.duplicated(["run", "trial", "epoch"]).any()
