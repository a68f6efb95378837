"""Architectures, places and meters: the analysis on made, published and freshly trained tables."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from perjoule import api
from perjoule.benchmarks.comparison.folder import Folder
from perjoule.benchmarks.comparison.loading import read_run
from perjoule.benchmarks.comparison.start import run_comparison
from perjoule.benchmarks.importers import import_table
from perjoule.benchmarks.studies.architectures.contradictions import contradictions, pairs_of
from perjoule.benchmarks.studies.architectures.meters import joules_by_meter, meters_beside
from perjoule.benchmarks.studies.architectures.network import (
    Convolutions,
    convolutional_parts,
    frozen,
)
from perjoule.benchmarks.studies.architectures.places import EXACT, PAPERS, elsewhere, intensities
from perjoule.benchmarks.studies.architectures.study import STUDY, TRAINING, train
from perjoule.benchmarks.studies.design import Design, Options, Part
from perjoule.benchmarks.studies.running import experiment_of
from perjoule.benchmarks.studies.tables import complete, study_table
from perjoule.errors import DataError, UnknownNameError
from perjoule.models.data.splits import Split
from perjoule.models.networks.heads import head_name
from perjoule.models.networks.torchvision_models import torchvision_model
from perjoule.models.operations import count_parameters
from perjoule.models.runtime import Runtime
from perjoule.models.training import build, train_epoch

ENERGY, EFFICIENCY, OPERATIONS = "Training ResNet50", "VGG16 gives more", "A network can take"
EMISSIONS, SAME, NODE = "Emissions differ", "Energy differs", "A wattmeter"


def claims(table, beginning):
    """The claims that begin so, in their order."""
    return [each for each in STUDY.analyse(table).claims if each.statement.startswith(beginning)]


def exhibit(table, name):
    return next(each for each in STUDY.analyse(table).exhibits if each.name == name)


@pytest.fixture(scope="module")
def published(recorded):
    return recorded / "xu-hicss2023" / "data" / "raw"


@pytest.fixture(scope="module")
def cloud(published):
    return import_table("xu-hicss2023", sorted((published / "kaggle").glob("*.csv")))


@pytest.fixture(scope="module")
def node(published):
    files = sorted((published / "grilla").glob("results_summary/*/emissions.csv"))
    return import_table("xu-hicss2023", files)


def test_the_papers_energies_follow_per_training(cloud):
    on_cifar10, on_mnist = (each.ours.value for each in claims(cloud, ENERGY))
    assert (round(on_cifar10, 2), round(on_mnist, 2)) == (1.06, 1.11)
    # Three trainings cannot tell that from 1.
    assert [each.holds for each in claims(cloud, ENERGY)] == [None, None]


def test_the_papers_regions_differ_in_emissions_but_little_in_energy(cloud):
    (emissions,), (energy,) = claims(cloud, EMISSIONS), claims(cloud, SAME)
    assert emissions.ours.value == pytest.approx(4.5, rel=0.01)
    assert energy.ours.value == pytest.approx(1.17, abs=0.005)
    assert emissions.holds
    assert energy.holds


def test_the_papers_wattmeter_reads_more_than_codecarbon(node):
    (claim,) = claims(node, NODE)
    assert claim.holds
    assert claim.ours.value == pytest.approx(1.79, abs=0.005)
    assert (claim.ours.low, claim.ours.high) == pytest.approx((1.743, 1.837), abs=0.001)
    assert "within the paper's range, and 6 cells range from 1.71 to 1.87" in claim.why
    assert "without the 2 windows in which CodeCarbon lost a part" in claim.why
    plot = exhibit(node, "agreement-wattmeter")
    assert sum(len(each.y) for each in plot.series) == 18
    mean, low, high = (mark.at for mark in plot.marks[:3])
    assert low < mean < high


def test_the_papers_scores_are_those_of_its_table(node):
    rows = exhibit(node, "efficiency-CIFAR10").rows
    scores = {row[0]: round(row[5].value, 3) for row in rows}
    assert scores == {"vgg16": 0.737, "vgg19": 0.611, "resnet50": 0.305}
    for claim, paper in zip(claims(node, EFFICIENCY), (2.42, 1.55), strict=True):
        assert claim.ours.value == pytest.approx(paper, rel=0.01)
        assert claim.holds
    # A third of the operations, and more energy.
    assert [each.holds for each in claims(node, OPERATIONS)] == [True, True]


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "emissions.csv"
    path.write_text("timestamp,project_name,duration,energy_consumed\n2022-01-01T00:00:00,c,1,1\n")
    with pytest.raises(DataError, match="is none of the files of the paper: give its data/raw"):
        import_table("xu-hicss2023", path)


def made(**columns):
    """A table of three repetitions of VGG16 and ResNet50."""
    rows = [(name, seed) for seed in range(3) for name in ("vgg16", "resnet50")]
    frame = pd.DataFrame(rows, columns=["strategy", "seed"])
    frame = frame.assign(energy_j=[100.0, 130.0, 110.0, 140.0, 90.0, 120.0], score=0.5)
    return frame.assign(**columns)


def test_a_pair_against_the_order_of_operations_is_pointed_out_with_its_interval():
    flops = [900, 300] * 3
    (claim,) = claims(api.load_table(made(flops=flops)), OPERATIONS)
    assert claim.holds
    assert (claim.ours.value, claim.ours.low) == pytest.approx((1.3, 1.27), abs=0.005)
    assert claim.paper.high == 1.11  # the same pair, the same quantity
    assert "1.30 times that of vgg16 at 0.33 of its operations, picked on other" in claim.why
    rows = exhibit(api.load_table(made(flops=flops)), "contradictions-the-recorded-data").rows
    assert [row[:2] for row in rows] == [("resnet50", "vgg16")]
    (other_way,) = claims(api.load_table(made(flops=flops[::-1])), OPERATIONS)
    assert (other_way.holds, other_way.paper) == (False, None)
    assert other_way.ours.high < 1
    (unknown,) = claims(api.load_table(made()), OPERATIONS)
    assert (unknown.holds, unknown.why) == (None, "operations are not in the table")
    (one,) = claims(api.load_table(made(flops=flops).head(2)), OPERATIONS)
    assert (one.holds, one.ours.low) == (None, None)


def test_a_pair_whose_interval_holds_one_is_no_contradiction():
    trials = made(flops=[900, 300] * 3, energy_j=[100, 130, 110, 90, 100, 105.0])
    assert contradictions(pairs_of(trials.assign(architecture=trials["strategy"]))) == []


def test_chance_does_not_make_a_pair_contradict_its_operations():
    """Many networks of the same energy: the largest of many ratios is above 1, by chance alone."""
    generator = np.random.default_rng(1)
    rows = [(f"net{net}", seed, 100 + net) for seed in range(5) for net in range(12)]
    frame = pd.DataFrame(rows, columns=["strategy", "seed", "flops"])
    frame["score"] = 0.5
    frame["energy_j"] = 100 * np.exp(0.1 * generator.standard_normal(len(frame)))
    assert contradictions(pairs_of(frame.assign(architecture=frame["strategy"])))
    (claim,) = claims(api.load_table(frame), OPERATIONS)
    assert claim.holds is None
    assert claim.paper is None


def test_energy_is_explained_by_operations_and_what_each_takes():
    energies_j = [100.0, 80.0] * 3
    table = api.load_table(made(flops=[900, 300] * 3, energy_j=energies_j))
    (why,) = (each.why for each in claims(table, ENERGY))
    assert "ResNet50 needs 0.33 of VGG16's operations, and each takes 2.4 times the joules" in why
    assert "in the paper's cloud 3.2 to 3.4 times" in why
    (why,) = (each.why for each in claims(table, EFFICIENCY))
    assert why.startswith("VGG16 reaches 50.0 % and ResNet50 50.0 % at 0.80 times the energy")


def test_one_repetition_failed_trainings_and_unknown_joules_are_told():
    one = made().head(2).assign(state=["complete", "failed"])
    assert [each.holds for each in claims(api.load_table(one), ENERGY)] == [None]
    findings = STUDY.analyse(api.load_table(one))
    assert findings.notes[0].startswith("Not compared: 1 of 2 trainings")
    assert findings.notes[1].startswith("There is one repetition")
    nothing = made(energy_j=None)
    assert STUDY.analyse(api.load_table(nothing)).claims == ()


def test_emissions_of_two_places_are_as_their_intensities():
    places = intensities(["200 g/kWh", "50 g/kWh", "FRA", "nowhere"])
    assert list(places) == ["200 g/kWh", "50 g/kWh", "FRA"]
    ratio = places["200 g/kWh"].g_per_kwh / places["50 g/kWh"].g_per_kwh
    del places["FRA"]
    claim = elsewhere([1234.5, 0.1, 7e6], places)
    assert claim.holds
    assert claim.ours.value == pytest.approx(ratio, rel=EXACT)
    assert "by construction" in claim.why
    assert claim.paper is None  # those are other places
    papers = elsewhere([5.0], {**places, **intensities(PAPERS)})
    assert papers.ours.note.startswith("Taiwan over Oregon")
    assert papers.paper.note.startswith("Taiwan over Oregon, intensities of 2022")
    assert elsewhere([], places).holds is None
    assert elsewhere([1.0], {}).holds is None


def test_an_asked_place_is_in_the_table_of_places():
    table = api.load_table(made())
    asked = {"study": {"options": {"carbon": "20 g/kWh"}}}
    table = api.Table(table.trials, description=asked)
    assert exhibit(table, "places").rows[0][1].value == 20


def test_meters_that_cannot_be_read_are_unavailable_with_the_reason():
    sheet = exhibit(api.load_table(made()), "meters")
    told = {row[0]: row[4] for row in sheet.rows}
    assert set(told) == {"wattmeter", "codecarbon", "cpu_time", "rapl", "nvml"}
    assert all(each.startswith("unavailable: ") for each in told.values())
    (claim,) = claims(api.load_table(made()), NODE)
    assert claim.holds is None
    assert "none was named" in claim.why


def test_short_windows_of_a_slow_meter_are_left_out():
    mapped = made(duration_s=[4.0, 9.0] * 3, node_j=200.0).assign(kwh=100 / 3.6e6)
    table = api.load_table(mapped, mapping="p.codecarbon_j=kwh*3.6e6")
    plot = exhibit(table, "agreement-wattmeter")
    assert [each.name for each in plot.series] == ["resnet50"]
    assert plot.series[0].y == pytest.approx((2.0, 2.0, 2.0))
    assert plot.notes[0].startswith("3 windows are left out")


def with_meters(node_j, **columns):
    """A table of windows of a wattmeter and of CodeCarbon, which counts 100 J in each."""
    long = made(duration_s=9.0, node_j=node_j).assign(kwh=100 / 3.6e6, **columns)
    return api.load_table(long, mapping="p.codecarbon_j=kwh*3.6e6")


def test_a_wattmeter_reads_more_if_its_interval_lies_above_one():
    (far,) = claims(with_meters([300.0, 310.0] * 3), NODE)
    assert far.holds  # though the paper's are 1.71 to 1.87
    assert "above the paper's range" in far.why
    (unsure,) = claims(with_meters([60.0, 180.0] * 3), NODE)
    assert unsure.holds is None  # though its range has the paper's
    (less,) = claims(with_meters([80.0, 82.0] * 3), NODE)
    assert less.holds is False
    (one,) = claims(with_meters([180.0, *[None] * 5]), NODE)
    assert (one.holds, one.ours.low) == (None, None)
    assert "nan" not in one.why


@pytest.mark.parametrize(
    "columns",
    [
        {"p.architecture": None},
        {"g.dataset": None, "g.place": None},
        {"g.dataset": None, "g.place": ["a", "b"] * 3, "p.emissions_kg": 1.0},
        {"g.place": ["a", "b"] * 3, "p.emissions_kg": "little"},
        {"g.place": [1, 2] * 3, "p.emissions_kg": [0, 1] * 3},
        {"p.codecarbon_j": "much", "node_j": 1.0},
        {"score": 0.0},
        {"score": [0.0, 0.5] * 3, "flops": 0},
        {"energy_j": 0.0},
        {"seed": 0, "trial": range(6), "flops": [2, 1] * 3},
    ],
)
def test_what_is_unknown_or_no_number_is_no_crash(columns):
    findings = STUDY.analyse(api.load_table(made(**columns)))
    words = str([(claim.statement, claim.why, claim.ours) for claim in findings.claims])
    assert "nan" not in words
    assert "inf" not in words
    assert not [each.name for each in findings.exhibits if "nan" in each.name.split("-")]


def test_anyones_table_is_analysed_by_data_set_if_it_has_one(tmp_path):
    result = api.study("architectures", source=made(), out=tmp_path / "one")
    assert result.table.by == ()
    assert "on the recorded data" in result.findings.claims[0].statement
    two = made(data=["a", "a", "b", "b", "a", "a"])
    mapped = api.study("architectures", source=two, mapping="g.dataset=data", out=tmp_path / "two")
    assert mapped.table.by == ("dataset",)
    assert [each.statement[-5:] for each in mapped.findings.claims[::3][:2]] == ["on a.", "on b."]


@pytest.mark.parametrize(("name", "trained"), [("vgg16", 18_923_530), ("resnet50", 25_214_986)])
def test_as_many_parameters_are_trained_as_in_the_paper(name, trained):
    assert (
        count_parameters(frozen((3, 32, 32), 10, name=name, side=32, weights="random")) == trained
    )


@pytest.mark.parametrize(
    "name", ["densenet121", "efficientnet_b0", "regnet_y_400mf", "shufflenet_v2_x1_0"]
)
def test_convolutions_give_what_the_model_pools_before_its_classifier(name):
    whole = torchvision_model(name, (1, 28, 28), 10, stem="full", image_size=64).eval()
    convolutions = Convolutions(convolutional_parts(whole))
    model = whole[1]
    model.set_submodule(head_name(model), nn.Identity())
    images = torch.rand(2, 1, 28, 28)
    with torch.no_grad():
        maps = convolutions.train()(images)  # drops no block of EfficientNet either
        assert maps.shape[2:] == (2, 2)
        torch.testing.assert_close(maps.mean((2, 3)), whole(images))


def test_only_the_head_learns_and_no_gradient_goes_further():
    network = {"name": "shufflenet_v2_x1_0", "side": 32, "weights": "random"}
    params = {**TRAINING, **network, "freeze": True, "batch_size": 8, "epochs": 1}
    built, again = (
        build(params, frozen, (1, 28, 28), 10, Runtime.detect("cpu"), seed) for seed in (3, 3)
    )
    images = Split(torch.rand(16, 1, 28, 28), torch.arange(16) % 10)
    assert train_epoch(built, images, 3, 0, lambda: False).finished
    before, after = again.network.state_dict(), built.network.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.partition(".")[0] for name in changed} == {"head"}
    assert {name for name, _ in built.network.head.named_parameters(prefix="head")} <= changed
    convolutions = built.network.convolutions
    assert all(each.grad is None for each in convolutions.parameters())
    assert not convolutions(images.inputs).requires_grad
    with pytest.raises(UnknownNameError, match="imagenet, random"):
        frozen((1, 28, 28), 10, **{**network, "weights": "any"})


def test_random_weights_are_of_the_quick_design_alone():
    quick, whole = (STUDY.design(Options(quick=quick)) for quick in (True, False))
    assert {cell["weights"] for part in quick.parts for cell in part.cells} == {"random"}
    cells = [cell for part in whole.parts for cell in part.cells]
    assert {each["weights"] for each in cells if each["training"] == "head"} == {"imagenet"}
    assert "Random features are not the paper's" in quick.notes[0]
    assert "andom" not in whole.notes[0]
    assert {part.repetitions for part in quick.parts} == {5}


def test_a_training_is_metered_by_several_meters_at_once(tmp_path):
    cell = {
        "architecture": "squeezenet1_1",
        "dataset": "digits",
        "images": 64,
        "validated": 20,
        "batch_size": 64,
        "epochs": 2,
        "side": 32,
        "weights": "random",
        "meters": meters_beside("cpu_time:6.5,http:127.0.0.1:1/none#power", "cpu"),
    }
    objective = f"{train.__module__}:train"
    assert cell["meters"] == "cpu_time:6.5,codecarbon,rapl,http:127.0.0.1:1/none#power"
    # CodeCarbon takes seconds to start.
    cell["meters"] = cell["meters"].replace("codecarbon,rapl,", "")
    trained = ("head", "all layers")
    cells = tuple({**cell, "training": each} for each in trained)
    part = Part("digits", cells, objective=objective, repetitions=1, epochs=2)
    experiment = experiment_of(part, Options(quick=True, meter="model"))
    run_comparison(experiment, Folder(tmp_path / "run"))
    design = Design((part,), strategy=("architecture",), by=("dataset", "training"))
    table = study_table("tiny", design, [read_run(tmp_path / "run")])
    n_trained = table.trials.set_index("g.training")["n_parameters"]
    assert n_trained[trained[0]] > n_trained[trained[1]] > 700_000  # the heads are large
    trials = complete(table)
    assert list(trials["state"]) == ["complete"] * 2
    joules = joules_by_meter(table, trials)
    assert list(joules) == ["cpu_time", "window_s"]
    assert (joules > 0).all(axis=None)
    assert [each.holds for each in claims(table, NODE)] == [None]
