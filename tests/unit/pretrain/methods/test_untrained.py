import torch

from uscl.models.imagenet import imagenet_encoder
from uscl.pretrain.methods import imagenet, random


def test_random_weights_follow_the_seed():
    first, same, other = (random.untrained_encoder("resnet18", seed) for seed in (0, 0, 1))
    assert torch.equal(first.backbone.conv1.weight, same.backbone.conv1.weight)
    assert not torch.equal(first.backbone.conv1.weight, other.backbone.conv1.weight)


def test_imagenet_weights_are_the_published_ones():
    encoder = imagenet.untrained_encoder("tf_efficientnet_lite0", 0)
    expected = imagenet_encoder("tf_efficientnet_lite0")
    assert torch.equal(encoder.backbone.conv_stem.weight, expected.backbone.conv_stem.weight)
