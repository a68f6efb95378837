"""Predictors of networks that were never trained: what they take, what they refuse."""

import io
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perjoule.errors import ConfigurationError, DataError, OutputError, UnknownNameError
from perjoule.models import exporting
from perjoule.models.data.splits import Normalisation
from perjoule.models.described import Described
from perjoule.models.predictor import make_predictor
from perjoule.models.runtime import Runtime
from perjoule.models.training import build

OWN = """
from torch import nn

class Branching(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.layer = nn.LazyLinear(n) if n < 0 else nn.Linear(6, n)
    def forward(self, x):
        return self.layer(x) if float(x.sum()) > 1e9 else self.layer(x) * len(x)

def dense(shape, n_classes, width):
    return nn.Sequential(nn.Linear(shape[0], width), nn.ReLU(), nn.Linear(width, n_classes))

def branching(shape, n_classes):
    return Branching(n_classes)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The name of a module of a user's own, with networks of features."""
    (tmp_path / "ownnets.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    return "ownnets"


def made(shape=(1, 8, 6), tasks=(), architecture="cnn", params=None, **options):
    """A predictor with random weights, of 4 classes."""
    described = Described(
        architecture,
        params if params is not None else {"conv_blocks": 1, "width": 4, "learning_rate": 0.1},
        shape,
        4,
        Normalisation(*((each,) * shape[0] for each in (3.0, 2.0))),
        ("ant", "bee", "cat", "dog"),
        tasks,
    )
    runtime = Runtime(torch.device("cpu"))
    network = build(described.params, architecture, shape, 4, runtime, seed=3).network
    return make_predictor(described, network.state_dict(), **options)


PLAIN = made(precision="float32")


@given(arrays(np.uint8, (5, 8, 6, 1)), st.integers(1, 6))
def test_all_layouts_of_an_image_mean_the_same(images, batch_size):
    wanted = PLAIN(images)
    assert wanted.shape == (5, 4)
    torch.testing.assert_close(wanted.sum(dim=1), torch.ones(5))
    views = (
        images[..., 0],
        images.tolist(),
        images.astype(np.float64),
        images[::-1][::-1],
        torch.from_numpy(images),
    )
    for view in views:
        torch.testing.assert_close(PLAIN(view, batch_size), wanted)
    for single in (images[2], images[2, ..., 0]):
        torch.testing.assert_close(PLAIN(single), wanted[2:3])
    names = PLAIN.predict(images)
    assert names == [PLAIN.class_names[i] for i in wanted.argmax(dim=1).tolist()]


def test_probabilities_are_those_of_the_bare_network_on_normalised_images():
    images = np.random.default_rng(0).integers(0, 17, (3, 8, 6, 2), np.uint8)
    predictor = made((2, 8, 6), precision="float32")
    normalised = (torch.from_numpy(images).permute(0, 3, 1, 2).float() - 3.0) / 2.0
    torch.testing.assert_close(predictor(images), predictor.network(normalised).softmax(dim=1))


def test_each_task_has_its_own_probabilities():
    images = np.zeros((3, 8, 6, 1), np.uint8)
    predictor = made(tasks=(1, 3))
    given = predictor(images)
    torch.testing.assert_close(given[:, 0], torch.ones(3))
    torch.testing.assert_close(given[:, 1:].sum(dim=1), torch.ones(3))
    assert {name[0] for name in predictor.predict(images)} == {"ant"}
    assert {len(name) for name in predictor.predict(images)} == {2}


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 1, 8, 6)), r"takes \(N, 8, 6, 1\); channels come last"),
        (np.zeros((2, 28, 28, 1)), r"shape \(2, 28, 28, 1\): this network takes \(N, 8, 6, 1\)"),
        (np.zeros((2, 8, 6, 3)), "takes"),
        (np.zeros(48), "takes"),
        (3.0, "takes"),
        (np.zeros((0, 8, 6, 1)), "no input"),
        (np.full((1, 8, 6, 1), np.nan), "NaN"),
        (np.full((1, 8, 6, 1), "x"), "no array of numbers"),
        ([[1.0], [1.0, 2.0]], "no array of numbers"),
        (None, "no array of numbers"),
        (np.zeros((1, 8, 6, 1), complex), "complex"),
    ],
    ids=str,
)
def test_what_is_no_image_of_the_data_set_is_refused_in_one_line(images, message):
    with pytest.raises(DataError, match=message) as refused:
        PLAIN(images)
    assert "\n" not in str(refused.value)


