import doctest
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from perjoule.errors import ConfigurationError, UnknownNameError
from perjoule.models.networks import mlp_costs
from perjoule.models.networks.mlp import PROFILES, layer_widths, mlp, solve_widths
from perjoule.models.operations import count_parameters

KIB = 1024


@pytest.mark.parametrize(
    ("profile", "widths"),
    [
        ("rectangle", [40, 40, 40, 40, 10]),
        ("rectangle-residual", [40, 40, 40, 40, 10]),
        ("wide-first", [40, 4, 4, 4, 10]),
        ("wide-first-8x", [40, 5, 5, 5, 10]),
        ("trapezoid", [40, 32, 25, 18, 10]),
        ("exponential", [40, 28, 20, 14, 10]),
    ],
)
def test_profiles_are_butters(profile, widths):
    assert layer_widths(profile, 40, 10, 5) == widths


def test_exponential_networks_are_nowhere_narrower_than_their_outputs():
    assert layer_widths("exponential", 3, 10, 3) == [10, 10, 10]


@given(
    profile=st.sampled_from(PROFILES),
    size=st.integers(1, 4000),
    n_inputs=st.integers(4, 40),
    n_outputs=st.integers(2, 12),
    depth=st.integers(2, 8),
)
@settings(max_examples=150)
def test_no_other_width_comes_closer_to_the_size(profile, size, n_inputs, n_outputs, depth):
    sizes = [
        mlp_costs.n_parameters([n_inputs, *layer_widths(profile, first, n_outputs, depth)])
        for first in range(1, size // n_inputs + 3)
    ]
    if size < min(sizes):
        with pytest.raises(ConfigurationError, match=rf"size = {size} .* take {min(sizes)} or"):
            solve_widths(profile, size, n_inputs, n_outputs, depth)
    else:
        solved = mlp_costs.n_parameters(solve_widths(profile, size, n_inputs, n_outputs, depth))
        assert abs(solved - size) == min(abs(each - size) for each in sizes)


@pytest.mark.parametrize("profile", PROFILES)
def test_networks_have_the_widths_that_were_solved(profile):
    network = mlp((1, 8, 8), 10, size=2**12, depth=4, profile=profile)
    linear = [each for each in network.modules() if isinstance(each, nn.Linear)]
    widths = [64, *(each.out_features for each in linear)]
    assert widths == solve_widths(profile, 2**12, 64, 10, 4)
    assert mlp_costs.n_parameters(widths) == count_parameters(network)
    assert network(torch.zeros(3, 1, 8, 8)).shape == (3, 10)


def test_feature_vectors_and_images_are_the_same_inputs():
    torch.manual_seed(0)
    images = mlp((3, 4, 5), 2, size=500)
    vectors = mlp((60,), 2, size=500)
    vectors.load_state_dict(images.state_dict())
    batch = torch.randn(4, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    assert torch.equal(images(batch), vectors(batch.flatten(1)))


def test_residual_layers_add_their_input():
    network = mlp((6,), 3, size=200, depth=4, profile="rectangle-residual")
    first, second, third, last = (each for each in network.modules() if isinstance(each, nn.Linear))
    x = torch.randn(5, 6)
    hidden = first(x).relu()
    hidden = hidden + second(hidden).relu()
    hidden = hidden + third(hidden).relu()
    torch.testing.assert_close(network(x), last(hidden))


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"size": 32}, ConfigurationError, "size = 32 parameters is too small.*take 87 or more"),
        ({"size": "2**12"}, ConfigurationError, "size = '2\\*\\*12' must be a whole number"),
        ({"depth": 1}, ConfigurationError, "depth = 1 must be a whole number from 2 to 1000"),
        ({"profile": "rectangel"}, UnknownNameError, "did you mean 'rectangle'"),
        ({"dropout": 1.0}, ConfigurationError, "dropout = 1.0"),
    ],
)
def test_impossible_networks_are_refused(wrong, error, message):
    with pytest.raises(error, match=message):
        mlp((64,), 10, **wrong)


def test_costs_match_the_formulas_by_hand():
    widths, batch = (3, 4, 2), 5
    assert mlp_costs.n_parameters(widths) == (3 * 4 + 4) + (4 * 2 + 2)
    assert mlp_costs.forward_operations(widths, batch) == 5 * ((12 + 4) + (8 + 2))
    backward = 5 * ((2 * 4 + 12 * 1) + (2 * 2 + 8 * 2)) + 26 * (1 + 5)
    assert mlp_costs.backward_operations(widths, batch) == backward
    sets = mlp_costs.working_sets(widths, batch)
    assert sets.layers == 4 * 5 * max(3 + 4, 4 + 2)
    assert sets.forward == sets.layers + 4 * 26
    assert sets.backward == 8 * 26 + 4 * 5 * (3 + 4 + 2)


@pytest.mark.parametrize("profile", PROFILES)
def test_costs_match_a_count_of_what_pytorch_computes(profile):
    """Its multiply-adds; biases, activations and updates are not among what PyTorch counts."""
    batch, network = 7, mlp((64,), 10, size=3000, depth=4, profile=profile)
    widths = solve_widths(profile, 3000, 64, 10, 4)
    with FlopCounterMode(display=False) as forward:
        output = network(torch.randn(batch, 64))
    with FlopCounterMode(display=False) as backward:
        output.sum().backward()
    units = sum(widths[1:])
    parameters = mlp_costs.n_parameters(widths)
    counted = mlp_costs.forward_operations(widths, batch) - batch * units
    assert counted == forward.get_total_flops() / 2
    counted = mlp_costs.backward_operations(widths, batch)
    counted -= 2 * batch * units + parameters * (1 + batch)
    assert counted == backward.get_total_flops() / 2


def test_working_sets_lie_in_the_smallest_cache_that_holds_them():
    caches = {"L3": 32 * 1024 * KIB, "L1": 32 * KIB, "L2": 1024 * KIB}
    placed = [mlp_costs.place(each * KIB, caches) for each in (32, 33, 1024, 1025, 32769)]
    assert placed == ["L1", "L2", "L2", "L3", "RAM"]


def test_working_sets_grow_with_batch_and_size():
    sets = [
        mlp_costs.working_sets(solve_widths("rectangle", size, 64, 10, 3), batch)
        for size, batch in ((2**10, 32), (2**10, 64), (2**14, 64))
    ]
    for less, more in itertools.pairwise(sets):
        assert all(a < b for a, b in zip(less, more, strict=True))


def test_the_example_holds():
    result = doctest.testmod(mlp_costs)
    assert (result.attempted, result.failed) == (3, 0)
