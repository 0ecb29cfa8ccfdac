"""What encoders of timm and torchvision must be able to do: one of each family, small, from random weights."""

import copy
import subprocess
import sys

import pytest
import torch

import uscl
from uscl.base.errors import UserError
from uscl.base.seeds import torch_stream
from uscl.models.checkpoint import save_encoder
from uscl.models.contrastive import ContrastiveModel
from uscl.models.encoder import Encoder
from uscl.models.encoders import HubWeights, HuggingFaceWeights, InputStats, check_encoder, encoder_spec
from uscl.models.freezing import freeze_below_last_block
from uscl.models.library_encoders import library_spec
from uscl.models.library_names import FAMILIES, family_of
from uscl.models.segmenter import Segmenter
from uscl.pretrain.meta.double_backward import jvp_by_double_backward
from uscl.pretrain.meta.forward_mode import jacobian_vector_product, recording

NAMES = (
    *("timm/resnet18", "timm/resnet50", "timm/tf_efficientnet_lite0", "timm/efficientnet_b0"),
    *("timm/mobilenetv3_small_100", "timm/convnext_tiny", "timm/regnety_002", "timm/densenet121"),
    *("timm/vit_tiny_patch16_224", "timm/vit_small_patch16_224", "timm/deit_tiny_patch16_224"),
    *("timm/swin_tiny_patch4_window7_224", "timm/vit_small_patch14_dinov2", "timm/vit_small_patch16_dinov3"),
    *("torchvision/resnet50", "torchvision/efficientnet_b0", "torchvision/mobilenet_v3_small"),
    *("torchvision/convnext_tiny", "torchvision/regnet_y_400mf", "torchvision/densenet121"),
    *("torchvision/shufflenet_v2_x1_0", "torchvision/swin_t", "torchvision/vit_b_32"),
)


def size_of(name):
    """A small input size that an encoder can have."""
    return 2 * encoder_spec(name).patch if family_of(name).transformer else 32


@pytest.fixture(scope="module", params=NAMES)
def encoder(request):
    """Each encoder in turn, built once; tests that change it copy it."""
    return Encoder(request.param, input_size=size_of(request.param)).eval()


def test_every_family_has_an_encoder_here():
    assert {family_of(name) for name in NAMES} == set(FAMILIES)


def test_an_entry_says_what_the_library_builds(encoder):
    spec = encoder_spec(encoder.arch)
    with torch.inference_mode():
        assert encoder(torch.rand(2, 1, 40, 40)).shape == (2, spec.features)
    with torch.device("meta"):
        published = spec.build(spec.input_size) if spec.input_size else encoder.backbone
    assert spec.parameters == sum(parameter.numel() for parameter in published.parameters())
    assert not any(tensor.startswith(f"{spec.head}.") for tensor in encoder.backbone.state_dict())
    assert len(spec.image_statistics.mean) == len(spec.image_statistics.std) == 3
    assert isinstance(spec.weights, HubWeights | HuggingFaceWeights)


def test_last_block_leaves_that_block_alone_to_train(encoder):
    backbone, spec = copy.deepcopy(encoder.backbone), encoder_spec(encoder.arch)
    freeze_below_last_block(backbone, encoder.arch)
    trained = {key for key, parameter in backbone.named_parameters() if parameter.requires_grad}
    for prefix in spec.last_block:
        assert any(key.startswith(prefix) for key in trained), prefix
    last = [key for key, _ in backbone.named_parameters()][-1]
    assert last in trained, "what comes last before the pooling is in the last block"
    share = sum(parameter.numel() for key, parameter in backbone.named_parameters() if key in trained)
    assert 0 < share < 0.7 * spec.parameters


def test_an_encoder_that_is_saved_loads_as_it_was(encoder, tmp_path):
    frames = torch.rand(2, 1, 48, 48)
    save_encoder(encoder, tmp_path / "encoder.safetensors", method="simclr")
    loaded = uscl.load_encoder(tmp_path / "encoder.safetensors")
    assert (loaded.arch, loaded.input_size, loaded.stats) == (encoder.arch, encoder.input_size, encoder.stats)
    with torch.inference_mode():
        assert torch.equal(loaded(frames), encoder(frames))


