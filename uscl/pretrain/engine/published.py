"""The optimiser and the budget of the released code of Meta-USCL, for every method that shares them."""

import logging

from torch import nn, optim

from uscl.pretrain.engine.loop import Budget
from uscl.pretrain.engine.schedule import warmup_and_cosine
from uscl.pretrain.method import PUBLISHED_WARMUP, Trained

log = logging.getLogger(__name__)


def published_sgd(model: nn.Module, settings: Trained, momentum: float) -> optim.SGD:
    """SGD on all parameters of the model."""
    return optim.SGD(model.parameters(), lr=settings.lr, momentum=momentum, weight_decay=settings.weight_decay)


def published_budget(settings: Trained) -> Budget:
    """The epochs and batches of the settings, with a warm-up and a cosine as learning rates."""

    if settings.warmup_epochs is None and settings.warmup < PUBLISHED_WARMUP:
        log.info(
            "The warm-up takes %d of %d epochs instead of %d, because the budget is short; `warmup_epochs` sets it.",
            settings.warmup,
            settings.epochs,
            PUBLISHED_WARMUP,
        )

    def rate(epoch: int) -> float:
        return warmup_and_cosine(settings.lr, epoch, settings.epochs, settings.warmup)

    return Budget(settings.epochs, settings.batch_size, rate, settings.drop)
