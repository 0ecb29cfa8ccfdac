"""USCL (Chen et al., MICCAI 2021, arXiv 2011.13066): semi-supervised contrastive learning from mixed frames.

Three frames of a video are augmented and mixed around the second, and a class head learns the videos' classes where
they are known. It sees labels of the pool, which the contrastive methods do not.

The released code differs from that of Meta-USCL in more than its loss (`settings: released`): projections of 256
dimensions with the class head on them, other crops, jitter and normalisation, and a rate of Adam that is constant at
first. `settings: shared` keeps USCL's pairs and loss, and takes everything else from Meta-USCL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from uscl.base.settings import Float
from uscl.models.encoders import InputStats
from uscl.pretrain.method import Contrastive, Method, common_remarks
from uscl.training.augment import META_USCL, ViewStyle
from uscl.training.augment import USCL as USCL_VIEWS

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from lightning_fabric import Fabric

    from uscl.models.encoder import Encoder
    from uscl.pretrain.engine.loop import Place, Step
    from uscl.pretrain.engine.pretrained import Pretrained
    from uscl.pretrain.pairs.pairs import Pairs
    from uscl.pretrain.pairs.pool import Pool


class Form(NamedTuple):
    """What the two codes do differently around USCL's loss; without `stats` the encoder keeps its normalisation."""

    out: int
    classify_projections: bool
    views: ViewStyle
    stats: InputStats | None
    warmup: bool


FORMS = {
    "released": Form(256, True, USCL_VIEWS, InputStats((0.5,) * 3, (0.25,) * 3), warmup=False),
    "shared": Form(128, False, META_USCL, None, warmup=True),
}


class USCL(Contrastive):
    """Settings of USCL; the defaults are the published ones."""

    method: Literal["uscl"] = "uscl"
    settings: Annotated[
        Literal["released", "shared"],
        Field(
            description="`released`: augmentation, normalisation, heads and schedule of USCL's own code; `shared`:"
            " those of Meta-USCL, so that only pairs, loss and Adam differ."
        ),
    ] = "released"
    label_weight: Annotated[Float, Field(ge=0, description="Weight of the class terms.")] = 0.2
    lr: Annotated[Float, Field(gt=0, description="Largest learning rate of Adam.")] = 3e-4

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse a warm-up and input statistics that the released settings replace."""
        if self.settings == "released" and self.mean is not None:
            raise ValueError(
                "`mean` and `std` have no meaning with `settings: released`, which has its own: set `settings: shared`"
                " or remove them"
            )
        if self.settings == "released" and self.warmup_epochs is not None:
            raise ValueError(
                "`warmup_epochs` has no meaning with `settings: released`, whose learning rate has no warm-up: set"
                " `settings: shared` or remove it"
            )
        return self


def pretrain(
    encoder: Encoder,
    pool: Pool,
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
    from uscl.pretrain.engine.published import published_budget
    from uscl.pretrain.engine.schedule import constant_and_cosine
    from uscl.pretrain.pairs.pair_views import Views
    from uscl.pretrain.pairs.pairs import anchored
    from uscl.training.losses import labelled_cross_entropy, nt_xent_levels, nt_xent_per_view

    form, labels = FORMS[settings.settings], pool.labels
    if not labels.classes:
        log.warning("The pool has no labels: USCL is trained without its class term.")
    if form.stats:
        encoder.normalise_with(form.stats)
    model = on_device(
        fabric,
        ContrastiveModel(
            encoder,
            seed,
            len(labels.classes),
            joint=settings.joint,
            out=form.out,
            classify_projections=form.classify_projections,
        ),
    )
    views, trained_on = Views(pool.store, fabric, form.views), pool.trained_on(settings)
    label_of_row = torch.tensor(labels.of_row)

    def step(batch: Pairs, place: Place) -> Step:
        frames = views.augmented_first(batch, (seed, "augment", place.epoch, place.number))
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
        draw=lambda rng: draw(rng.permutation(trained_on), rng),
        step=step,
        validate=lambda: pool.validation(model, settings.batch_size, settings.temperature),
        levels=lambda pairs: nt_xent_levels(pairs, settings.temperature),
        name_inputs=pool.name_inputs,
    )
    if form.warmup:
        budget = published_budget(settings)
    else:
        budget = Budget(
            settings.epochs,
            settings.batch_size,
            lambda epoch: constant_and_cosine(settings.lr, epoch, settings.epochs),
            settings.drop,
        )
    history = fit(training, fabric, seed, budget, folder=folder, identity=identity)
    found = heads(projector=model.projector, classifier=model.classifier)
    table = weighed_pairs(pool, draw, None, seed)
    return Pretrained(encoder.cpu().eval(), found, history, pool.parts, table, training.seconds, training.cpu_seconds)


def remarks(settings: USCL) -> tuple[str, ...]:
    """The form that is not the released one is named."""
    shared = ("USCL's pairs and loss with Meta-USCL's settings (`settings: shared`)",)
    return (shared if settings.settings == "shared" else ()) + common_remarks(settings)


METHOD = Method(
    "uscl",
    "mixed frames and a class head; sees labels of the pool",
    USCL,
    pretrain,
    sees_labels=True,
    pairs=lambda settings: "anchored",
    remarks=remarks,
    step_cost=1.0,
)
