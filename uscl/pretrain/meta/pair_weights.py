"""Pair weights outside the training step: meta batches, weights that are not learned, and the final learned weights."""

import copy

import numpy as np
import torch
from lightning_fabric import Fabric

from uscl.base.errors import UserError
from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.engine.forward import embed
from uscl.pretrain.meta.weight_net import WeightNet
from uscl.pretrain.pairs.pairs import Pairs, Videos, batches, distances, one_frame
from uscl.pretrain.pairs.pool import Pool


def meta_batch(pool: Pool, size: int, rng: np.random.Generator) -> Pairs:
    """Clean pairs: two unmixed views of one random frame, for `size` random videos of the meta set or for all of it."""
    return one_frame(pool.videos, rng.permutation(pool.of("meta"))[:size], rng)


def given_weights(videos: Videos, pairs: Pairs, kind: str, max_dist: int | None) -> np.ndarray:
    """Weights [pairs] that are not learned, in float32: `temporal` or `constant`."""
    if kind == "constant":
        return np.ones(len(pairs.rows), np.float32)
    longest = videos.length[videos.of_row[pairs.rows[:, 0]]] - 1
    if max_dist is not None:
        longest = np.minimum(longest, max_dist)
    return ((longest - distances(videos, pairs) + 1) / (longest + 1)).astype(np.float32)


def learned_weights(
    fabric: Fabric,
    pool: Pool,
    model: ContrastiveModel,
    weight_net: WeightNet,
    pairs: Pairs,
    batch_size: int,
    seed: int,
) -> np.ndarray:
    """The weights [pairs] that the trained net gives to augmented views of these pairs, batch by batch.

    Raises UserError if a weight is not finite; in training, the loss of the next step would show it.
    """
    copied = copy.deepcopy(model).train()  # batch statistics, as in the net's training, but not kept
    found = []
    with torch.no_grad():
        for number, batch in enumerate(batches(pairs, batch_size)):
            frames = pool.views.mixed_first(batch, (seed, "weighed views", number))
            h, *_ = embed(fabric, copied, frames, len(batch.rows))
            found.append(weight_net(*h))
    weights = torch.cat(found).cpu().numpy()
    if not np.isfinite(weights).all():
        raise UserError("The weight net gives no finite weights after its last step: lower `meta.lr` in the config.")
    return weights
