import pytest
import torch

from uscl.models.encoder import Encoder
from uscl.models.freezing import freeze_below_last_block, freeze_but, train_what_is_free


@pytest.mark.parametrize(("arch", "tensors"), [("resnet18", 6), ("tf_efficientnet_lite0", 12)])
def test_only_the_last_block_of_an_encoder_trains(arch, tensors):
    encoder = Encoder(arch)
    freeze_below_last_block(encoder.backbone, arch)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    train_what_is_free(encoder)
    trained = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    assert len(trained) == tensors
    optimizer = torch.optim.SGD(trained, lr=0.1)
    encoder(torch.rand(4, 1, 64, 64)).square().sum().backward()
    optimizer.step()
    moved = {name for name, tensor in encoder.state_dict().items() if not torch.equal(tensor, before[name])}
    # Running statistics of frozen BatchNorm stay the same too.
    last = ("layer4.1.",) if arch == "resnet18" else ("blocks.6.0.", "conv_head.", "bn2.")
    assert moved
    assert all(name.removeprefix("backbone.").startswith(last) for name in moved)
    assert any(name.endswith("running_mean") for name in moved)


def test_layers_without_parameters_and_unfrozen_ones_are_in_training():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(), torch.nn.BatchNorm1d(2))
    freeze_but(model, ["2."])
    train_what_is_free(model)
    assert [layer.training for layer in model] == [False, True, True]


def test_a_prefix_that_no_parameter_has_is_an_error():
    with pytest.raises(ValueError, match=r"no parameter of Linear begins with layer9"):
        freeze_but(torch.nn.Linear(2, 2), ["layer9"])
