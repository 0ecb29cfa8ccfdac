"""Networks that predict, built from the model files of folds (`uscl.models.model_file`).

Each takes grey frames [batch, 1, size, size] in [0, 1]. A classifier or a probe gives probabilities [batch, classes]; a
segmenter gives the probability of every pixel to be lesion, [batch, 1, size, size], or for several structures those of
the background and of each, [batch, 1 + structures, size, size].
"""

import functools
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from uscl.base.errors import UserError
from uscl.base.files import file_sha256
from uscl.models.checkpoint import built, load_by_name, load_encoder
from uscl.models.encoder import Encoder
from uscl.models.logged_model import ENCODER_FILE
from uscl.models.model_file import CLASSIFIER, KNN, LINEAR, PROBES, SEGMENTER, read_record

TEMPERATURE = 0.07  # of the votes of neighbours, as in `uscl.evaluate.knn`
OWN_ENCODER = "encoder."  # begins the names of the weights of a probe's encoder in an exported file


class Predictor(NamedTuple):
    """The network of one fold, in evaluation mode, and the record of its file."""

    net: nn.Module
    record: Mapping[str, Any]

    @property
    def segments(self) -> bool:
        """Whether it predicts masks instead of classes."""
        return bool(self.record["form"] == SEGMENTER)


class Regression(nn.Module):
    """Softmax regression on standardised features; computes in float64, as scikit-learn does."""

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        shapes = {"mean": (dim,), "scale": (dim,), "weight": (classes, dim), "bias": (classes,)}
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    def forward(self, features: Tensor) -> Tensor:
        standardised = (features.double() - self.mean) / self.scale
        return nn.functional.linear(standardised, self.weight, self.bias).softmax(1)


class Neighbours(nn.Module):
    """Votes of the `count` nearest neighbours by cosine similarity (see `uscl.evaluate.knn`)."""

    bank: Tensor
    labels: Tensor
    share: Tensor
    of_class: Tensor

    def __init__(self, classes: int, cases: int, dim: int, count: int) -> None:
        super().__init__()
        self.count, self.classes = count, classes
        self.register_buffer("bank", torch.zeros(cases, dim))
        for name in ("labels", "share"):
            self.register_buffer(name, torch.zeros(cases, dtype=torch.int64))
        self.register_buffer("of_class", torch.eye(classes, dtype=torch.float64), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        length = features.norm(dim=1, keepdim=True).clamp(min=1e-12)
        similarity = (features / length) @ self.bank.T
        # A stable order, as there: of equally similar cases, the first counts.
        if torch.compiler.is_exporting():  # ONNX knows no stable order, but its TopK takes the first of equals
            nearest = similarity.topk(self.count, dim=1).indices
        else:
            nearest = similarity.sort(dim=1, descending=True, stable=True).indices[:, : self.count]
        closeness = similarity.gather(1, nearest).double()
        votes = ((closeness - closeness[:, :1]) / TEMPERATURE).exp() / self.share[nearest]
        totals = (votes.unsqueeze(2) * self.of_class[self.labels[nearest]]).sum(1)
        return totals / totals.sum(1, keepdim=True)


class Scaling(nn.Module):
    """Probabilities at a temperature (`uscl.metrics.temperature`)."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, probabilities: Tensor) -> Tensor:
        powers = probabilities.double() ** (1 / self.temperature)
        return powers / powers.sum(1, keepdim=True)


def load_predictor(path: Path) -> Predictor:
    """The network of a model file. Raises UserError if the file or that of its encoder can't be used."""
    record = read_record(path)
    net = BUILDERS[record["form"]](path, record, load_file(path))
    if "temperature" in record:
        net = nn.Sequential(OrderedDict([*net.named_children(), ("scaling", Scaling(record["temperature"]))]))
    return Predictor(net.eval(), record)


def classifier(path: Path, record: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> nn.Module:
    """A fine-tuned encoder with its head."""
    encoder = built(record)
    net = nn.Sequential(OrderedDict(encoder=encoder, head=nn.Linear(encoder.dim, len(record["classes"]))))
    load_by_name(net, tensors, source=str(path))
    return nn.Sequential(OrderedDict([*net.named_children(), ("chances", nn.Softmax(1))]))


def segmenter(path: Path, record: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> nn.Module:
    """A fine-tuned encoder with its decoder."""
    from uscl.models.segmenter import Segmenter  # late: segmentation-models-pytorch takes long to import

    structures = record.get("structures", {})
    net = Segmenter(built(record), record["decoder"], 1 + len(structures) if structures else 1)
    load_by_name(net, tensors, source=str(path))
    return nn.Sequential(OrderedDict(segmenter=net, chances=nn.Softmax(1) if structures else nn.Sigmoid()))


def linear_probe(path: Path, record: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> nn.Module:
    """A linear probe on its encoder."""
    classes, dim = tensors["weight"].shape
    head = Regression(classes, dim)
    load_by_name(head, tensors, source=str(path), ignore=[OWN_ENCODER])
    return nn.Sequential(OrderedDict(encoder=encoder_of(path, record, tensors), head=head))


def neighbours(path: Path, record: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> nn.Module:
    """A nearest-neighbour probe on its encoder."""
    cases, dim = tensors["bank"].shape
    head = Neighbours(len(record["classes"]), cases, dim, int(tensors["count"]))
    load_by_name(head, tensors, source=str(path), ignore=["count", OWN_ENCODER])
    return nn.Sequential(OrderedDict(encoder=encoder_of(path, record, tensors), head=head))


BUILDERS = {CLASSIFIER: classifier, SEGMENTER: segmenter, LINEAR: linear_probe, KNN: neighbours}


def encoder_of(path: Path, record: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Encoder:
    """The encoder of a probe: the one in its file, if it was exported with it, else the one it refers to."""
    own = {name.removeprefix(OWN_ENCODER): tensor for name, tensor in tensors.items() if name.startswith(OWN_ENCODER)}
    if not own:
        return shared_encoder(encoder_file(path, record))
    encoder = built(record)
    load_by_name(encoder, own, source=str(path))
    return encoder


@functools.cache  # the folds of a probe share their encoder
def shared_encoder(path: Path) -> Encoder:
    """An encoder in evaluation mode."""
    return load_encoder(path).eval()


def encoder_file(path: Path, record: Mapping[str, Any]) -> Path:
    """The file of a probe's encoder: next to the probe's file, or in the results that it was made in.

    Raises UserError if the file is missing, or if it is not the one on which the probe was fitted.
    """
    assert record["form"] in PROBES
    given = record["encoder"]
    places = (path.with_name(ENCODER_FILE), (path.parent / given["file"]).resolve())
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise UserError(
            f"{path} is a probe of the encoder {places[1]}, which is missing: restore it, or copy it as {places[0]}."
        )
    if file_sha256(found) != given["sha256"]:
        raise UserError(
            f"{path} is a probe of another encoder than the present {found}: run the study again to repeat the probe."
        )
    return found
