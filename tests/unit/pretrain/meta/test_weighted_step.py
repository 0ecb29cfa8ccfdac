import copy
from typing import NamedTuple

import pytest
import torch
from lightning_fabric import Fabric
from tiny import TinyEncoder
from torch import Tensor, nn
from twins import SlowWeightedStep

from uscl.models.contrastive import ContrastiveModel
from uscl.models.encoder import Encoder
from uscl.pretrain.meta import weighted_step
from uscl.pretrain.meta.forward_mode import recording
from uscl.pretrain.meta.weight_net import WeightNet
from uscl.pretrain.meta.weighted_step import WeightedStep
from uscl.training.losses import nt_xent_per_view

PAIRS, META_PAIRS = 3, 4
JOINT = False


@pytest.fixture(autouse=True, params=[False, True], ids=["per view", "joint"])
def _batchnorm(request, monkeypatch):
    """Every test holds in both forms of BatchNorm."""
    monkeypatch.setitem(globals(), "JOINT", request.param)


class Case(NamedTuple):
    """A step, its twin before the step, and a batch for both."""

    take: WeightedStep
    twin: SlowWeightedStep
    frames: Tensor
    meta_frames: Tensor

    def published(self):
        return self.take.published(self.frames, PAIRS, self.meta_frames, META_PAIRS, lambda h: self.take.weight_net(*h))

    def lookahead(self):
        return self.take.lookahead(self.frames, PAIRS, self.meta_frames, META_PAIRS)

    def constant(self, weights):
        return self.take.main(self.frames, PAIRS, lambda h: weights)

    def alpha_gradient(self):
        return flat([parameter.grad for parameter in self.take.weight_net.parameters()])


def case(
    arch="tiny",
    *,
    momentum=0.9,
    weight_decay=1e-2,
    steps_before=1,
    detach=False,
    alpha_lr=0.0,
    dtype=torch.float64,
    precision="32-true",
):
    """An odd batch and a meta batch of another size; a weight net that distinguishes pairs."""
    torch.manual_seed(0)
    model = ContrastiveModel(encoder_of(arch), 0, joint=JOINT).to(dtype).train()
    net = WeightNet(model.encoder.dim).to(dtype)
    with torch.no_grad():
        net.layers[0].weight *= 5
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=momentum, weight_decay=weight_decay)
    for _ in range(steps_before):
        for parameter in model.parameters():
            parameter.grad = 0.01 * torch.randn(parameter.shape).to(dtype)
        optimizer.step()
    frames, meta_frames = (two_views(pairs).to(dtype) for pairs in (PAIRS, META_PAIRS))
    twin = SlowWeightedStep(*copy.deepcopy((model, optimizer, net)), detach_features=detach)
    take = WeightedStep(
        Fabric(accelerator="cpu", devices=1, precision=precision),
        model,
        optimizer,
        net,
        torch.optim.SGD(net.parameters(), lr=alpha_lr),
        detach_features=detach,
    )
    return Case(take, twin, frames, meta_frames)


