"""The learning-rate schedules of the released codes."""

import math

CONSTANT_EPOCHS = 11  # of the released code of USCL


def warmup_and_cosine(base: float, epoch: int, epochs: int, warmup: int = 10) -> float:
    """Learning rate of an epoch (released code of Meta-USCL): exponential warm-up, then cosine to zero.

    During the first `warmup` epochs the ratio to `base` is 0.1 + 0.9 exp(-5 (1 - epoch / warmup)^2); afterwards half a
    cosine falls from 1 at epoch `warmup` towards 0 at epoch `epochs`.
    """
    if epoch < warmup:
        return base * (0.1 + 0.9 * math.exp(-5 * (1 - epoch / warmup) ** 2))
    return base * 0.5 * (1 + math.cos(math.pi * (epoch - warmup) / max(1, epochs - warmup)))


def constant_and_cosine(base: float, epoch: int, epochs: int) -> float:
    """Learning rate of an epoch (released code of USCL): `base` in the first 11 epochs, then a cosine of `epochs`.

    The cosine starts when its turn comes, so that the last of 300 epochs still has 0.003 of `base`.
    """
    return base * 0.5 * (1 + math.cos(math.pi * max(0, epoch + 1 - CONSTANT_EPOCHS) / epochs))
