"""The pretraining pool as every method uses it: its parts, its views, and its names in messages."""

import functools
from typing import NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import nn

from uscl.base.errors import UserError
from uscl.base.seeds import generator
from uscl.data.store import FrameStore
from uscl.models.checkpoint import not_finite, shortened
from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.engine.forward import embed
from uscl.pretrain.method import FromPool
from uscl.pretrain.pairs.pair_views import Views
from uscl.pretrain.pairs.pairs import Pairs, Rows, Videos, batches, one_frame
from uscl.pretrain.pairs.pool_parts import NO_TRUTH, STATES, Shares, divide_pool, has_truth
from uscl.training.losses import finite, nt_xent_levels, nt_xent_per_view

SHOWN_INPUTS = 3


class Labels(NamedTuple):
    """The classes of the pool, and the class number of each frame [rows], -1 if it has no label."""

    classes: list[str]
    of_row: Rows


class Pool:
    """A store divided into training, meta set and validation by groups (patients, else videos).

    `seed` is that of the training: all its arms have the same parts. `parts` has one row per video, in the order of
    `videos`: video, group, part. See `divide_pool`. Videos that the store leaves out are in none of the parts.
    """

    def __init__(self, store: FrameStore, fabric: Fabric, seed: int, shares: Shares) -> None:
        self.store = store
        self.manifest = store.manifest
        self.parts = divide_pool(store.manifest, seed, shares, store.left_out)
        self.videos = Videos(store.manifest)
        self.views = Views(store, fabric)
        self._fabric = fabric
        self._seed = seed

    def of(self, *parts: str) -> Rows:
        """The numbers of the videos of some parts."""
        return np.flatnonzero(self.parts["part"].isin(parts))

    def trained_on(self, settings: FromPool) -> Rows:
        """The numbers of the videos that an arm with these settings trains on."""
        return self.of(*settings.parts)

    @functools.cached_property
    def labels(self) -> Labels:
        """The labels of the videos."""
        classes = sorted(set(self.manifest["label"]) - {""})
        numbers = {name: number for number, name in enumerate(classes)}
        of_row = self.manifest["label"].map(lambda label: numbers.get(label, -1))
        return Labels(classes, of_row.to_numpy(np.int64))

    @functools.cached_property
    def states(self) -> NDArray[np.float64]:
        """The simulator's truth about each frame [rows, 2]: the manifest's state and second state.

        Raises UserError without it.
        """
        if not has_truth(self.manifest):
            raise UserError(NO_TRUTH)
        return self.manifest[STATES].to_numpy(np.float64)

    def validation(self, model: ContrastiveModel, batch_size: int, temperature: float) -> dict[str, float]:
        """Mean NT-Xent of two views of one frame of every validation video: the same views for every arm and epoch.

        `validation_loss` is that of the model, `validation_chance_loss` that of a model that has learned nothing.

        Raises UserError if it, or a weight of the model, is not finite.
        """
        check_weights(model)
        pairs = one_frame(self.videos, self.of("validation"), generator(self._seed, "validation pairs"))
        total = chance = 0.0
        model.eval()
        with torch.no_grad():
            for number, batch in enumerate(batches(pairs, batch_size)):
                count = len(batch.rows)
                frames = self.views.mixed_first(batch, (self._seed, "validation views", number))
                _, z, *_ = embed(self._fabric, model, frames, count)
                total += count * nt_xent_per_view(*z, temperature).mean().item()
                chance += count * nt_xent_levels(count, temperature).chance
        loss = finite(torch.tensor(total / len(pairs.rows)), "the validation")
        return {"validation_loss": loss, "validation_chance_loss": chance / len(pairs.rows)}

    def name_inputs(self, batch: Pairs) -> str:
        """The frames of a batch, the first few by name."""
        cases = self.manifest["case"].to_numpy()[np.unique(batch.rows)]
        more = f" and {len(cases) - SHOWN_INPUTS} more frames" if len(cases) > SHOWN_INPUTS else ""
        return ", ".join(cases[:SHOWN_INPUTS]) + more


def check_weights(module: nn.Module) -> None:
    """Raise UserError if a weight or a running statistic is not finite."""
    if bad := not_finite(module.state_dict()):
        raise UserError(
            f"Weights became NaN or infinite by its end, in {len(bad)} tensors ({shortened(bad, 2)}): lower"
            " the learning rate `lr` in the config (checkpoints of the epochs before are kept)."
        )
