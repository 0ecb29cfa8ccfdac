import math

import pytest
import torch

from uscl.losses import dice_bce, nt_xent_per_view


def slow_nt_xent(z1, z2, temperature):
    """NT-Xent by its definition: a double loop over views in plain Python."""
    views = [[float(x) for x in row] for row in [*z1, *z2]]
    pairs = len(z1)

    def cosine(a, b):
        norm = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(x * x for x in b))
        return sum(x * y for x, y in zip(a, b, strict=True)) / norm

    losses = []
    for i, view in enumerate(views):
        partner = (i + pairs) % (2 * pairs)
        total = sum(math.exp(cosine(view, other) / temperature) for k, other in enumerate(views) if k != i)
        losses.append(-math.log(math.exp(cosine(view, views[partner]) / temperature) / total))
    return losses


@pytest.mark.parametrize("pairs", [2, 3, 8])
@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_nt_xent_equals_the_double_loop(pairs, temperature):
    generator = torch.Generator().manual_seed(pairs)
    z1, z2 = torch.randn(2, pairs, 5, dtype=torch.float64, generator=generator)
    expected = torch.tensor(slow_nt_xent(z1, z2, temperature), dtype=torch.float64)
    torch.testing.assert_close(nt_xent_per_view(z1, z2, temperature), expected, rtol=1e-12, atol=1e-12)


def test_nt_xent_of_half_precision_is_computed_in_float32():
    z1, z2 = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0)).bfloat16()
    loss = nt_xent_per_view(z1, z2)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, nt_xent_per_view(z1.float(), z2.float()))


def test_nt_xent_is_lowest_for_equal_partners_and_orthogonal_pairs():
    z = torch.eye(4)
    aligned = nt_xent_per_view(z, z).mean()
    assert aligned < nt_xent_per_view(z, z.roll(1, 0)).mean()
    assert aligned.item() == pytest.approx(-2 + math.log(math.exp(2) + 6), rel=1e-6)


def test_dice_bce_by_hand():
    logits = torch.tensor([[[[100.0, -100.0], [-100.0, -100.0]]]])
    mask = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    dice = (2 * 1 + 1) / (1 + 2 + 1)
    assert dice_bce(logits, mask).item() == pytest.approx(1 - dice + 100 / 4)


def test_dice_bce_of_a_right_empty_mask_is_zero():
    assert dice_bce(torch.full((2, 1, 4, 4), -100.0), torch.zeros(2, 1, 4, 4)).item() == pytest.approx(0, abs=1e-6)
