"""Fine-tuning of all layers, or of those that aren't frozen: one loop for classification and segmentation.

The validation part chooses the epoch; nothing here sees the test part.
"""

import copy
import logging
import math
from collections.abc import Callable

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from uscl.base.errors import UserError
from uscl.base.progress import shown
from uscl.base.seeds import torch_stream
from uscl.evaluate.choice import rank
from uscl.models.freezing import train_what_is_free
from uscl.training.augment import as_float
from uscl.training.losses import finite, finite_mean

log = logging.getLogger(__name__)

# One part on the CPU: frames uint8 [n, height, width], and labels [n] or masks [n, 2, height, width].
Part = tuple[Tensor, Tensor]


def finetune(
    fabric: Fabric,
    model: nn.Module,
    train: Part,
    validation: Part,
    *,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    score_of: Callable[[Tensor, Tensor], float],
    augment: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    epochs: int,
    batch_size: int,
    lr: float,
    weight_decay: float,
    stream: tuple[int, str],
    report: Callable[[dict[str, float]], None] | None = None,
) -> pd.DataFrame:
    """Train `model` in place and leave it with the weights of its best validation epoch.

    AdamW with one cosine to zero; frozen parameters stay as they are. A larger `score_of(logits, targets)` is better;
    among equal scores the lower validation loss wins, then the earlier epoch. `stream` names the random stream: (seed,
    purpose). Returns one row per epoch: epoch, lr, train_loss, validation_loss, validation_score, chosen; `report` gets
    each row, without `chosen`, as soon as its epoch is over. Raises UserError if a loss or an output is not finite; a
    gradient that is not finite makes the next of these so.
    """
    # Convolutions run up to twice as fast in this memory layout, on CPUs and on GPUs with mixed precision alike.
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=lr, weight_decay=weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    model, optimizer = fabric.setup(model, optimizer)
    best: dict[str, float] = {"validation_score": -math.inf, "validation_loss": math.inf}
    best_state, history = {}, []
    for epoch in shown(range(epochs), epochs, stream[1]):
        row: dict[str, float] = {"epoch": epoch, "lr": float(schedule.get_last_lr()[0])}
        with torch_stream(*stream, epoch):
            losses = train_epoch(fabric, model, optimizer, train, loss_of, augment, batch_size)
            row["train_loss"] = finite_mean(losses, f"{stream[1]}, epoch {epoch + 1}")
        schedule.step()
        place = f"the validation of {stream[1]}, epoch {epoch + 1}"
        logits = predict(fabric, model, validation[0], batch_size, place)
        row["validation_loss"] = finite(loss_of(logits, validation[1]), place)
        row["validation_score"] = score_of(logits, validation[1])
        history.append(row)
        if report:
            report(row)
        log.info("%s, epoch %d of %d: validation score %.3f", stream[1], epoch + 1, epochs, row["validation_score"])
        if rank(row) > rank(best):
            best, best_state = row, copy.deepcopy(model.state_dict())
    model.load_state_dict(best_state)
    frame = pd.DataFrame(history)
    return frame.assign(chosen=frame["epoch"] == best["epoch"])


def train_epoch(
    fabric: Fabric,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    part: Part,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    augment: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]],
    batch_size: int,
) -> Tensor:
    """One pass over the training part in random order; returns the loss of every step."""
    train_what_is_free(model)
    losses = []
    for batch in batches(len(part[0]), batch_size):
        frames, targets = (fabric.to_device(tensor[batch]) for tensor in part)
        frames, targets = augment(as_float(frames), targets)
        loss = loss_of(model(frames), targets)
        optimizer.zero_grad()
        fabric.backward(loss)
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def batches(count: int, size: int) -> list[Tensor]:
    """Random batches of positions; a last batch of one joins the batch before it, because BatchNorm needs two."""
    order = torch.randperm(count)
    cuts = [cut for cut in range(size, count, size) if count - cut > 1]
    return list(torch.tensor_split(order, cuts))


@torch.inference_mode()
def outputs(fabric: Fabric, model: nn.Module, frames: Tensor, batch_size: int) -> Tensor:
    """Logits of uint8 frames [n, height, width], float32 on the CPU; the model stays in evaluation mode."""
    model.eval()
    batches = [model(as_float(fabric.to_device(batch))) for batch in frames.split(batch_size)]
    return torch.cat(batches).float().cpu()


def predict(fabric: Fabric, model: nn.Module, frames: Tensor, batch_size: int, place: str) -> Tensor:
    """`outputs` that are finite. Raises UserError naming `place` if they are not."""
    logits = outputs(fabric, model, frames, batch_size)
    if not torch.isfinite(logits).all():
        raise UserError(f"The model's outputs became NaN or infinite in {place}: lower the learning rate `lr`.")
    return logits
