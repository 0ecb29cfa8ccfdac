import copy
import functools

import pytest
import torch
from torch import nn

from uscl.base.errors import UserError
from uscl.base.seeds import torch_stream
from uscl.models.encoder import Encoder
from uscl.models.encoders import InputStats
from uscl.models.segmenter import DECODERS, Segmenter
from uscl.training.losses import dice_bce

TENSORS = {"resnet18": 120, "tf_efficientnet_lite0": 288}
HALF = InputStats((0.5,) * 3, (0.25,) * 3)

every_decoder = pytest.mark.parametrize("decoder", DECODERS)
every_arch = pytest.mark.parametrize("arch", list(TENSORS))


@functools.cache
def encoder_of(arch):
    """An encoder that all tests share and none changes."""
    return Encoder(arch)


@functools.cache
def segmenter_of(arch, decoder):
    """A segmenter on that encoder, which no test changes either."""
    return Segmenter(encoder_of(arch), decoder)


@every_decoder
@every_arch
def test_all_of_the_decoders_encoder_comes_from_the_pretrained_one(arch, decoder):
    encoder, model = encoder_of(arch), segmenter_of(arch, decoder)
    own = model.net.encoder.state_dict()
    assert model.matched == len(own) == TENSORS[arch]
    prefix = "" if arch == "resnet18" else "model."
    given = encoder.backbone.state_dict()
    assert all(torch.equal(tensor, given[name.removeprefix(prefix)]) for name, tensor in own.items())


@every_decoder
@every_arch
def test_logits_have_the_shape_of_the_frames_and_their_gradient_reaches_the_encoder(arch, decoder):
    model = copy.deepcopy(segmenter_of(arch, decoder))
    logits = model(torch.rand(2, 1, 64, 96))
    assert logits.shape == (2, 1, 64, 96)
    dice_bce(logits, torch.ones_like(logits), torch.ones_like(logits)).backward()
    first = next(model.net.encoder.parameters())
    assert first.grad.abs().sum() > 0
    assert all(parameter.grad is not None for parameter in model.parameters())


@every_decoder
def test_frames_get_the_encoders_normalisation(decoder):
    model = Segmenter(Encoder("tf_efficientnet_lite0", HALF), decoder).eval()
    seen = []
    model.net.encoder.model.conv_stem.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        model(torch.full((1, 1, 64, 96), 0.75))
    assert torch.equal(seen[0], torch.ones(1, 3, 64, 96))


@every_decoder
def test_the_segmenter_does_not_share_weights_with_the_encoder(decoder):
    encoder = Encoder("tf_efficientnet_lite0")
    model = Segmenter(encoder, decoder)
    with torch.no_grad():
        model.net.encoder.model.conv_stem.weight.zero_()
    assert encoder.backbone.conv_stem.weight.abs().sum() > 0


def used_encoder(arch):
    """An encoder whose BatchNorm has seen frames, so that no channel dies on the way."""
    with torch_stream(0, "init"):
        encoder = Encoder(arch)
    with torch.no_grad():
        for _ in range(3):
            encoder.train()(torch.rand(8, 1, 64, 64))
    return encoder.eval()


@every_arch
def test_dilation_computes_between_the_pixels_what_the_pretrained_encoder_computes_at_them(arch):
    encoder = used_encoder(arch)
    frames = torch.rand(2, 1, 64, 96)
    with torch.inference_mode():
        coarse = Segmenter(encoder, "unet").eval().net.encoder(frames.expand(-1, 3, -1, -1))
        dense = Segmenter(encoder, "deeplabv3plus").eval().net.encoder(frames.expand(-1, 3, -1, -1))
    assert [features.shape[-1] for features in coarse] == [96, 48, 24, 12, 6, 3]
    assert [features.shape[-1] for features in dense] == [96, 48, 24, 12, 6, 6]
    # TensorFlow's padding puts the strided pixels on odd places.
    first = 0 if arch == "resnet18" else 1
    torch.testing.assert_close(dense[-1][..., first::2, first::2], coarse[-1], rtol=1e-4, atol=1e-5)
    assert dense[-1].std() > 0.1


@every_decoder
@every_arch
def test_a_training_step_repeats_under_deterministic_algorithms(arch, decoder):
    gradients = []
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        for _ in range(2):
            with torch_stream(0, "step"):
                model = Segmenter(encoder_of(arch), decoder).to(memory_format=torch.channels_last)
                logits = model(torch.rand(2, 1, 64, 64))
                dice_bce(logits, torch.ones_like(logits), torch.ones_like(logits)).backward()
            gradients.append([parameter.grad for parameter in model.parameters()])
    finally:
        torch.use_deterministic_algorithms(before)
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


@every_decoder
@every_arch
def test_freezing_leaves_the_last_block_and_the_decoder(arch, decoder):
    model = copy.deepcopy(segmenter_of(arch, decoder))
    model.freeze_below_last_block()
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    last = "net.encoder.layer4.1." if arch == "resnet18" else "net.encoder.model.blocks.6.0."
    in_encoder = {name for name in trained if name.startswith("net.encoder.")}
    assert in_encoder
    assert all(name.startswith(last) for name in in_encoder)
    rest = {name for name, _ in model.named_parameters() if not name.startswith("net.encoder.")}
    assert rest == trained - in_encoder


def test_the_published_rates_and_output_stride_are_used():
    net = segmenter_of("resnet18", "deeplabv3plus").net
    dilated = [layer.dilation for layer in net.decoder.aspp[0].convs.modules() if isinstance(layer, nn.Conv2d)]
    assert sorted(rate for rate, _ in dilated if rate > 1) == [6, 12, 18]
    assert net.encoder.output_stride == 16


def test_an_unknown_decoder_is_refused():
    with pytest.raises(UserError, match="Unknown decoder 'fpn': choose one of unet, deeplabv3plus"):
        Segmenter(encoder_of("resnet18"), "fpn")
