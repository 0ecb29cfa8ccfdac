"""How fine-tuning trains, against plain code."""

import copy

import torch
from stores import bright_or_dark_store
from tiny import TinyEncoder
from torch import nn
from torch.nn import functional as F

from uscl.base.seeds import torch_stream
from uscl.data.splits import Fold, task_cases
from uscl.evaluate import classification
from uscl.evaluate.finetune import batches
from uscl.training.augment import as_float, supervised
from uscl.training.device import start

STREAM = (0, "task/fold0")


def unbalanced_store():
    """Nine groups of which six are bright."""
    store = bright_or_dark_store(groups=9, frames=2)
    store.manifest["label"] = ["bright" if row < 12 else "dark" for row in range(18)]
    return store


def test_it_is_adamw_with_a_cosine_on_the_class_weighted_cross_entropy():
    store, fabric = unbalanced_store(), start("cpu", "32-true", threads=1)
    cases = task_cases(store, "classification")
    rows = cases["row"].to_numpy()
    train, rest = rows[[0, 1, 2, 3, 4, 5, 6, 7, 12, 13]], rows[[8, 9, 14, 15]]
    fold = Fold(train, rest, rest)
    encoder = TinyEncoder()
    encoder.arch = "tiny"
    settings = {"epochs": 2, "batch_size": 4, "lr": 0.01, "weight_decay": 0.5}
    _, history = classification.all_layers(encoder, store, cases, fold, fabric, stream=STREAM, **settings)

    with torch_stream(*STREAM, "head"):
        model = nn.Sequential(copy.deepcopy(encoder), nn.Linear(encoder.dim, 2)).to(memory_format=torch.channels_last)
    frames, labels = torch.from_numpy(store.frames[train]), torch.tensor([0] * 8 + [1] * 2)
    # Inverse class frequency: both classes have the same total weight, and the mean over the cases is 1.
    weight, augment = torch.tensor([10 / 16, 10 / 4]), supervised(32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.5)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 2)
    for epoch in range(2):
        losses = []
        with torch_stream(*STREAM, epoch):
            model.train()
            for batch in batches(10, 4):
                loss = F.cross_entropy(model(augment(as_float(frames[batch]))), labels[batch], weight=weight)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
        schedule.step()
        assert abs(history["train_loss"][epoch] - sum(losses) / len(losses)) < 1e-5
