"""The heads of pretraining, on the encoder or on each other; dropped afterwards."""

import itertools

from torch import nn


def projector(dim: int, out: int = 128) -> nn.Sequential:
    """z = W2 relu(W1 h): features [batch, `dim`] to projections [batch, `out`] (Chen et al., SimCLR, ICML 2020)."""
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, out))


def mlp(*widths: int, normalised: bool = False) -> nn.Sequential:
    """Linear layers from one width to the next, with BatchNorm and ReLU between them.

    `normalised` outputs pass through a BatchNorm without weights of its own. A layer before a BatchNorm has no bias,
    which would cancel out.
    """
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths[:-1]):
        layers += [nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU()]
    layers.append(nn.Linear(widths[-2], widths[-1], bias=not normalised))
    return nn.Sequential(*layers, *([nn.BatchNorm1d(widths[-1], affine=False)] if normalised else []))
