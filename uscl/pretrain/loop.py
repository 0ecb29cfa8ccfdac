"""The one training loop of all contrastive methods."""

import logging
from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from uscl.losses import finite
from uscl.pretrain.schedule import learning_rate
from uscl.progress import shown
from uscl.seeds import torch_stream

log = logging.getLogger(__name__)


def fit(
    fabric: Fabric,
    model: nn.Module,
    batches: Callable[[int], Iterable[np.ndarray]],
    loss_of: Callable[[nn.Module, np.ndarray], Tensor],
    *,
    seed: int,
    epochs: int,
    lr: float,
    momentum: float,
    weight_decay: float,
    warmup_epochs: int,
) -> pd.DataFrame:
    """Train `model` in place; returns one row an epoch: epoch, lr, loss.

    `batches(epoch)` gives the store rows of each batch, `loss_of(model, rows)` a scalar loss. Raises UserError on a
    loss that is not finite, with the epoch and step at which it occurred.
    """
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # the faster layout of convolutions
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay)
    model, optimizer = fabric.setup(model, optimizer)
    model.train()
    history = []
    for epoch in shown(range(epochs), epochs, "pretraining"):
        optimizer.param_groups[0]["lr"] = learning_rate(lr, epoch, epochs, warmup_epochs)
        losses: list[float] = []
        with torch_stream(seed, "augment", epoch):
            for rows in batches(epoch):
                loss = loss_of(model, rows)
                losses.append(finite(loss, f"epoch {epoch + 1}, step {len(losses) + 1}"))
                optimizer.zero_grad()
                fabric.backward(loss)
                optimizer.step()
        history.append({"epoch": epoch, "lr": optimizer.param_groups[0]["lr"], "loss": sum(losses) / len(losses)})
        log.info("epoch %d of %d: loss %.4f", epoch + 1, epochs, history[-1]["loss"])
    return pd.DataFrame(history, columns=["epoch", "lr", "loss"])