def test_two_passes_in_training_see_the_same_network(encoder):
    """Dropout or stochastic depth would make the meta-gradient that of another network."""
    training, frames = copy.deepcopy(encoder).train(), torch.rand(4, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(training(frames), training(frames))


def test_forward_mode_gives_the_derivatives_of_double_backward(encoder):
    """What the gradient of the weight net rests on, in float64."""
    torch.manual_seed(0)
    model = ContrastiveModel(copy.deepcopy(encoder), 0).double().train()
    frames = torch.rand(6, 1, 32, 32, dtype=torch.float64)
    direction = [parameter.abs().mean() * torch.randn_like(parameter) for parameter in model.parameters()]
    convolutions = []
    with recording(convolutions):
        model(frames)
    found = jacobian_vector_product(model, frames, direction, recorded=convolutions)
    for dual, expected in zip(found, jvp_by_double_backward(model, frames, direction), strict=True):
        torch.testing.assert_close(dual.value, expected.value, rtol=1e-10, atol=1e-12)
        assert (dual.tangent - expected.tangent).norm() < 1e-9 * expected.tangent.norm()


def test_an_encoder_segments_or_gives_the_reason_why_not(encoder):
    if isinstance(reason := encoder_spec(encoder.arch).segmentation, str):
        assert reason.endswith(".")
        with pytest.raises(UserError, match=rf"^Encoder {encoder.arch} can't segment: "):
            Segmenter(encoder)
        return
    model = Segmenter(encoder)
    assert model.matched == len(encoder.backbone.state_dict())
    model.freeze_below_last_block()
    frozen = [key for key, parameter in model.named_parameters() if not parameter.requires_grad]
    assert frozen
    assert all(key.startswith("net.encoder.backbone.") for key in frozen)
    frames = torch.rand(2, 1, 40, 40)
    logits = model(frames)
    assert logits.shape == frames.shape
    logits.square().sum().backward()
    trained = [key for key, parameter in model.named_parameters() if parameter.grad is not None]
    assert any(key.startswith("net.encoder.") for key in trained), "the last block learns"
    with pytest.raises(UserError, match="have no deeplabv3plus here"):
        Segmenter(encoder, "deeplabv3plus")


def test_a_backbone_of_one_channel_takes_the_grey_frame_itself():
    encoder = Encoder("timm/resnet18", InputStats((0.18,), (0.24,)))
    assert encoder.backbone.conv1.weight.shape[1] == 1
    assert encoder(torch.rand(2, 1, 32, 32)).shape == (2, 512)


@pytest.mark.parametrize("name", ["resnet18", "torchvision/resnet50"])
def test_a_backbone_that_takes_three_channels_only_is_not_built_with_one(name):
    with pytest.raises(UserError, match=f"^Encoder {name} takes three channels: "):
        Encoder(name, InputStats((0.18,), (0.24,)))


def test_an_entry_that_is_made_first_changes_no_random_weights():
    def total():
        with torch_stream(0, "init"):
            encoder = Encoder("torchvision/regnet_y_400mf")
        return sum(float(weight.double().sum()) for weight in encoder.parameters())

    library_spec.cache_clear()
    assert total() == total()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("timm/resnet5o", r"^Unknown encoder 'timm/resnet5o'; did you mean 'timm/resnet50'\?$"),
        ("timm/xcit_nano_12_p16_224", "timm's modules convnext, .*, not of xcit"),
        ("torchvision/vgg16", "torchvision's modules .*, not of vgg"),
        ("other/resnet18", "a name with / is timm/NAME or torchvision/NAME"),
        ("timm/deit_tiny_distilled_patch16_224", "has two heads"),
    ],
)
def test_a_name_that_can_not_be_had_is_refused_in_one_sentence(name, sentence):
    for refused in (check_encoder, encoder_spec):
        with pytest.raises(UserError, match=sentence):
            refused(name)


def test_a_tag_that_timm_does_not_know_is_refused():
    with pytest.raises(UserError, match=r"^Encoder timm/resnet18\.nothing: .*: take another tag"):
        encoder_spec("timm/resnet18.nothing")


def test_names_are_checked_without_a_library():
    code = (
        "import sys; from uscl.models.encoders import check_encoder; check_encoder('timm/resnet50');"
        " sys.exit(', '.join({'torch', 'timm', 'torchvision'} & set(sys.modules)) or None)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
