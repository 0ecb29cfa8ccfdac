"""Losses over the two views of pairs other than NT-Xent, as pure functions.

`z1`, `z2` and the like are outputs [pairs, dim] for the first and for the second views, in float32 at least.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from uscl.training.losses import Levels


def negative_cosine(predictions: Tensor, targets: Tensor) -> Tensor:
    """Minus the mean cosine between predictions and their targets (SimSiam, arXiv 2011.10566, eq. 1).

    The squared distance of the normalised vectors (BYOL, arXiv 2006.07733, eq. 2) is 2 plus twice this.
    """
    return -F.cosine_similarity(predictions, targets, dim=1).mean()


def info_nce(queries: Tensor, keys: Tensor, others: Tensor, temperature: float, excluded: Tensor) -> Tensor:
    """Mean InfoNCE (MoCo, arXiv 1911.05722, eq. 1): each query's positive is its key, its negatives are `others`.

    `others`: [size, dim]; `excluded` [pairs, size] marks those that are no negatives of a query.
    """
    queries, keys, others = (F.normalize(each, dim=1) for each in (queries, keys, others))
    positive = (queries * keys).sum(1, keepdim=True)
    negative = (queries @ others.T).masked_fill(excluded, float("-inf"))
    logits = torch.cat([positive, negative], dim=1) / temperature
    return F.cross_entropy(logits, torch.zeros(len(queries), dtype=torch.long, device=queries.device))


def info_nce_levels(size: int, temperature: float) -> Levels:
    """InfoNCE with `size` negatives if all views are alike, and if only those of a pair are and all others orthogonal.

    >>> [round(level, 3) for level in info_nce_levels(800, 0.2)]
    [6.686, 1.855]
    """
    return Levels(math.log(size + 1), math.log1p(size * math.exp(-1 / temperature)))


def barlow_twins(z1: Tensor, z2: Tensor, redundancy: float) -> Tensor:
    """The cross-correlation of the two views' dimensions, squared, minus that of equal views without redundancy.

    Barlow Twins, arXiv 2103.03230, eq. 1 and 2: sum of (1 - C_ii)^2 plus `redundancy` times that of C_ij^2. Each
    dimension is standardised over the batch, its variance enlarged by 1e-5 as in BatchNorm.
    """
    first, second = (F.batch_norm(view, None, None, training=True) for view in (z1, z2))
    correlation = first.T @ second / len(first)
    same = torch.eye(len(correlation), dtype=torch.bool, device=correlation.device)
    invariance = (1 - correlation.diagonal()).square().sum()
    return invariance + redundancy * correlation.masked_fill(same, 0).square().sum()


def barlow_twins_levels(pairs: int, dim: int, redundancy: float) -> Levels:
    """The loss if the views of a pair have nothing in common, and if they are equal.

    With fewer pairs than dimensions, some correlate in any batch: C^2 of independent views sums to dim^2 / (pairs - 1),
    and that of equal views to as much at least.

    >>> [round(level, 3) for level in barlow_twins_levels(32, 128, 5e-3)]
    [134.751, 2.003]
    """
    chance = dim + redundancy * dim * (dim - 1) / (pairs - 1)
    return Levels(chance + dim / (pairs - 1), redundancy * max(0.0, dim**2 / (pairs - 1) - dim))


def vicreg(z1: Tensor, z2: Tensor, invariance: float, variance: float, covariance: float) -> Tensor:
    """Variance-invariance-covariance regularisation (VICReg, arXiv 2105.04906, eq. 1 to 6), as in its released code.

    That averages where the paper sums: the squared distance over dimensions, the variance terms over the views.
    """
    spread = [F.relu(1 - (z.var(0) + 1e-4).sqrt()).mean() for z in (z1, z2)]
    return (
        invariance * F.mse_loss(z1, z2)
        + variance * sum(spread) / 2
        + covariance * (off_diagonal_covariance(z1) + off_diagonal_covariance(z2))
    )


def off_diagonal_covariance(z: Tensor) -> Tensor:
    """The sum of the squared covariances of different dimensions, per dimension (VICReg, eq. 3 and 4)."""
    centred = z - z.mean(0)
    squared = (centred.T @ centred / (len(z) - 1)).square()
    return (squared.sum() - squared.diagonal().sum()) / z.shape[1]


def vicreg_levels(pairs: int, dim: int, variance: float, covariance: float) -> Levels:
    """The loss if all views are alike, and if those of a pair are and the dimensions as uncorrelated as they can be.

    >>> [round(level, 3) for level in vicreg_levels(32, 128, 25, 1)]
    [24.75, 6.258]
    """
    return Levels(0.99 * variance, 2 * covariance * max(0.0, dim / (pairs - 1) - 1))
