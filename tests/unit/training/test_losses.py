import math

import pytest
import torch

from uscl.base.errors import UserError
from uscl.training.losses import dice_bce, finite, finite_mean, labelled_cross_entropy, nt_xent_per_view, weighted_mean


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


def bf16(*shape, seed=0, spread=1.0):
    """Random numbers in bfloat16; with a small `spread` all rows are nearly the same."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(shape[-1], generator=generator) + spread * torch.randn(shape, generator=generator)).bfloat16()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("spread", [1.0, 1e-2, 0.0])
def test_nt_xent_under_autocast_is_that_of_float32_also_of_nearly_equal_views(dtype, spread):
    z1, z2 = bf16(2, 6, 16, spread=spread)
    expected = torch.tensor(slow_nt_xent(z1, z2, 0.05))
    z1 = z1.to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = nt_xent_per_view(z1, z2.to(dtype), 0.05)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=1e-4)
    (gradient,) = torch.autograd.grad(loss.mean(), z1)
    assert gradient.isfinite().all()


def test_nt_xent_of_views_that_are_all_the_same_is_the_log_of_their_number():
    z = torch.ones(8, 4)
    torch.testing.assert_close(nt_xent_per_view(z, z, 0.05), torch.full((16,), math.log(15)))


def test_the_weighted_mean_equals_the_double_loop():
    z1, z2 = torch.randn(2, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    weights = [0.9, 0.1, 0.5, 0.25, 0.75]
    losses = slow_nt_xent(z1, z2, 0.5)
    expected = math.fsum(weights[i % 5] * loss for i, loss in enumerate(losses)) / math.fsum(weights * 2)
    loss = weighted_mean(nt_xent_per_view(z1, z2, 0.5), torch.tensor(weights, dtype=torch.float64))
    assert loss.item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weight", [1.0, 0.3, 1e-6])
def test_equal_weights_give_the_mean(weight):
    losses = torch.rand(12, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(weighted_mean(losses, torch.full((6,), weight)), losses.mean())


def test_weights_of_lower_precision_are_taken_in_that_of_the_losses():
    losses, weights = torch.rand(12, generator=torch.Generator().manual_seed(0)), bf16(6).abs()
    loss = weighted_mean(losses, weights)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, weighted_mean(losses, weights.float()))


def test_labelled_cross_entropy_is_the_mean_over_labelled_rows():
    logits = torch.tensor([[2.0, 0.0, 1.0], [0.5, 0.5, 0.5], [9.0, -9.0, 0.0], [0.0, 3.0, 1.0]])
    first = -math.log(math.exp(2) / (math.exp(2) + 1 + math.exp(1)))
    last = -math.log(math.exp(1) / (1 + math.exp(3) + math.exp(1)))
    assert labelled_cross_entropy(logits, torch.tensor([0, -1, -1, 2])).item() == pytest.approx((first + last) / 2)


def test_labelled_cross_entropy_of_a_single_labelled_row_is_its_own():
    loss = labelled_cross_entropy(torch.tensor([[9.0, -9.0], [0.0, 0.0]]), torch.tensor([-1, 1]))
    assert loss.item() == pytest.approx(math.log(2))


def test_rows_without_a_label_get_no_gradient():
    logits = torch.rand(3, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labelled_cross_entropy(logits, torch.tensor([-1, 2, -1])).backward()
    assert logits.grad[1].abs().min() > 0
    assert (logits.grad[[0, 2]] == 0).all()


def test_a_batch_without_labels_has_loss_zero_and_gradient_zero():
    logits = torch.rand(3, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = labelled_cross_entropy(logits, torch.tensor([-1, -1, -1]))
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_loss_that_is_not_finite_is_reported_with_its_place(value):
    assert finite(torch.tensor(0.5), "epoch 1") == 0.5
    with pytest.raises(UserError, match=f"The loss became {value} in epoch 3: lower the learning rate `lr`"):
        finite(torch.tensor(float(value)), "epoch 3")


def test_of_an_epochs_losses_the_first_that_is_not_finite_is_named():
    assert finite_mean(torch.tensor([1.0, 2.0]), "epoch 3") == 1.5
    with pytest.raises(UserError, match="The loss became inf in epoch 3, step 2: lower"):
        finite_mean(torch.tensor([1.0, float("inf"), float("nan")]), "epoch 3")


def test_dice_bce_by_hand():
    logits = torch.tensor([[[[100.0, -100.0], [-100.0, -100.0]]]])
    mask = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    dice = (2 * 1 + 1) / (1 + 2 + 1)
    assert dice_bce(logits, mask, torch.ones_like(mask)).item() == pytest.approx(1 - dice + 100 / 4)


def test_dice_bce_of_a_right_empty_mask_is_zero():
    nothing = torch.zeros(2, 1, 4, 4)
    assert dice_bce(torch.full((2, 1, 4, 4), -100.0), nothing, nothing + 1).item() == pytest.approx(0, abs=1e-6)


def test_dice_bce_of_an_image_without_a_picture_is_zero():
    nothing = torch.zeros(1, 1, 2, 2)
    assert dice_bce(nothing, nothing, nothing).item() == 0


def test_dice_bce_is_that_of_the_pictures_without_their_borders():
    generator = torch.Generator().manual_seed(0)
    logits, masks = torch.randn(3, 1, 6, 6, generator=generator), torch.rand(3, 1, 6, 6, generator=generator).round()
    masks[:, :, [0, 5]] = 0
    inside = torch.ones_like(masks)
    inside[:, :, [0, 5]] = 0
    logits.requires_grad_()
    loss, picture = dice_bce(logits, masks, inside), slice(1, 5)
    cut = logits[:, :, picture], masks[:, :, picture]
    assert loss.item() == pytest.approx(dice_bce(*cut, torch.ones_like(cut[1])).item())
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient[:, :, [0, 5]].abs().max() == 0 < gradient[:, :, picture].abs().min()
