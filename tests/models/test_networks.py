import inspect
import itertools

import pytest
import torch
from torch import nn

from perjoule.errors import ConfigurationError, UnknownNameError
from perjoule.models.networks.cnn import cnn
from perjoule.models.networks.heads import head_of
from perjoule.models.networks.mlp import mlp
from perjoule.models.networks.registry import ARCHITECTURES, default_space, resolve_architecture
from perjoule.models.networks.spaces import TRAINING_SPACE
from perjoule.models.space import Space
from perjoule.models.training import build, split_hyperparameters


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (1, 9, 30), (2, 16, 8)])
@pytest.mark.parametrize("conv_blocks", [1, 4])
@pytest.mark.parametrize("kernel_size", [1, 5])
def test_networks_take_images_of_any_size_that_fits(shape, conv_blocks, kernel_size):
    network = cnn(shape, 7, conv_blocks=conv_blocks, kernel_size=kernel_size, width=4)
    assert network(torch.zeros(2, *shape)).shape == (2, 7)


def test_small_images_are_padded_with_zeros_around_them():
    pad, image = next(cnn((1, 8, 10), 10, conv_blocks=4).children()), torch.ones(1, 1, 8, 10)
    padded = pad(image)
    assert padded.shape == (1, 1, 16, 16)
    assert torch.equal(padded[:, :, 4:12, 3:13], image)
    assert padded.sum() == image.sum()


def test_images_too_small_to_pad_are_refused_with_the_number_that_fits():
    with pytest.raises(ConfigurationError, match=r"16 pixels.*have 8: at most 4 blocks"):
        cnn((1, 8, 8), 10, conv_blocks=5)


@pytest.mark.parametrize(
    "wrong", [{"kernel_size": 4}, {"width": 0}, {"conv_blocks": 0}, {"dropout": 1.0}]
)
def test_values_that_make_no_network_are_refused(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        cnn((1, 8, 8), 10, **wrong)


def test_feature_vectors_are_refused():
    with pytest.raises(ConfigurationError, match=r"cnn takes images, .* 64 features: .*mlp"):
        cnn((64,), 10)


def test_architectures_are_found_by_name_or_module():
    assert resolve_architecture("cnn") is ARCHITECTURES["cnn"] is cnn
    assert resolve_architecture("perjoule.models.networks.cnn:cnn") is cnn
    assert resolve_architecture(cnn) is cnn
    assert resolve_architecture("torch.nn:Linear") is nn.Linear


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("cnnn", UnknownNameError, "did you mean 'cnn'"),
        ("resnet18", UnknownNameError, "did you mean 'torchvision:resnet18"),
        ("no_such_module:build", ConfigurationError, "PYTHONPATH"),
        (":build", ConfigurationError, "module"),
        ("broken_networks:build", ConfigurationError, "ZeroDivisionError in broken_networks"),
        ("perjoule.models.networks.cnn:cmm", ConfigurationError, "no function 'cmm'"),
        ("perjoule.models.networks.cnn:DEFAULT_SPACE", ConfigurationError, "no function"),
    ],
)
def test_architectures_that_cannot_be_had_are_explained(
    name, error, message, tmp_path, monkeypatch
):
    (tmp_path / "broken_networks.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(error, match=message):
        resolve_architecture(name)


PAIRS = {
    "cnn": {
        "conv_blocks": (2, 3),
        "width": (8, 9),
        "kernel_size": (3, 5),
        "dropout": (0.1, 0.4),
        "dense_units": (16, 17),
    },
    "mlp": {
        "size": (2000, 3000),
        "depth": (3, 4),
        "profile": ("rectangle", "rectangle-residual"),
        "dropout": (0.1, 0.4),
    },
}


@pytest.mark.parametrize("name", PAIRS)
def test_no_hyperparameter_of_a_network_is_dead(name, float32):
    builder, pairs = ARCHITECTURES[name], PAIRS[name]
    assert list(inspect.signature(builder).parameters)[2:] == list(pairs)
    for hyperparameter, values in pairs.items():
        outputs = []
        for value in values:
            with float32.seeded(0):
                network = builder((1, 8, 8), 10, **{hyperparameter: value})
            with float32.seeded(1):
                outputs.append(network(torch.randn(4, 1, 8, 8)))
        assert not torch.allclose(*outputs), hyperparameter


@pytest.mark.parametrize("architecture", ["cnn", "mlp", "torchvision:mobilenet_v3_small"])
def test_a_seed_decides_the_weights(architecture, float32):
    networks = [build({}, architecture, (1, 8, 8), 10, float32, seed)[0] for seed in (0, 0, 1)]
    first, again, other = ([*each.parameters()] for each in networks)
    assert all(map(torch.equal, first, again))
    assert not all(map(torch.equal, first, other))


@pytest.mark.parametrize("architecture", ["cnn", "mlp", "torchvision:vgg11"])
@pytest.mark.parametrize("corner", ["cheapest", "heaviest"])
def test_the_ends_of_every_default_space_can_be_built(architecture, corner):
    params = getattr(Space.parse(default_space(architecture, "digits")), corner)()
    _, hyperparameters = split_hyperparameters(params, architecture)
    with torch.device("meta"):
        network = resolve_architecture(architecture)((1, 8, 8), 10, **hyperparameters)
        assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(
    ("shape", "n_classes"), [((1, 28, 28), 10), ((3, 32, 32), 100), ((3, 64, 64), 10), ((5,), 2)]
)
def test_no_default_size_of_an_mlp_is_too_small_for_usual_data(shape, n_classes):
    space = default_space("mlp", "digits")
    depths = (space["depth"]["low"], space["depth"]["high"])
    for depth, profile in itertools.product(depths, space["profile"]["choices"]):
        with torch.device("meta"):
            mlp(shape, n_classes, size=space["size"]["low"], depth=depth, profile=profile)


def test_own_networks_search_the_hyperparameters_of_the_training_alone():
    space = default_space("my.module:build", "digits")
    assert space == TRAINING_SPACE
    assert default_space(cnn, "digits") == space
    epochs = [default_space("mlp", name)["epochs"]["high"] for name in ("digits", "fashion-mnist")]
    assert epochs == [16, 4]


def test_the_head_is_named_or_the_last_layer_with_weights():
    named = nn.Module()
    named.head, named.last = nn.Bilinear(2, 2, 2), nn.Linear(2, 2)
    assert head_of(named) is named.head
    named.head = None
    assert head_of(named) is named.last
    network = cnn((1, 8, 8), 7)
    assert head_of(network) is network[-1]
    convolutions = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Conv2d(2, 3, 1), nn.ReLU())
    assert head_of(convolutions) is convolutions[1]
    with pytest.raises(ConfigurationError, match=r"ReLU has no linear layer.*attribute `head`"):
        head_of(nn.ReLU())
