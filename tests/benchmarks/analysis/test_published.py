"""What others published of their measurements follows from their tables by our statistics.

Del Rey, Martínez-Fernández, Cruz and Franch, SEAA 2023: five architectures on three graphics cards.
Their figures are of joules per image: the energy of a training over the images it saw.
"""

import pandas as pd
import pytest

from perjoule import load_table
from perjoule.benchmarks.statistics.association import spearman
from perjoule.benchmarks.statistics.inference import coefficient_of_variation, kruskal_wallis
from perjoule.benchmarks.statistics.parametric import anova

CLOUD, LOCAL_ML = "Cloud", "Local ML Engineer/Gamer"  # GeForce RTX 3090 and 3070


@pytest.fixture(scope="module")
def trainings(recorded):
    table = load_table(
        recorded / "delrey-seaa2023" / "dl-training-energy-consumption-dataset.csv",
        by="training environment",
        mapping="strategy=architecture,seed=run,energy_j=energy (MJ)*1e6,"
        "duration_s=training duration (h)*3600,epochs=trained epochs",
    )
    return {
        group["training environment"]: part.trials.assign(
            image_j=part.trials["energy_j"] / part.trials["p.total seen images"].astype(float)
        )
        for group, part in table.groups
    }


def per_architecture(trials: pd.DataFrame, column: str) -> dict[str, pd.Series]:
    return {str(name): own[column] for name, own in trials.groupby("strategy")}


@pytest.fixture(scope="module")
def medians(trainings):
    return {
        environment: trials.groupby("strategy")["image_j"].median()
        for environment, trials in trainings.items()
    }


def test_all_trainings_are_read(trainings):
    assert {name: len(trials) for name, trials in trainings.items()} == {
        CLOUD: 150,
        LOCAL_ML: 159,
        "Local Normal User": 60,
    }


def test_the_architecture_explains_nine_tenths_of_the_energy_in_the_cloud(trainings):
    """Published: eta squared .91, with outliers left out that were chosen by eye.

    Of all 150 trainings it is .90. Without the dearest one of NASNetMobile, which the authors'
    notebook drops, it is .91.
    """
    trials = trainings[CLOUD]
    whole = kruskal_wallis(per_architecture(trials, "image_j"))
    assert (whole.k, whole.n, whole.conclusive) == (5, 150, True)
    assert whole.eta_squared == pytest.approx(0.8967, abs=5e-5)
    assert whole.p < 1e-20
    dearest = trials[trials["strategy"] == "nasnet_mobile"]["image_j"].idxmax()
    without = kruskal_wallis(per_architecture(trials.drop(index=dearest), "image_j"))
    assert without.eta_squared == pytest.approx(0.91, abs=0.005)

    # In joules per training it explains less, and a test of means is refused.
    per_training = kruskal_wallis(per_architecture(trials, "energy_j"))
    assert per_training.eta_squared == pytest.approx(0.549, abs=5e-4)
    means = anova(per_architecture(trials, "image_j"))
    assert not means.conclusive
    assert "do not look normal" in means.reason


def test_what_the_small_network_saves(medians, trainings):
    ratio = medians[CLOUD]["mobilenet_v2"] / medians[LOCAL_ML]["mobilenet_v2"]
    assert ratio == pytest.approx(1.8, abs=0.05)  # it costs more on the larger card
    saved = {
        environment: 1 - medians[environment]["mobilenet_v2"] / medians[environment]["vgg16"]
        for environment in (CLOUD, LOCAL_ML)
    }
    assert saved[CLOUD] == pytest.approx(0.64, abs=0.005)
    assert saved[LOCAL_ML] == pytest.approx(0.8166, abs=5e-5)
    # Published: 81 %, which the first thirty trainings give, as many as most networks had.
    thirty = trainings[LOCAL_ML].query("seed < 30").groupby("strategy")["image_j"].median()
    assert 1 - thirty["mobilenet_v2"] / thirty["vgg16"] == pytest.approx(0.81, abs=0.005)


def test_joules_follow_operations_but_not_in_proportion(trainings):
    dearer = {}
    for environment in (CLOUD, LOCAL_ML):
        trials = trainings[environment]
        flops = trials["p.GFLOPs"].astype(float)
        found = spearman(flops, trials["image_j"])
        assert found.conclusive
        assert 0.7 < found.rho < 1
        per_flop = (trials["image_j"] / flops).groupby(trials["strategy"]).median()
        dearer[environment] = per_flop["mobilenet_v2"] / per_flop["vgg16"]
    # An operation of the small network, against one of the large: 29 to 56 times the energy.
    assert dearer[LOCAL_ML] == pytest.approx(29, abs=0.5)
    assert dearer[CLOUD] == pytest.approx(56, abs=0.5)


def test_the_same_training_costs_much_the_same_again(trainings):
    vgg16 = trainings[CLOUD].query("strategy == 'vgg16'")
    assert coefficient_of_variation(vgg16["image_j"]) == pytest.approx(0.075, abs=5e-4)
    # A training ends when it stops to learn: that, and so its energy, varies more.
    assert coefficient_of_variation(vgg16["energy_j"]) == pytest.approx(0.156, abs=5e-4)
