"""Losses as pure functions."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from uscl.base.errors import UserError


def finite(loss: Tensor, place: str) -> float:
    """The value of a loss, or UserError naming the place in the training where it stopped being finite."""
    value = loss.item()
    if not math.isfinite(value):
        raise UserError(f"The loss became {value} in {place}: lower the learning rate `lr` in the config.")
    return value


def finite_mean(losses: Tensor, place: str) -> float:
    """The mean loss of an epoch's steps [steps], or UserError naming the first step whose loss is not finite."""
    bad = torch.nonzero(~torch.isfinite(losses)).flatten().tolist()
    return finite(losses[bad[0]], f"{place}, step {bad[0] + 1}") if bad else finite(losses.mean(), place)


def nt_xent_per_view(z1: Tensor, z2: Tensor, temperature: float = 0.5) -> Tensor:
    """NT-Xent loss of every view (Chen et al., SimCLR, ICML 2020, eq. 1).

    `z1`, `z2`: projections [pairs, dim] of the two views of each pair. Returns [2 * pairs]: the views of `z1`, then
    those of `z2`. Each view's positive is its partner, its negatives are all views of the other pairs. Computed in
    float32 at least, also under autocast.
    """
    pairs = len(z1)
    with torch.autocast(z1.device.type, enabled=False):
        z = F.normalize(torch.cat([z1, z2]).to(torch.promote_types(z1.dtype, torch.float32)), dim=1)
        similarity = z @ z.T / temperature
        itself = torch.eye(2 * pairs, dtype=torch.bool, device=z.device)
        similarity = similarity.masked_fill(itself, float("-inf"))
        partner = torch.arange(2 * pairs, device=z.device).roll(pairs)
        return F.cross_entropy(similarity, partner, reduction="none")


class Levels(NamedTuple):
    """The loss of an encoder that has learned nothing, and of one that has learned everything."""

    chance: float
    ideal: float


def nt_xent_levels(pairs: int, temperature: float = 0.5) -> Levels:
    """NT-Xent over `pairs` pairs if all views are alike, and if those of a pair are and all pairs are orthogonal.

    >>> [round(level, 3) for level in nt_xent_levels(32)]
    [4.143, 2.24]
    """
    others = 2 * pairs - 2
    return Levels(math.log(others + 1), math.log1p(others * math.exp(-1 / temperature)))


def cross_entropy_levels(counts: Sequence[int]) -> Levels:
    """Cross-entropy of a constant guess of the class frequencies, and of a perfect one; `counts` are those of classes.

    >>> [round(level, 3) for level in cross_entropy_levels([5, 5])]
    [0.693, 0.0]
    """
    shares = [count / sum(counts) for count in counts if count]
    return Levels(-sum(share * math.log(share) for share in shares), 0.0)


def weighted_mean(per_view: Tensor, weights: Tensor) -> Tensor:
    """L_train of Meta-USCL (arXiv 2212.04097): the sum of wn_i l_i with wn = [w ; w] / sum([w ; w]).

    `per_view`: losses [2 * pairs]; `weights`: one per pair, [pairs]. Computed in the precision of the losses.
    """
    both = torch.cat([weights, weights]).to(per_view.dtype)
    return (both * per_view).sum() / both.sum()


def labelled_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy over the rows that have a label (USCL's class term, arXiv 2011.13066).

    `logits`: [batch, classes]; `labels`: [batch], -1 if there is none. A batch without labels has loss 0.
    """
    known = labels >= 0
    losses = F.cross_entropy(logits, labels.clamp(min=0), reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)


def dice_bce(logits: Tensor, masks: Tensor, inside: Tensor) -> Tensor:
    """Soft Dice loss plus binary cross-entropy, the mean over images, of the pixels `inside` the pictures.

    All arguments: [batch, 1, height, width]. The added 1 keeps the Dice part of an empty mask finite.
    """
    axes = (1, 2, 3)
    probability = logits.sigmoid() * inside
    overlap = (probability * masks).sum(axes)
    dice = (2 * overlap + 1) / (probability.sum(axes) + masks.sum(axes) + 1)
    pixels = F.binary_cross_entropy_with_logits(logits, masks, weight=inside, reduction="none").sum(axes)
    return (1 - dice + pixels / inside.sum(axes).clamp(min=1)).mean()


def dice_ce(logits: Tensor, masks: Tensor, inside: Tensor) -> Tensor:
    """`dice_bce` for several structures, of which a pixel shows one or none: soft Dice loss plus cross-entropy.

    `logits` [batch, 1 + structures, height, width] are those of the background, then of the structures; `masks`
    [batch, structures, ...] and `inside` [batch, 1, ...] are 0 or 1. The Dice part is the mean over structures. With
    one structure and background logits of 0 it equals `dice_bce`.
    """
    axes = (2, 3)
    probability = logits.softmax(1)[:, 1:] * inside
    overlap = (probability * masks).sum(axes)
    dice = ((2 * overlap + 1) / (probability.sum(axes) + masks.sum(axes) + 1)).mean(1)
    target = torch.cat([1 - masks.sum(1, keepdim=True), masks], dim=1)
    pixels = (-(logits.log_softmax(1) * target).sum(1, keepdim=True) * inside).sum((1, 2, 3))
    return (1 - dice + pixels / inside.sum((1, 2, 3)).clamp(min=1)).mean()
