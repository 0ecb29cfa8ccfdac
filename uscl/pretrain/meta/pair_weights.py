"""Pair weights outside the training step: meta batches, weights that are not learned, and the final learned weights."""

import copy
from collections.abc import Mapping

import numpy as np
import torch
from lightning_fabric import Fabric

from uscl.base.errors import UserError
from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.engine.forward import embed
from uscl.pretrain.meta.weight_net import WeightNet
from uscl.pretrain.pairs.pairs import Pairs, batches, distances, one_frame
from uscl.pretrain.pairs.pool import Pool


def meta_batch(pool: Pool, size: int, rng: np.random.Generator) -> Pairs:
    """Clean pairs: two unmixed views of one random frame, for `size` random videos of the meta set or for all of it."""
    return one_frame(pool.videos, rng.permutation(pool.of("meta"))[:size], rng)


SMALLEST = 0.01  # of the oracle's weights, so that none is 0


def given_weights(pool: Pool, pairs: Pairs, kind: str, max_dist: int) -> np.ndarray:
    """Weights [pairs] that are not learned, in float32, by one of the kinds of `uscl.pretrain.methods.meta_uscl`.

    `oracle_shuffled` gives those of `oracle`. Raises UserError for an oracle on a pool without the simulator's truth.
    """
    if kind == "constant":
        return np.ones(len(pairs.rows), np.float32)
    if kind == "temporal":
        longest = np.minimum(pool.videos.length[pool.videos.of_row[pairs.rows[:, 0]]] - 1, max_dist)
        return ((longest - distances(pool.videos, pairs) + 1) / (longest + 1)).astype(np.float32)
    oracle = oracle_weights(pool.states[pairs.rows], pairs.shares)
    return (1 + SMALLEST - oracle if kind == "anti_oracle" else oracle).astype(np.float32)


def oracle_weights(states: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """max(q1 . q2, 0.01), q the views' states: those of the frames [pairs, 3, 2], mixed by `shares` [pairs, 2, 3].

    A state has two numbers: the share of the frame that shows what its video begins with, and the share that shows what
    the video changes to. So two views of what the video changes to agree as much as two views of its beginning.
    """
    of_views = np.einsum("nvk,nks->nvs", shares.astype(np.float64), states)
    return np.maximum(of_views.prod(axis=1).sum(axis=1), SMALLEST)


def learned_weights(
    fabric: Fabric,
    pool: Pool,
    model: ContrastiveModel,
    nets: Mapping[str, WeightNet],
    pairs: Pairs,
    batch_size: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """The weights [pairs] that each of the nets gives to the same augmented views of these pairs, batch by batch.

    Raises UserError if a weight is not finite; in training, the loss of the next step would show it.
    """
    copied = copy.deepcopy(model).train()  # batch statistics, as in the net's training, but not kept
    found: dict[str, list[torch.Tensor]] = {name: [] for name in nets}
    with torch.no_grad():
        for number, batch in enumerate(batches(pairs, batch_size)):
            frames = pool.views.mixed_first(batch, (seed, "weighed views", number))
            h, *_ = embed(fabric, copied, frames, len(batch.rows))
            for name, net in nets.items():
                found[name].append(net(*h))
    weights = {name: torch.cat(parts).cpu().numpy() for name, parts in found.items()}
    if not all(np.isfinite(of_net).all() for of_net in weights.values()):
        raise UserError("The weight net gives no finite weights after its last step: lower `meta.lr` in the config.")
    return weights
