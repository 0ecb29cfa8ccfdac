import pytest
import torch
from tiny import TinyEncoder
from torch import distributed as dist
from torch.func import functional_call, jvp
from torch.nn import functional as F

from uscl.models.contrastive import ContrastiveModel
from uscl.models.encoder import Encoder
from uscl.pretrain.meta.double_backward import jvp_by_double_backward
from uscl.pretrain.meta.forward_mode import (
    dual_batch_norm,
    frozen_statistics,
    global_batch_norm,
    jacobian_vector_product,
    recording,
)


def random(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def double_model(encoder, training=True, joint=False):
    torch.manual_seed(0)
    model = ContrastiveModel(encoder, 0, joint=joint).double()
    for name, buffer in model.named_buffers():
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
    return model.train(training)


def with_a_direction(model):
    return model, random(6, 1, 32, 32), [random(*parameter.shape) for parameter in model.parameters()]


def recorded_pass(model, frames):
    convolutions = []
    with recording(convolutions):
        outputs = model(frames)
    return outputs, convolutions


@pytest.fixture(params=[False, True], ids=["per view", "joint"])
def joint(request):
    return request.param


@pytest.fixture
def tiny(joint):
    return with_a_direction(double_model(TinyEncoder(), joint=joint))


@pytest.mark.parametrize(
    ("arch", "training", "recorded"),
    [
        ("resnet18", True, True),
        ("tf_efficientnet_lite0", True, True),
        ("tiny", True, False),
        ("tiny", False, True),
        ("tiny", False, False),
    ],
)
def test_values_and_derivatives_are_those_of_torchs_forward_mode(arch, training, recorded, joint):
    encoder = TinyEncoder() if arch == "tiny" else Encoder(arch)
    model, frames, direction = with_a_direction(double_model(encoder, training, joint))
    convolutions = recorded_pass(model, frames)[1] if recorded else []
    duals = jacobian_vector_product(model, frames, direction, recorded=convolutions)

    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
    values, tangents = jvp(
        lambda theta: functional_call(model, theta | frozen_statistics(model), (frames,)),
        (weights,),
        (dict(zip(weights, direction, strict=True)),),
    )
    for dual, value, tangent in zip(duals, values, tangents, strict=True):
        torch.testing.assert_close(dual.value, value, rtol=1e-10, atol=1e-10)
        assert (dual.tangent - tangent).norm() < 1e-11 * tangent.norm()


def test_derivatives_are_those_of_central_differences(tiny):
    model, frames, direction = tiny
    duals = jacobian_vector_product(model, frames, direction)

    def outputs(eps):
        moved = zip(model.named_parameters(), direction, strict=True)
        weights = {name: parameter.detach() + eps * way for (name, parameter), way in moved}
        return functional_call(model, weights | frozen_statistics(model), (frames,))

    eps = 1e-6
    for dual, above, below in zip(duals, outputs(eps), outputs(-eps), strict=True):
        slope = (above - below) / (2 * eps)
        assert (dual.tangent - slope).norm() < 1e-7 * slope.norm()


def test_recording_changes_nothing_and_records_every_convolution(tiny, joint):
    model, frames, _ = tiny
    outputs, convolutions = recorded_pass(model, frames)
    plain = double_model(TinyEncoder(), joint=joint)
    assert all(torch.equal(a, b) for a, b in zip(outputs, plain(frames), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(model.buffers(), plain.buffers(), strict=True))
    assert torch.equal(convolutions[0], model.encoder.backbone[0](frames))
    assert len(convolutions) == 2
    assert not any(output.requires_grad for output in convolutions)


@pytest.mark.parametrize("change", [lambda found: found[:-1], lambda found: [*found, found[-1]]])
def test_a_recording_of_another_number_of_convolutions_is_refused(tiny, change):
    model, frames, direction = tiny
    with pytest.raises(ValueError, match="convolutions than this one"):
        jacobian_vector_product(model, frames, direction, recorded=change(recorded_pass(model, frames)[1]))


def test_the_recorded_outputs_are_used_and_not_computed_again(tiny):
    model, frames, direction = tiny
    convolutions = recorded_pass(model, frames)[1]
    usual = jacobian_vector_product(model, frames, direction)
    doubled = jacobian_vector_product(model, frames, direction, recorded=[convolutions[0], 2 * convolutions[1]])
    # If the recording is used, BatchNorm takes the factor out again, except for its eps.
    assert (doubled[0].value - usual[0].value).abs().max() > 1e-9


def test_the_pass_moves_no_statistics_and_keeps_no_graph(tiny):
    model, frames, direction = tiny
    before = [buffer.clone() for buffer in model.buffers()]
    duals = jacobian_vector_product(model, frames, direction)
    assert all(torch.equal(a, b) for a, b in zip(before, model.buffers(), strict=True))
    assert not any(part.requires_grad for dual in duals for part in dual)


def relative(found, expected):
    return max(
        ((one.tangent - two.tangent).norm() / two.tangent.norm()).item()
        for one, two in zip(found, expected, strict=True)
    )


def network(*layers):
    encoder = TinyEncoder()
    encoder.backbone = torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    return with_a_direction(double_model(encoder))


def test_a_convolution_may_have_a_bias():
    model, frames, direction = network(torch.nn.Conv2d(1, 8, 3, stride=2), torch.nn.GELU())
    recorded = recorded_pass(model, frames)[1]
    found = jacobian_vector_product(model, frames, direction, recorded=recorded)
    assert len(recorded) == 1
    assert relative(found, jvp_by_double_backward(model, frames, direction)) < 1e-12


def test_an_output_that_is_overwritten_in_place_is_computed_again():
    layers = torch.nn.Conv2d(1, 8, 3, bias=False), torch.nn.SiLU(inplace=True), torch.nn.Conv2d(8, 8, 3)
    model, frames, direction = network(*layers)
    recorded = recorded_pass(model, frames)[1]
    assert [output is None for output in recorded] == [True, False]
    found = jacobian_vector_product(model, frames, direction, recorded=recorded)
    assert relative(found, jvp_by_double_backward(model, frames, direction)) < 1e-12


def test_batch_norm_before_any_weights_is_passed():
    model, frames, direction = network(torch.nn.BatchNorm2d(1), torch.nn.Conv2d(1, 8, 3))
    found = jacobian_vector_product(model, frames, direction)
    assert relative(found, jvp_by_double_backward(model, frames, direction)) < 1e-12


@pytest.mark.parametrize("norm", [torch.nn.GroupNorm(2, 8), torch.nn.InstanceNorm2d(8, affine=True)])
def test_other_norms_are_passed(norm):
    model, frames, direction = network(torch.nn.Conv2d(1, 8, 3), norm, torch.nn.Hardsigmoid())
    found = jacobian_vector_product(model, frames, direction)
    assert relative(found, jvp_by_double_backward(model, frames, direction)) < 1e-12


@pytest.fixture
def group_of_one():
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def batch_norm_by(function, training, frames, weight, bias):
    """Output and running statistics afterwards."""
    mean, var = torch.linspace(-1, 1, 3).double(), torch.linspace(0.5, 2, 3).double()
    return function(frames, mean, var, weight, bias, training, 0.2, 1e-3), mean, var


@pytest.mark.usefixtures("group_of_one")
@pytest.mark.parametrize("training", [True, False])
def test_global_batch_norm_in_one_process_is_the_ordinary_one(training):
    torch.manual_seed(0)
    inputs = random(4, 3, 5, 5), random(3), random(3)
    usual, synchronised = (batch_norm_by(f, training, *inputs) for f in (F.batch_norm, global_batch_norm))
    for found, expected in zip(synchronised, usual, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.usefixtures("group_of_one")
@pytest.mark.parametrize("training", [True, False])
def test_the_derivatives_of_global_batch_norm_are_those_of_the_ordinary_one(training):
    torch.manual_seed(0)
    inputs = random(4, 3, 5, 5), random(3), random(3)
    tangents, cotangent = tuple(random(*part.shape) for part in inputs), random(4, 3, 5, 5)

    def derivatives(function):
        def output(*parts):
            return batch_norm_by(function, training, *parts)[0]

        leaves = [part.clone().requires_grad_() for part in inputs]
        return *torch.autograd.grad(output(*leaves), leaves, cotangent), forward_mode(output, inputs, tangents)

    for found, expected in zip(derivatives(global_batch_norm), derivatives(F.batch_norm), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_the_dual_of_batch_norm_is_that_of_torch_and_moves_no_statistics(training):
    torch.manual_seed(0)
    inputs = random(4, 3, 5, 5), random(3), random(3)
    tangents = tuple(random(*part.shape) for part in inputs)
    statistics = random(3), torch.ones(3).double()
    untouched = [figure.clone() for figure in statistics]

    def output(function):
        return lambda x, w, b: function(x, *statistics, w, b, training)

    found = forward_mode(output(dual_batch_norm), inputs, tangents)
    assert all(torch.equal(a, b) for a, b in zip(statistics, untouched, strict=True))
    torch.testing.assert_close(found, forward_mode(output(F.batch_norm), inputs, tangents), rtol=1e-10, atol=1e-12)


def forward_mode(function, inputs, tangents):
    with torch.no_grad(), torch.autograd.forward_ad.dual_level():
        duals = [torch.autograd.forward_ad.make_dual(*pair) for pair in zip(inputs, tangents, strict=True)]
        return torch.autograd.forward_ad.unpack_dual(function(*duals)).tangent


@pytest.mark.parametrize("batch_norm", [dual_batch_norm, global_batch_norm])
def test_batch_norm_takes_the_running_statistics_unless_it_is_told_to_train(batch_norm):
    torch.manual_seed(0)
    frames, statistics = random(4, 3, 2, 2), (random(3), torch.full((3,), 2.0).double())
    weights = random(3), random(3)
    expected = F.batch_norm(frames, *statistics, *weights)
    torch.testing.assert_close(batch_norm(frames, *statistics, *weights), expected, rtol=0, atol=0)
