import pytest
import torch
from torch import nn

from perjoule.models.foresight import training_operations
from perjoule.models.networks.cnn import cnn
from perjoule.models.operations import (
    count_parameters,
    forward_operations,
    network_cost,
)


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
    assert training_operations(forward, n_parameters, n_samples=100, n_steps=7) == per_training


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_grouped_convolutions_count_what_they_compute(groups):
    network = nn.Conv2d(4, 8, 3, groups=groups, padding=1)
    assert forward_operations(network, (4, 5, 5)) == 2 * (5 * 5) * 8 * (4 // groups * 3 * 3)


@pytest.mark.parametrize("architecture", ["mlp", "perjoule.models.networks.mlp:mlp"])
def test_networks_of_feature_vectors_are_weighed(architecture):
    params = {"size": 1000, "depth": 3, "learning_rate": 0.1}
    operations, n_parameters = network_cost(params, architecture, (20,), 5)
    width = 21  # of both hidden layers: 1,013 parameters; with 20 it were 945
    assert n_parameters == 21 * width + (width + 1) * width + (width + 1) * 5
    assert operations == 2 * (20 * width + width * width + width * 5)


def test_counting_leaves_the_network_as_it_was():
    network = cnn((1, 8, 8), 10)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    forward_operations(network, (1, 8, 8))
    assert network.training
    assert all(torch.equal(before[name], each) for name, each in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_the_processor_counts_what_the_meta_device_counts():
    """Where PyTorch would take a short cut through attention, too."""
    layer = nn.TransformerEncoderLayer(16, 2, dim_feedforward=32, batch_first=True)
    length, width = 5, 16
    projections = 4 * width * width + 2 * width * 32
    by_hand = 2 * length * (projections + 2 * length * width)
    assert forward_operations(layer, (length, width)) == by_hand
    assert forward_operations(layer.to("meta"), (length, width)) == by_hand
