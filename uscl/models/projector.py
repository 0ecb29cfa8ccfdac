"""The projection head of contrastive pretraining; dropped afterwards."""

from torch import nn


def projector(dim: int, out: int = 128) -> nn.Sequential:
    """z = W2 relu(W1 h): features [batch, `dim`] to projections [batch, `out`] (Chen et al., SimCLR, ICML 2020)."""
    return nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, out))
