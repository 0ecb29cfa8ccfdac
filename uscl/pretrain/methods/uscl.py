"""USCL (Chen et al., MICCAI 2021, arXiv 2011.13066): semi-supervised contrastive learning from mixed frames.

Three frames of a video are augmented and mixed around the second, and a class head on the representation learns the
videos' classes where they are known. It sees labels of the pool, which the other methods do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from uscl.base.settings import Float
from uscl.pretrain.method import Contrastive, Method

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from lightning_fabric import Fabric

    from uscl.data.store import FrameStore
    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.loop import Place, Step
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pairs import Pairs


class USCL(Contrastive):
    """Settings of USCL; the defaults are the published ones."""

    method: Literal["uscl"] = "uscl"
    label_weight: Annotated[Float, Field(ge=0, description="Weight of the class terms.")] = 0.2
    lr: Annotated[Float, Field(gt=0, description="Learning rate of Adam after the warm-up.")] = 3e-4


def pretrain(
    encoder: Encoder,
    store: FrameStore,
    fabric: Fabric,
    seed: int,
    settings: USCL,
    *,
    folder: Path | None = None,
    identity: str = "",
) -> Pretrained:
    """Train `encoder` in place, from the weights it has. For `folder` and `identity` see `uscl.pretrain.engine.loop`.

    L = NT-Xent + `label_weight` (CE(o1, y) + CE(o2, y)); videos without a label are left out of the class terms.
    """
    import torch

    from uscl.models.contrastive import ContrastiveModel
    from uscl.pretrain.engine.forward import detached, embed, gradient, on_device
    from uscl.pretrain.engine.loop import Budget, Step, Training, fit, log
    from uscl.pretrain.engine.pretrained import Pretrained, heads, weighed_pairs
    from uscl.pretrain.pairs.pairs import anchored
    from uscl.pretrain.pairs.pool import Pool
    from uscl.training.losses import labelled_cross_entropy, nt_xent_per_view

    pool = Pool(store, fabric, seed, validation=settings.validation_share)
    labels, classes = video_labels(store.manifest)
    if not classes:
        log.warning("The pool has no labels: USCL is trained without its class term.")
    model = on_device(fabric, ContrastiveModel(encoder, seed, len(classes)))
    label_of_row = torch.tensor(labels)

    def step(batch: Pairs, place: Place) -> Step:
        frames = pool.views.augmented_first(batch, (seed, "augment", place.epoch, place.number))
        h, z, *logits = embed(fabric, model, frames, len(batch.rows))
        known = fabric.to_device(label_of_row[batch.rows[:, 0]])
        of_views = nt_xent_per_view(*z, settings.temperature).mean()
        of_class = [labelled_cross_entropy(view, known) for both in logits for view in both]
        of_classes = sum(of_class, of_views.new_zeros(()))
        loss = of_views + settings.label_weight * of_classes
        more = {"contrastive_loss": of_views.detach(), "class_loss": of_classes.detach()}
        return Step(loss.detach(), gradient(fabric, loss, model), detached(h), detached(z), more=more)

    def draw(videos: np.ndarray, rng: np.random.Generator) -> Pairs:
        return anchored(pool.videos, videos, rng)

    training = Training(
        model,
        torch.optim.Adam(model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay),
        draw=lambda rng: draw(rng.permutation(pool.of("train")), rng),
        step=step,
        validate=lambda: pool.validation_loss(model, settings.batch_size, settings.temperature),
        name_inputs=pool.name_inputs,
    )
    budget = Budget(settings.epochs, settings.batch_size, settings.lr, settings.warmup_epochs)
    history = fit(training, fabric, seed, budget, folder=folder, identity=identity)
    found = heads(projector=model.projector, classifier=model.classifier)
    table = weighed_pairs(pool, draw, None, seed)
    return Pretrained(encoder.cpu().eval(), found, history, pool.parts, table, training.seconds)


def video_labels(manifest: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """The class number of every frame of the store, -1 if it has no label, and the classes."""
    import numpy as np

    classes = sorted(set(manifest["label"]) - {""})
    numbers = {name: number for number, name in enumerate(classes)}
    return manifest["label"].map(lambda label: numbers.get(label, -1)).to_numpy(np.int64), classes


METHOD = Method(
    "uscl",
    "mixed frames and a class head; sees labels of the pool",
    USCL,
    pretrain,
    sees_labels=True,
    pairs=lambda settings: "anchored",
    step_cost=1.0,
)
