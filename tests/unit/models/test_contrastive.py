import pytest
import torch
from torch import nn

from uscl.models.contrastive import ContrastiveModel


class Means(nn.Module):
    """An encoder of its own kind: the means of the image's rows."""

    dim = 8

    def forward(self, frames):
        return frames.mean(dim=(1, 3))


@pytest.fixture
def frames():
    return torch.rand(5, 1, 8, 6, generator=torch.Generator().manual_seed(0))


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_frames_become_representations_and_projections(frames):
    model = ContrastiveModel(Means(), 0)
    h, z = model(frames)
    assert torch.equal(h, frames.mean(dim=(1, 3)))
    assert z.shape == (5, 128)
    first, _, last = model.projector
    torch.testing.assert_close(z, (h @ first.weight.T + first.bias).relu() @ last.weight.T + last.bias)


def test_with_classes_their_logits_come_third_from_the_representations(frames):
    model = ContrastiveModel(Means(), 0, classes=3)
    h, z, logits = model(frames)
    assert (h.shape, z.shape, logits.shape) == ((5, 8), (5, 128), (5, 3))
    torch.testing.assert_close(logits, h @ model.classifier.weight.T + model.classifier.bias)


def test_heads_start_from_the_seed_whatever_was_drawn_before():
    first = ContrastiveModel(Means(), 0, classes=3)
    torch.rand(7)
    assert same(first, ContrastiveModel(Means(), 0, classes=3))
    other = ContrastiveModel(Means(), 1, classes=3)
    assert not same(first.projector, other.projector)
    assert not same(first.classifier, other.classifier)


def test_a_class_head_does_not_move_the_projection_head():
    without, with_classes = ContrastiveModel(Means(), 0), ContrastiveModel(Means(), 0, classes=3)
    assert same(without.projector, with_classes.projector)
    assert without.classifier is None


def test_making_heads_leaves_torchs_own_random_numbers_alone():
    before = torch.get_rng_state()
    ContrastiveModel(Means(), 0, classes=3)
    assert torch.equal(before, torch.get_rng_state())
