import socket

import numpy as np
import pytest
import skimage.data
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from uscl.base.errors import UserError
from uscl.models.checkpoint import load_by_name
from uscl.models.encoder import Encoder
from uscl.models.imagenet import imagenet_encoder, imagenet_weights
from uscl.models.lite0_weights import timm_name

CATS = {281: "tabby", 282: "tiger cat", 283: "Persian cat", 284: "Siamese cat", 285: "Egyptian cat"}
ESPRESSO = 967


@pytest.fixture(scope="module")
def classifier():
    """timm's EfficientNet-Lite0 with the package's weights and class head: every tensor must match by name."""
    model = timm.create_model("tf_efficientnet_lite0")
    model.load_state_dict(dict(imagenet_weights("tf_efficientnet_lite0")), strict=True)
    return model.eval()


def centre_crop(photograph):
    height, width = photograph.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(photograph[top : top + side, left : left + side]).resize((224, 224), Image.BICUBIC)
    return (torch.from_numpy(np.asarray(square).copy()).permute(2, 0, 1)[None] / 255 - 0.5) / 0.5


@torch.inference_mode()
def test_photographs_are_classified_as_what_they_are(classifier):
    cat = classifier(centre_crop(skimage.data.chelsea())).softmax(1)[0]
    assert cat[list(CATS)].sum() > 0.8
    coffee = classifier(centre_crop(skimage.data.coffee())).softmax(1)[0]
    assert coffee.argmax() == ESPRESSO


@torch.inference_mode()
def test_the_encoder_gives_the_classifier_its_features(classifier):
    encoder = imagenet_encoder("tf_efficientnet_lite0").eval()
    grey = centre_crop(skimage.data.chelsea()).mean(1, keepdim=True)  # normalised as in the encoder
    logits = classifier.classifier(encoder(grey * 0.5 + 0.5))
    torch.testing.assert_close(logits, classifier(grey.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-4)


def test_blocks_are_renamed_one_by_one():
    assert timm_name("_blocks.0._project_conv.weight") == "blocks.0.0.conv_pw.weight"
    assert timm_name("_blocks.15._bn2.running_mean") == "blocks.6.0.bn3.running_mean"
    with pytest.raises(UserError, match="16 blocks"):
        timm_name("_blocks.16._bn2.running_mean")


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_resnet18_weights_come_from_a_named_file(tmp_path, suffix):
    weights = Encoder("resnet18").backbone.state_dict() | {
        "fc.weight": torch.zeros(1000, 512),
        "fc.bias": torch.zeros(1000),
    }
    path = tmp_path / f"weights.{suffix}"
    torch.save(weights, path) if suffix == "pth" else save_file(dict(weights), path)
    encoder = imagenet_encoder("resnet18", str(path))
    assert torch.equal(encoder.backbone.conv1.weight, weights["conv1.weight"])
    assert encoder.stats.mean == (0.485, 0.456, 0.406)


def test_resnet18_offline_without_a_file_gives_one_clear_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *args, **kwargs: (_ for _ in ()).throw(socket.gaierror("offline"))
    )
    with pytest.raises(UserError, match=r"resnet18 can't be downloaded.*imagenet_weights.*tf_efficientnet_lite0"):
        imagenet_encoder("resnet18")


def test_foreign_and_missing_files_are_refused_in_words(tmp_path):
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(UserError, match="can't be read as a weights file"):
        imagenet_encoder("resnet18", str(tmp_path / "text.pth"))
    with pytest.raises(UserError, match="doesn't exist"):
        imagenet_encoder("resnet18", str(tmp_path / "missing.pth"))
    with pytest.raises(UserError, match="vgg"):
        load_by_name(torch.nn.Linear(1, 1), imagenet_weights("vgg"), source="nowhere")
