import copy
import math

import pytest
import torch

from uscl.base.seeds import torch_stream
from uscl.pretrain.meta.weight_net import WeightNet, path_of


@pytest.fixture
def net():
    with torch_stream(0, "test"):
        return WeightNet(dim=3, hidden=4)


@pytest.fixture
def views():
    return torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))


def weight_by_hand(net, h1, h2):
    """sigmoid(V2 relu(V1 [h1 ; h2] + b1) + b2) of one pair in plain Python."""
    v1, b1, v2, b2 = (parameter.tolist() for parameter in net.parameters())
    both = [*h1.tolist(), *h2.tolist()]
    hidden = [max(0, b + sum(v * x for v, x in zip(row, both, strict=True))) for row, b in zip(v1, b1, strict=True)]
    return 1 / (1 + math.exp(-b2[0] - sum(v * x for v, x in zip(v2[0], hidden, strict=True))))


def test_the_weight_of_a_pair_is_that_of_the_formula(net, views):
    expected = [weight_by_hand(net, h1, h2) for h1, h2 in zip(*views, strict=True)]
    torch.testing.assert_close(net(*views), torch.tensor(expected))


def test_there_is_one_weight_per_pair_and_it_depends_on_that_pair_alone(net, views):
    weights = net(*views)
    assert weights.shape == (5,)
    torch.testing.assert_close(net(*views[:, [3]]), weights[[3]])
    assert not torch.allclose(net(views[1], views[0]), weights)  # the views have an order


def test_weights_lie_between_zero_and_one_and_equal_a_half_without_parameters(net, views):
    weights = net(*(20 * views))
    assert 0 < weights.min() < weights.max() < 1
    for parameter in net.parameters():
        torch.nn.init.zeros_(parameter)
    assert (net(*views) == 0.5).all()


def test_gradients_reach_the_net_and_the_representations(net, views):
    views.requires_grad_()
    (net(*views) * torch.arange(5)).sum().backward()
    assert (views.grad[:, 1:] != 0).any(dim=2).all()
    assert all(parameter.grad.abs().sum() > 0 for parameter in net.parameters())


def test_the_published_net_has_ten_hidden_units():
    shapes = [tuple(parameter.shape) for parameter in WeightNet(512).parameters()]
    assert shapes == [(10, 1024), (10,), (1, 10), (1,)]


def test_the_path_of_alpha_is_its_largest_change_and_adam_stays_within_its_bound(net):
    start = copy.deepcopy(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    assert path_of(net, start, optimizer) == {"alpha_distance": 0.0, "alpha_bound": 0.0}
    for _ in range(3):
        for parameter in net.parameters():
            parameter.grad = torch.ones_like(parameter)  # always the same way: the longest path
        optimizer.step()
    path = path_of(net, start, optimizer)
    assert path["alpha_bound"] == pytest.approx(0.03)
    assert path["alpha_distance"] == pytest.approx(0.03, rel=1e-4)
    with torch.no_grad():
        net.layers[0].bias[1] -= 5
    assert path_of(net, start, optimizer)["alpha_distance"] == pytest.approx(5.03, rel=1e-4)
