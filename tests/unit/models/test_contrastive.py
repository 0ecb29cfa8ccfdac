import pytest
import torch
from tiny import TinyEncoder
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


def test_a_class_head_can_work_on_projections_of_another_size(frames):
    model = ContrastiveModel(Means(), 0, classes=2, out=16, classify_projections=True)
    _, z, logits = model(frames)
    assert z.shape == (5, 16)
    torch.testing.assert_close(logits, z @ model.classifier.weight.T + model.classifier.bias)


def test_without_a_projector_the_representations_come_twice(frames):
    h, z, logits = ContrastiveModel(Means(), 0, classes=2, out=0)(frames)
    assert torch.equal(h, z)
    assert logits.shape == (5, 2)


@pytest.mark.parametrize("joint", [True, False])
def test_batchnorm_takes_the_statistics_of_one_view_or_of_both(joint):
    views = (
        torch.rand(6, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        * torch.tensor([1.0, 3.0])[[0, 0, 0, 1, 1, 1], None, None, None]
    )
    encoder, alone = TinyEncoder(), TinyEncoder()
    h, _ = ContrastiveModel(encoder, 0, joint=joint).train()(views)
    alone.train()
    expected = alone(views) if joint else torch.cat([alone(view) for view in views.chunk(2)])
    assert torch.equal(h, expected)
    assert encoder.backbone[1].num_batches_tracked == (1 if joint else 2)
    assert torch.equal(encoder.backbone[1].running_mean, alone.backbone[1].running_mean)