def test_features_are_predicted_too(own):
    predictor = made((6,), (), f"{own}:dense", {"width": 5}, trust=True)
    features = np.random.default_rng(0).normal(size=(7, 6))
    assert predictor(features).shape == (7, 4)
    torch.testing.assert_close(predictor(features[0]), predictor(features)[:1])
    with pytest.raises(DataError, match=r"takes \(N, 6\)"):
        predictor(features.T)


def test_code_of_others_runs_only_where_it_is_trusted(own):
    with pytest.raises(ConfigurationError, match="trust=True"):
        made((6,), (), f"{own}:dense", {"width": 5})


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"conv_blocks": 1, "width": 8}, DataError, "weights are of another network"),
        ({"width": 10**7}, DataError, "weights are of another network"),  # takes no memory
        ({"width": 10**30}, ConfigurationError, "cannot be built"),
        ({"width": "many"}, ConfigurationError, "cannot be built"),
        ({"depth": 3}, UnknownNameError, "depth"),
        ({"learning_rate": -1.0}, ConfigurationError, "learning_rate"),
    ],
)
def test_a_description_that_fits_not_its_weights_is_refused(params, error, message):
    described, weights = PLAIN.described, PLAIN.network.state_dict()
    with pytest.raises(error, match=message):
        make_predictor(Described(**{**vars(described), "params": params}), weights)


@pytest.mark.parametrize(
    ("form", "shape"),
    [*((form, (3, 8, 6)) for form in exporting.FORMATS), ("torch-export", (6,))],
    ids=lambda each: each if isinstance(each, str) else f"{len(each)}d",
)
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_what_is_written_for_others_gives_the_same_to_1e_4(form, shape, own, tmp_path):
    if form == "onnx":
        for package in ("onnx", "onnxscript", "onnxruntime"):
            pytest.importorskip(package)
    dense = (f"{own}:dense", {"width": 5}) if len(shape) == 1 else ()
    predictor = made(shape, (2, 2), *dense, trust=True, precision="float32")
    written = exporting.export(predictor, form, tmp_path / "best")
    assert written.difference <= 1e-4
    images = np.random.default_rng(0).uniform(0, 9, (11, *shape[1:], shape[0])).astype(np.float32)
    given, told = read(form, written.path.read_bytes(), images)
    np.testing.assert_allclose(given, predictor(images).numpy(), atol=1e-4)
    assert json.loads(told)["class_names"] == ["ant", "bee", "cat", "dog"]
    assert [each.name for each in tmp_path.glob("*best*")] == ["best"]


def read(form, content, images):
    """Run what was written without perjoule: its probabilities and its metadata."""
    if form == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        told = session.get_modelmeta().custom_metadata_map["perjoule"]
        return session.run(["probabilities"], {"images": images})[0], told
    batch, extra = torch.from_numpy(images), {"perjoule": ""}
    if form == "torchscript":
        run = torch.jit.load(io.BytesIO(content), _extra_files=extra)
    else:
        run = torch.export.load(io.BytesIO(content), extra_files=extra).module()
    return run(batch).detach().numpy(), extra["perjoule"]


def test_a_network_that_a_format_cannot_hold_leaves_no_file(own, tmp_path):
    predictor = made((6,), (), f"{own}:branching", {}, trust=True)
    with pytest.raises(ConfigurationError, match="torchscript"):
        exporting.export(predictor, "torchscript", tmp_path / "best")
    assert not [*tmp_path.glob("*best*")]


def test_without_onnx_one_line_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'perjoule\[onnx\]'"):
        exporting.export(PLAIN, "onnx", tmp_path / "best.onnx")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        exporting.export(PLAIN, "torchscript", tmp_path / "no" / "best.pt")
