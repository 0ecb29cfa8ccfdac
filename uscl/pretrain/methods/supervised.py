"""Supervised pretraining on the pool's labels: the fair rival of methods that see them, such as USCL.

Frames, views, batches and optimiser are those of SimCLR; the loss is the cross-entropy of a class head on the
representations of both views. Videos without a label are not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from uscl.pretrain.method import Method, Momentum, Trained, common_remarks

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from lightning_fabric import Fabric

    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.loop import Place, Step
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pairs import Pairs
    from uscl.pretrain.pairs.pool import Pool


class Supervised(Trained):
    """Settings of supervised pretraining; the defaults are those of SimCLR here."""

    method: Literal["supervised"] = "supervised"
    momentum: Momentum = 0.9


def pretrain(
    encoder: Encoder,
    pool: Pool,
    fabric: Fabric,
    seed: int,
    settings: Supervised,
    *,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Train `encoder` in place, from the weights it has. For `folder`, `identity` see `uscl.pretrain.engine.loop`.

    Raises UserError if fewer than two videos to train on, or fewer than two classes, have labels.
    """
    import torch

    from uscl.base.errors import UserError
    from uscl.models.contrastive import ContrastiveModel
    from uscl.pretrain.engine.forward import detached, embed, gradient, on_device
    from uscl.pretrain.engine.loop import Step, Training, fit
    from uscl.pretrain.engine.pretrained import Pretrained, heads, weighed_pairs
    from uscl.pretrain.engine.published import published_budget, published_sgd
    from uscl.pretrain.pairs.pairs import one_frame
    from uscl.training.losses import cross_entropy_levels, labelled_cross_entropy

    labels = pool.labels
    trained_on = labelled_videos(pool, settings)
    if len(labels.classes) < 2 or len(trained_on) < 2:
        raise UserError(
            f"Supervised pretraining needs labels of the pool: {len(trained_on)} videos to train on and"
            f" {len(labels.classes)} classes have some, and it takes two or more of each."
        )
    # No projector: the class head works on the representations.
    model = on_device(fabric, ContrastiveModel(encoder, seed, len(labels.classes), joint=settings.joint, out=0))
    label_of_row = torch.tensor(labels.of_row)
    levels = cross_entropy_levels(class_counts(pool, trained_on))

    def draw(videos: np.ndarray, rng: np.random.Generator) -> Pairs:
        return one_frame(pool.videos, videos, rng)

    def step(batch: Pairs, place: Place) -> Step:
        frames = pool.views.mixed_first(batch, (seed, "augment", place.epoch, place.number))
        h, z, logits = embed(fabric, model, frames, len(batch.rows))
        known = fabric.to_device(label_of_row[batch.rows[:, 0]])
        first, second = (labelled_cross_entropy(view, known) for view in logits)
        loss = (first + second) / 2
        return Step(loss.detach(), gradient(fabric, loss, model), detached(h), detached(z))

    optimizer = published_sgd(model, settings, settings.momentum)
    training = Training(
        model,
        optimizer,
        draw=lambda rng: draw(rng.permutation(trained_on), rng),
        step=step,
        validate=lambda: pool.validation(model, settings.batch_size, temperature=0.5),
        levels=lambda pairs: levels,
        name_inputs=pool.name_inputs,
    )
    history = fit(training, fabric, seed, published_budget(settings), folder=folder, identity=identity)
    table = weighed_pairs(pool, draw, None, seed)
    found = heads(classifier=model.classifier)
    return Pretrained(encoder.cpu().eval(), found, history, pool.parts, table, training.seconds, training.cpu_seconds)


def labelled_videos(pool: Pool, settings: Supervised) -> np.ndarray:
    """The numbers of the videos that have a label, of those that the arm trains on."""
    videos = pool.trained_on(settings)
    first_rows = pool.videos.rows(videos, 0 * videos)
    labelled: np.ndarray = videos[pool.labels.of_row[first_rows] >= 0]
    return labelled


def class_counts(pool: Pool, videos: np.ndarray) -> list[int]:
    """How many of the videos have each of the pool's classes."""
    of_video = pool.labels.of_row[pool.videos.rows(videos, 0 * videos)]
    return [int((of_video == number).sum()) for number in range(len(pool.labels.classes))]


METHOD = Method(
    "supervised",
    "cross-entropy on the pool's labels; sees labels of the pool",
    Supervised,
    pretrain,
    sees_labels=True,
    needs_labels=True,
    pairs=lambda settings: "frame",
    remarks=common_remarks,
    step_cost=1.0,
)
