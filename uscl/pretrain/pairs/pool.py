"""The pretraining pool as every method uses it: its parts, its views, and its names in messages."""

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from uscl.base.errors import UserError
from uscl.base.seeds import generator
from uscl.data.store import FrameStore
from uscl.models.checkpoint import not_finite, shortened
from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.engine.forward import embed
from uscl.pretrain.pairs.pair_views import Views
from uscl.pretrain.pairs.pairs import Pairs, Rows, Videos, batches, one_frame
from uscl.pretrain.pairs.pool_parts import divide_pool
from uscl.training.losses import finite, nt_xent_per_view

SHOWN_INPUTS = 3


class Pool:
    """A store divided into training, meta set and validation by groups (patients, else videos).

    `parts` has one row per video, in the order of `videos`: video, group, part. See `divide_pool`. Videos that the
    store leaves out are in none of the parts.
    """

    def __init__(self, store: FrameStore, fabric: Fabric, seed: int, *, validation: float, meta: float = 0.0) -> None:
        self.manifest = store.manifest
        self.parts = divide_pool(store.manifest, seed, validation=validation, meta=meta, left_out=store.left_out)
        self.videos = Videos(store.manifest)
        self.views = Views(store, fabric)
        self._fabric = fabric
        self._seed = seed

    def of(self, part: str) -> Rows:
        """The numbers of a part's videos."""
        return np.flatnonzero(self.parts["part"] == part)

    def validation_loss(self, model: ContrastiveModel, batch_size: int, temperature: float) -> float:
        """Mean NT-Xent of two views of one frame of every validation video: the same views for every arm and epoch.

        Raises UserError if it, or a weight of the model, is not finite.
        """
        check_weights(model)
        pairs = one_frame(self.videos, self.of("validation"), generator(self._seed, "validation pairs"))
        total = 0.0
        model.eval()
        with torch.no_grad():
            for number, batch in enumerate(batches(pairs, batch_size)):
                count = len(batch.rows)
                frames = self.views.mixed_first(batch, (self._seed, "validation views", number))
                _, z, *_ = embed(self._fabric, model, frames, count)
                total += count * nt_xent_per_view(*z, temperature).mean().item()
        return finite(torch.tensor(total / len(pairs.rows)), "the validation")

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
