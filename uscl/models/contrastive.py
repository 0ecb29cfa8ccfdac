"""The model of contrastive pretraining: the encoder with its projection head."""

from torch import Tensor, nn

from uscl.base.seeds import torch_stream
from uscl.models.encoder import Encoder
from uscl.models.projector import projector


class ContrastiveModel(nn.Module):
    """Frames [batch, 1, height, width] to representations h [batch, dim] and projections z [batch, 128].

    With `classes`, the third output is class logits [batch, classes] from h. The heads start from the seed's stream.
    """

    def __init__(self, encoder: Encoder, seed: int, classes: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        with torch_stream(seed, "projector"):
            self.projector = projector(encoder.dim)
        with torch_stream(seed, "classifier"):
            self.classifier = nn.Linear(encoder.dim, classes) if classes else None

    def forward(self, frames: Tensor) -> tuple[Tensor, ...]:
        h = self.encoder(frames)
        if self.classifier is None:
            return h, self.projector(h)
        return h, self.projector(h), self.classifier(h)