class Doubled(torch.autograd.Function):
    """A function without a rule for forward mode, as some libraries have them for their activations."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, slope):
        return 2 * slope


class NoForwardRule(nn.Module):
    def forward(self, x):
        return Doubled.apply(x)


def encoder_of(arch):
    """An encoder; of "shallow" ones the first stages, which have every kind of layer that the others have."""
    if arch == "tiny":
        return TinyEncoder()
    if arch == "no rule":
        encoder = TinyEncoder()
        encoder.backbone.append(NoForwardRule())
        return encoder
    encoder = Encoder(arch.removeprefix("shallow "))
    net = encoder.backbone
    if arch == "shallow resnet18":
        layers, encoder.dim = [net.conv1, net.bn1, net.relu, net.maxpool, net.layer1, net.layer2], 128
    elif arch == "shallow tf_efficientnet_lite0":
        layers, encoder.dim = [net.conv_stem, net.bn1, *net.blocks[:2]], 24
    else:
        return encoder
    encoder.backbone = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return encoder


def two_views(pairs):
    """Noisy copies of a coarse image for each pair, [2 * pairs, 1, 32, 32]."""
    images = torch.nn.functional.interpolate(torch.rand(pairs, 1, 4, 4), size=32).repeat(2, 1, 1, 1)
    return images + 0.2 * torch.rand_like(images)


def flat(tensors):
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def relative_error(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize(
    ("arch", "order", "settings"),
    [
        ("shallow resnet18", "published", {}),
        ("shallow tf_efficientnet_lite0", "published", {"momentum": 0.0, "detach": True}),
        ("shallow tf_efficientnet_lite0", "lookahead", {}),
        ("tiny", "published", {"steps_before": 0, "weight_decay": 0.0, "detach": True}),
        ("tiny", "published", {"steps_before": 0}),
        ("tiny", "published", {"momentum": 0.0, "weight_decay": 0.0}),
        ("tiny", "published", {"detach": True}),
        ("tiny", "lookahead", {"momentum": 0.0}),
        ("tiny", "lookahead", {"detach": True}),
    ],
)
def test_the_alpha_gradient_is_that_of_double_backward(arch, order, settings):
    found = case(arch, **settings)
    step = getattr(found, order)()
    expected = flat(found.twin.alpha_gradient(found.frames, found.meta_frames))
    assert relative_error(found.alpha_gradient(), expected) < 1e-9
    assert step.more["alpha_gradient_norm"].item() == pytest.approx(expected.norm().item(), rel=1e-9)


@pytest.mark.parametrize(
    ("arch", "detach", "eps"),
    [("shallow tf_efficientnet_lite0", False, 1e-7), ("tiny", False, 1e-4), ("tiny", True, 1e-4)],
)
def test_the_alpha_gradient_is_that_of_central_differences(arch, detach, eps):
    found = case(arch, detach=detach)
    found.published()
    parameters = list(found.twin.weight_net.parameters())

    def meta_loss_at(alpha):
        with torch.no_grad():
            torch.nn.utils.vector_to_parameters(alpha, parameters)
        theta_hat = found.twin.theta_hat(found.twin.train_gradient(found.frames))
        return found.twin.meta_loss(theta_hat, found.meta_frames).item()

    alpha = flat(parameters)
    way = torch.nn.functional.normalize(torch.randn_like(alpha), dim=0)
    slope = (meta_loss_at(alpha + eps * way) - meta_loss_at(alpha - eps * way)) / (2 * eps)
    assert slope == pytest.approx((found.alpha_gradient() @ way).item(), rel=1e-4)


def test_without_its_path_through_the_representations_the_alpha_gradient_is_another():
    whole, cut = case(), case(detach=True)
    whole.lookahead()
    cut.lookahead()
    assert relative_error(cut.alpha_gradient(), whole.alpha_gradient()) > 1e-2


def test_the_meta_loss_is_that_at_the_virtual_step():
    found = case()
    step = found.published()
    theta_hat = found.twin.theta_hat(found.twin.train_gradient(found.frames))
    expected = found.twin.meta_loss(theta_hat, found.meta_frames).item()
    assert step.more["meta_loss"].item() == pytest.approx(expected, rel=1e-12)


def test_the_published_main_step_holds_the_new_weights_constant():
    found = case(alpha_lr=1000.0)
    old = found.twin.weight_net(*found.twin.model(found.frames)[0].chunk(2)).detach()
    step = found.published()
    alpha_optimizer = torch.optim.SGD(found.twin.weight_net.parameters(), lr=1000.0)
    loss, gradient = found.twin.published(found.frames, found.meta_frames, alpha_optimizer)
    torch.testing.assert_close(step.loss, loss, rtol=1e-10, atol=0)
    assert relative_error(flat(step.gradients), flat(gradient)) < 1e-9
    new = found.twin.weight_net(*(view for view in step.h)).detach()
    torch.testing.assert_close(step.weights, new, rtol=1e-9, atol=0)
    assert (old - new).abs().max() > 1e-2


def test_alpha_moves_as_its_own_optimizer_says():
    found = case()
    net = found.take.weight_net
    found.take.alpha_optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    alpha_optimizer = torch.optim.Adam(found.twin.weight_net.parameters(), lr=1e-3)
    for _ in range(2):
        found.published()
        found.twin.published(found.frames, found.meta_frames, alpha_optimizer)
    torch.testing.assert_close(flat(net.parameters()), flat(found.twin.weight_net.parameters()), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("detach", [True, False])
def test_the_main_step_of_lookahead_is_the_virtual_step(detach):
    found = case(detach=detach, alpha_lr=100.0)
    expected = found.twin.theta_hat(found.twin.train_gradient(found.frames))
    weights = found.twin.weight_net(*found.twin.model(found.frames)[0].chunk(2)).detach()
    step = found.lookahead()
    torch.testing.assert_close(step.weights, weights, rtol=1e-12, atol=0)  # those before alpha's step
    for parameter, slope in zip(found.take.model.parameters(), step.gradients, strict=True):
        parameter.grad = slope
    found.take.optimizer.step()
    torch.testing.assert_close(flat(found.take.model.parameters()), flat(expected), rtol=0, atol=1e-13)


def test_constant_weights_give_the_unweighted_step():
    found = case()
    step = found.constant(torch.full((PAIRS,), 0.3, dtype=torch.float64))
    h, z = found.twin.model(found.frames)
    loss = nt_xent_per_view(*z.chunk(2)).mean()
    expected = torch.autograd.grad(loss, list(found.twin.model.parameters()))
    assert step.loss.item() == pytest.approx(loss.item(), rel=1e-12)
    assert relative_error(flat(step.gradients), flat(expected)) < 1e-12
    for shown, right in zip([*step.h, *step.z], [*h.chunk(2), *z.chunk(2)], strict=True):
        assert torch.equal(shown, right.detach())
        assert not shown.requires_grad


def test_a_pair_of_weight_zero_counts_for_nothing_but_as_a_negative():
    found = case()
    step = found.constant(torch.tensor([1.0, 0.0, 1.0]).double())
    *_, z = found.twin.model(found.frames)
    losses = nt_xent_per_view(*z.chunk(2))
    assert step.loss.item() == pytest.approx(losses[[0, 2, 3, 5]].mean().item(), rel=1e-12)


def test_with_given_weights_the_order_of_the_two_views_is_irrelevant():
    weights = torch.rand(PAIRS).double()
    one, other = case(), case()
    step = one.constant(weights)
    swapped = other._replace(frames=other.frames.roll(PAIRS, 0)).constant(weights)
    assert step.loss.item() == pytest.approx(swapped.loss.item(), rel=1e-12)
    assert relative_error(flat(swapped.gradients), flat(step.gradients)) < 1e-12


def test_a_step_without_the_meta_batch_leaves_alpha_alone():
    found = case(alpha_lr=1.0)
    before = flat(found.take.weight_net.parameters())
    step = found.take.main(found.frames, PAIRS, lambda h: found.take.weight_net(*h))
    assert torch.equal(flat(found.take.weight_net.parameters()), before)
    assert not step.more
    loss, gradient = found.twin.main(found.frames)
    assert step.loss.item() == pytest.approx(loss.item(), rel=1e-12)
    assert relative_error(flat(step.gradients), flat(gradient)) < 1e-12


@pytest.mark.parametrize("order", ["published", "lookahead"])
def test_running_statistics_move_once_a_step_for_each_view_as_in_plain_passes(order):
    found = case()
    parameters = flat(found.take.model.parameters())
    for steps in (1, 2):
        getattr(found, order)()
        found.twin.main(found.frames)
        for name, buffer in found.twin.model.named_buffers():
            torch.testing.assert_close(found.take.model.get_buffer(name), buffer, rtol=1e-12, atol=1e-15)
        assert found.take.model.encoder.backbone[1].num_batches_tracked == steps * (1 if JOINT else 2)
    assert torch.equal(flat(found.take.model.parameters()), parameters)  # moving these is the loop's part


@pytest.mark.parametrize("order", ["published", "lookahead"])
def test_a_model_in_evaluation_mode_keeps_its_statistics_and_has_the_right_alpha_gradient(order):
    found = case()
    found.take.model.eval()
    found.twin.model.eval()
    before = [buffer.clone() for buffer in found.take.model.buffers()]
    getattr(found, order)()
    assert all(torch.equal(a, b) for a, b in zip(before, found.take.model.buffers(), strict=True))
    expected = flat(found.twin.alpha_gradient(found.frames, found.meta_frames))
    assert relative_error(found.alpha_gradient(), expected) < 1e-9


@pytest.mark.parametrize("order", ["published", "lookahead"])
def test_reduced_precision_points_the_same_way(order):
    exact, reduced = (case(dtype=torch.float32, precision=precision) for precision in ("32-true", "bf16-mixed"))
    getattr(exact, order)()
    getattr(reduced, order)()
    assert torch.cosine_similarity(exact.alpha_gradient(), reduced.alpha_gradient(), dim=0) > 0.98


def test_all_figures_of_reduced_precision_are_finite_and_in_single_precision():
    found = case("resnet18", dtype=torch.float32, precision="bf16-mixed")
    step = found.published()
    figures = [step.loss, *step.h, *step.z, *step.more.values(), *step.gradients, step.weights, found.alpha_gradient()]
    assert all(figure.dtype == torch.float32 and figure.isfinite().all() for figure in figures)


def test_single_precision_is_close_to_double():
    single, double = case(dtype=torch.float32), case()
    single.published()
    double.published()
    assert relative_error(single.alpha_gradient().double(), double.alpha_gradient()) < 1e-4


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_lookahead_with_kept_convolutions_is_the_same_step(precision, monkeypatch):
    usual, kept = (case(dtype=torch.float32, precision=precision) for _ in range(2))
    kept.take.keep_convolutions = True
    recordings = []
    monkeypatch.setattr(weighted_step, "recording", lambda outputs: recordings.append(outputs) or recording(outputs))
    first = usual.lookahead()
    assert not recordings
    second = kept.lookahead()
    assert len(recordings) == 1
    assert torch.equal(first.loss, second.loss)
    assert relative_error(kept.alpha_gradient(), usual.alpha_gradient()) < (1e-5 if precision == "32-true" else 2e-2)


@pytest.mark.parametrize("order", ["published", "lookahead"])
def test_double_backward_takes_over_where_forward_mode_has_no_rule(order, caplog):
    found = case("no rule")
    getattr(found, order)()
    assert not found.take.forward_mode
    assert "no forward-mode rule for a part of the network" in caplog.text
    assert "Double backward took" in caplog.text
    expected = flat(found.twin.alpha_gradient(found.frames, found.meta_frames))
    assert relative_error(found.alpha_gradient(), expected) < 1e-9
    caplog.clear()
    getattr(found, order)()
    assert not caplog.text
