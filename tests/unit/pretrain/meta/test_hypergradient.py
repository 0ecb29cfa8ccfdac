import copy

import pytest
import torch
from tiny import TinyEncoder

from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.meta.forward_mode import Dual
from uscl.pretrain.meta.hypergradient import alpha_gradient, gradient_at, virtual_step
from uscl.pretrain.meta.weight_net import WeightNet
from uscl.training.losses import nt_xent_per_view, weighted_mean


def random(*shape):
    return torch.randn(*shape, dtype=torch.float64)


@pytest.mark.parametrize("steps_before", [0, 1, 3])
@pytest.mark.parametrize(("momentum", "weight_decay"), [(0.0, 0.0), (0.9, 0.0), (0.0, 1e-2), (0.9, 1e-2)])
def test_the_virtual_step_leads_where_sgd_leads(momentum, weight_decay, steps_before):
    torch.manual_seed(0)
    theta = [torch.nn.Parameter(random(3, 2)), torch.nn.Parameter(random(4))]
    optimizer = torch.optim.SGD(theta, lr=0.1, momentum=momentum, weight_decay=weight_decay)
    for _ in range(steps_before):
        for parameter in theta:
            parameter.grad = random(*parameter.shape)
        optimizer.step()
    gradient = [random(*parameter.shape) for parameter in theta]
    before = [parameter.detach().clone() for parameter in theta]
    given = [slope.clone() for slope in gradient]

    theta_hat = virtual_step(optimizer, gradient)
    assert all(torch.equal(a, b) for a, b in zip([*theta, *gradient], [*before, *given], strict=True))

    for parameter, slope in zip(theta, gradient, strict=True):
        parameter.grad = slope
    optimizer.step()
    for parameter, expected in zip(theta_hat, theta, strict=True):
        torch.testing.assert_close(parameter, expected.detach(), rtol=0, atol=1e-15)


def test_the_virtual_step_follows_the_current_learning_rate():
    theta = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([theta], lr=0.1)
    optimizer.param_groups[0]["lr"] = 0.5
    assert virtual_step(optimizer, [torch.ones(2)])[0].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_the_gradient_at_other_weights_is_that_of_a_model_with_these_weights(training, joint):
    torch.manual_seed(0)
    model = ContrastiveModel(TinyEncoder(), 0, joint=joint).double().train(training)
    frames = random(6, 1, 16, 16)
    theta = [parameter.detach() + 0.1 * random(*parameter.shape) for parameter in model.parameters()]
    statistics = {name: buffer.clone() for name, buffer in model.named_buffers()}

    given = [value.clone() for value in theta]
    loss, slope = gradient_at(model, given, frames, lambda outputs: nt_xent_per_view(*outputs[1].chunk(2)).mean())
    assert all(torch.equal(buffer, statistics[name]) for name, buffer in model.named_buffers())
    # The gradients have replaced the weights: memory holds one copy.
    assert [a.data_ptr() for a in slope] == [b.data_ptr() for b in given]
    assert all(parameter.grad is None for parameter in model.parameters())

    moved = copy.deepcopy(model)
    with torch.no_grad():
        for parameter, value in zip(moved.parameters(), theta, strict=True):
            parameter.copy_(value)
    expected = nt_xent_per_view(*moved(frames)[1].chunk(2)).mean()
    torch.testing.assert_close(loss, expected.detach())
    for found, right in zip(slope, torch.autograd.grad(expected, list(moved.parameters())), strict=True):
        torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-14)


def test_weights_of_another_model_are_refused():
    model = ContrastiveModel(TinyEncoder(), 0).double()
    theta = [parameter.detach().clone() for parameter in model.parameters()][:-1]
    with pytest.raises(ValueError, match="shorter"):
        gradient_at(model, theta, random(4, 1, 16, 16), lambda outputs: outputs[1].sum())


@pytest.fixture
def after_the_network():
    torch.manual_seed(0)
    net = WeightNet(5).double()
    h, z = ([Dual(random(4, dim), random(4, dim)) for _ in range(2)] for dim in (5, 3))
    return net, h, z


def flat(tensors):
    return torch.cat([tensor.flatten() for tensor in tensors])


def test_the_alpha_gradient_is_that_of_the_directional_derivative(after_the_network):
    net, h, z = after_the_network

    def train_loss(eps):
        h1, h2, z1, z2 = (value + eps * tangent for value, tangent in [*h, *z])
        return weighted_mean(nt_xent_per_view(z1, z2, 0.3), net(h1, h2))

    eps = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (bracket,) = torch.autograd.grad(train_loss(eps), eps, create_graph=True)
    expected = torch.autograd.grad(-0.1 * bracket, list(net.parameters()))
    found = alpha_gradient(net, h, z, lr=0.1, temperature=0.3)
    torch.testing.assert_close(flat(found), flat(expected), rtol=1e-12, atol=1e-15)


def test_zero_tangents_of_the_representations_cut_the_path_through_the_nets_input(after_the_network):
    net, h, z = after_the_network
    cut = [dual._replace(tangent=torch.zeros_like(dual.tangent)) for dual in h]
    whole, partial = (flat(alpha_gradient(net, of, z, lr=0.1, temperature=0.5)) for of in (h, cut))

    weights = net(*(dual.value for dual in h))
    slope = torch.func.jvp(nt_xent_per_view, *zip(*z, strict=True))[1]
    # Of the weights as numbers, the loss's derivative is the weighted mean of its terms' derivatives.
    expected = torch.autograd.grad(-0.1 * weighted_mean(slope, weights), list(net.parameters()))
    torch.testing.assert_close(partial, flat(expected), rtol=1e-12, atol=1e-15)
    assert (whole - partial).norm() > 1e-2 * whole.norm()


def test_the_alpha_gradient_leaves_the_nets_parameters_alone(after_the_network):
    net, h, z = after_the_network
    alpha_gradient(net, h, z, lr=0.1, temperature=0.5)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in net.parameters())
