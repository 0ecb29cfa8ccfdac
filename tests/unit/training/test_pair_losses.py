"""Each loss against lightly's, and against a slow twin of its paper's formula."""

import math

import pytest
import torch
from lightly.loss import BarlowTwinsLoss, NegativeCosineSimilarity, NTXentLoss, VICRegLoss
from torch.nn import functional as F

import uscl.models.torchvision_cpu  # noqa: F401  (before lightly, which imports torchvision)
from uscl.base.seeds import torch_stream
from uscl.training.pair_losses import (
    barlow_twins,
    barlow_twins_levels,
    info_nce,
    info_nce_levels,
    negative_cosine,
    vicreg,
    vicreg_levels,
)


def both(pairs=12, dim=5, seed=0):
    """Two views that have something in common, in float64."""
    with torch_stream(seed, "views"):
        common = torch.randn(pairs, dim, dtype=torch.float64) + 0.3
        return [(common + torch.randn(pairs, dim, dtype=torch.float64)).requires_grad_() for _ in "12"]


def assert_same(ours, theirs, views):
    """Value and gradients agree."""
    torch.testing.assert_close(ours(*views), theirs(*views), rtol=1e-10, atol=1e-12)
    for mine, yours in zip(
        torch.autograd.grad(ours(*views), views), torch.autograd.grad(theirs(*views), views), strict=True
    ):
        torch.testing.assert_close(mine, yours, rtol=1e-9, atol=1e-12)


NONE = torch.zeros(12, 30, dtype=torch.bool)


def test_the_cosine_is_lightlys():
    assert_same(negative_cosine, NegativeCosineSimilarity(), both())


def test_byols_distance_is_2_plus_twice_the_negative_cosine():
    predicted, wanted = both()
    distance = (F.normalize(predicted, dim=1) - F.normalize(wanted, dim=1)).square().sum(1).mean()
    torch.testing.assert_close(2 + 2 * negative_cosine(predicted, wanted), distance)


@pytest.mark.parametrize("redundancy", [5e-3, 0.3])
def test_barlow_twins_is_lightlys(redundancy):
    assert_same(lambda *z: barlow_twins(*z, redundancy), BarlowTwinsLoss(redundancy), both())


def test_barlow_twins_is_the_formula():
    first, second = (view.detach() for view in both())
    expected = 0.0
    for i in range(5):
        for j in range(5):
            a, b = first[:, i] - first[:, i].mean(), second[:, j] - second[:, j].mean()
            enlarged = [(x.square().mean() + 1e-5).sqrt() for x in (a, b)]
            c = ((a * b).mean() / (enlarged[0] * enlarged[1])).item()
            expected += (1 - c) ** 2 if i == j else 0.1 * c**2
    assert barlow_twins(first, second, 0.1).item() == pytest.approx(expected)


@pytest.mark.parametrize("weights", [(25.0, 25.0, 1.0), (1.0, 2.0, 3.0)])
def test_vicreg_is_lightlys(weights):
    assert_same(lambda *z: vicreg(*z, *weights), VICRegLoss(*weights), [0.5 * view for view in both()])


def test_vicreg_is_the_formula():
    first, second = (0.5 * view.detach() for view in both())
    invariance = (
        sum((a - b) ** 2 for a, b in zip(first.flatten().tolist(), second.flatten().tolist(), strict=True)) / 60
    )
    variance = covariance = 0.0
    for view in (first, second):
        variance += sum(max(0.0, 1 - math.sqrt(view[:, k].var().item() + 1e-4)) for k in range(5)) / 5 / 2
        c = torch.cov(view.T)
        covariance += sum(c[i, j].item() ** 2 for i in range(5) for j in range(5) if i != j) / 5
    assert vicreg(first, second, 3, 5, 7).item() == pytest.approx(3 * invariance + 5 * variance + 7 * covariance)


def test_info_nce_is_lightlys_with_a_memory_bank():
    loss = NTXentLoss(0.2, memory_bank_size=(30, 5)).double()
    bank = loss.memory_bank.bank.clone().double()
    loss.memory_bank.bank = bank.clone()
    queries, keys = both()
    theirs = loss(queries, keys.detach())
    ours = info_nce(queries, keys.detach(), bank, 0.2, NONE)
    torch.testing.assert_close(ours, theirs)
    (mine,), (yours,) = (torch.autograd.grad(value, queries) for value in (ours, theirs))
    torch.testing.assert_close(mine, yours)


def test_info_nce_leaves_out_what_is_no_negative():
    (queries, keys), others = both(), torch.randn(30, 5, dtype=torch.float64)
    excluded = NONE.clone()
    excluded[3, 10:25] = True
    q, k, o = (F.normalize(each, dim=1) for each in (queries, keys, others))
    terms = []
    for row in range(12):
        left = o if row != 3 else torch.cat([o[:10], o[25:]])
        terms.append(
            -(q[row] @ k[row] / 0.2) + torch.cat([q[row] @ k[row][:, None], left @ q[row]]).div(0.2).logsumexp(0)
        )
    torch.testing.assert_close(info_nce(queries, keys, others, 0.2, excluded), torch.stack(terms).mean())


def test_levels_are_the_losses_of_nothing_and_everything():
    alike = torch.ones(12, 64, dtype=torch.float64)
    assert info_nce(alike, alike, alike[:1].repeat(30, 1), 0.2, NONE).item() == pytest.approx(
        info_nce_levels(30, 0.2).chance
    )
    axes = torch.eye(64, dtype=torch.float64)
    found = info_nce(axes[:12], axes[:12], axes[12:42], 0.2, NONE).item()
    assert found == pytest.approx(info_nce_levels(30, 0.2).ideal)
    assert vicreg(alike, alike, 25, 25, 1).item() == pytest.approx(vicreg_levels(12, 64, 25, 1).chance)
    with torch_stream(0, "independent"):
        first, second = (torch.randn(400, 64, dtype=torch.float64) for _ in "12")
    chance = barlow_twins_levels(400, 64, 0.1).chance
    assert barlow_twins(first, second, 0.1).item() == pytest.approx(chance, rel=0.05)


def as_uncorrelated_as_can_be(pairs, dim):
    """Centred projections whose dimensions have variance 1 and as little covariance as so few pairs allow.

    With fewer pairs than dimensions these are a tight frame: here cosines and sines of growing frequency.
    """
    free = pairs - 1
    frame = torch.eye(free, dim, dtype=torch.float64)
    if dim > free:
        angles = 2 * math.pi * torch.outer(torch.arange(1, free // 2 + 1), torch.arange(dim)).double() / dim
        frame = torch.cat([angles.cos(), angles.sin()]) / math.sqrt(free // 2)
    random = torch.randn(pairs, free, dtype=torch.float64)
    centred, _ = torch.linalg.qr(random - random.mean(0))
    return math.sqrt(free) * centred @ frame


@pytest.mark.parametrize(("pairs", "dim"), [(9, 32), (40, 8)])
def test_ideal_losses_are_reached(pairs, dim):
    z = as_uncorrelated_as_can_be(pairs, dim)
    assert z.var(0).tolist() == pytest.approx([1] * dim)
    assert barlow_twins(z, z, 0.1).item() == pytest.approx(barlow_twins_levels(pairs, dim, 0.1).ideal, abs=1e-3)
    assert vicreg(z, z, 25, 25, 1).item() == pytest.approx(vicreg_levels(pairs, dim, 25, 1).ideal, abs=1e-3)
