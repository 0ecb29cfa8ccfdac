"""The model of contrastive pretraining: the encoder with its heads."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from uscl.base.seeds import torch_stream
from uscl.models.encoder import Encoder
from uscl.models.projector import projector
from uscl.models.stand_ins import StandIns, batch_norm_by_view


class ContrastiveModel(nn.Module):
    """Frames [2 * pairs, 1, height, width], all first views and then all second views, to h [2 * pairs, dim] and z.

    h are the encoder's representations, z the projections [2 * pairs, `out`], or h again if `out` is 0. With `classes`,
    the third output is class logits [2 * pairs, classes] from h, or from z with `classify_projections`. In training,
    BatchNorm normalises each view by its own statistics, as if each had a pass of its own; with `joint`, it takes both
    together. `project` makes another projector than SimCLR's, given the length of h; with `predict`, which makes a
    predictor, the third output is its prediction from z. The heads start from the seed's stream.
    """

    def __init__(
        self,
        encoder: Encoder,
        seed: int,
        classes: int = 0,
        *,
        joint: bool = False,
        out: int = 128,
        classify_projections: bool = False,
        project: Callable[[int], nn.Module] | None = None,
        predict: Callable[[], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.joint = joint
        self.classify_projections = classify_projections
        with torch_stream(seed, "projector"):
            usual = projector(encoder.dim, out) if out and project is None else nn.Identity()
            self.projector = usual if project is None else project(encoder.dim)
        with torch_stream(seed, "classifier"):
            width = out if classify_projections else encoder.dim
            self.classifier = nn.Linear(width, classes) if classes else None
        with torch_stream(seed, "predictor"):
            self.predictor = predict() if predict else None

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        if self.joint or not self.training:
            return self.outputs(frames)
        with StandIns({F.batch_norm: batch_norm_by_view}):
            outputs = self.outputs(frames)
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.num_batches_tracked is not None:
                layer.num_batches_tracked.add_(1)  # the layer itself counts one of its two batches
        return outputs

    def outputs(self, frames: Tensor) -> tuple[Tensor, ...]:
        """h, z and perhaps predictions or logits of frames that share BatchNorm's statistics."""
        h = self.encoder(frames)
        z = self.projector(h)
        if self.predictor is not None:
            return h, z, self.predictor(z)
        if self.classifier is None:
            return h, z
        return h, z, self.classifier(z if self.classify_projections else h)
