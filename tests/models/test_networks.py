import pytest
import torch
from torch import nn

from perjoule.errors import ConfigurationError, UnknownNameError
from perjoule.models.networks.cnn import cnn
from perjoule.models.networks.registry import ARCHITECTURES, resolve_architecture
from perjoule.models.operations import count_parameters, forward_operations, training_operations


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


def test_operations_match_a_count_by_hand():
    shape = (1, 8, 8)
    network = cnn(shape, 10, conv_blocks=2, width=4, kernel_size=3, dense_units=16)
    first = 8 * 8 * 4 * (1 * 3 * 3)  # pixels, output channels, weights of each
    second = 4 * 4 * 4 * (4 * 3 * 3)
    dense = (4 * 2 * 2) * 16 + 16 * 10
    forward = 2 * (first + second + dense)
    assert forward_operations(network, shape) == forward

    n_parameters = 4 * 9 + 4 * 36 + 2 * (4 + 4) + (16 * 16 + 16) + (16 * 10 + 10)
    assert count_parameters(network) == n_parameters
    per_training = 3 * forward * 100 + 10 * n_parameters * 7
    assert training_operations(network, shape, n_samples=100, n_steps=7) == per_training


def test_grouped_convolutions_count_what_they_compute():
    network = nn.Conv2d(4, 8, 3, groups=2, padding=1)
    assert forward_operations(network, (4, 5, 5)) == 2 * (5 * 5) * 8 * (2 * 3 * 3)


def test_counting_leaves_the_network_as_it_was():
    network = cnn((1, 8, 8), 10)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    forward_operations(network, (1, 8, 8))
    assert network.training
    assert all(torch.equal(before[name], each) for name, each in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_architectures_are_found_by_name_or_module():
    assert resolve_architecture("cnn") is ARCHITECTURES["cnn"] is cnn
    assert resolve_architecture("perjoule.models.networks.cnn:cnn") is cnn
    assert resolve_architecture(cnn) is cnn


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("cnnn", UnknownNameError, "did you mean 'cnn'"),
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
