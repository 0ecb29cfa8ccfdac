"""The published learning-rate schedule."""

import math


def learning_rate(base: float, epoch: int, epochs: int, warmup: int = 10) -> float:
    """Learning rate of an epoch (released code of Meta-USCL): exponential warm-up, then cosine to zero.

    During the first `warmup` epochs the ratio to `base` is 0.1 + 0.9 exp(-5 (1 - epoch / warmup)^2); afterwards half a
    cosine falls from 1 at epoch `warmup` towards 0 at epoch `epochs`.
    """
    if epoch < warmup:
        return base * (0.1 + 0.9 * math.exp(-5 * (1 - epoch / warmup) ** 2))
    return base * 0.5 * (1 + math.cos(math.pi * (epoch - warmup) / max(1, epochs - warmup)))
