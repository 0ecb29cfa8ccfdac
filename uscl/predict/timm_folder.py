"""A model as a folder that timm loads, if timm has its architecture under the same names of weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import uscl.models.torchvision_cpu  # noqa: F401  (before timm)
from uscl.base.errors import UserError
from uscl.base.files import written_folder
from uscl.models.checkpoint import load_by_name
from uscl.models.encoder import Encoder
from uscl.models.model_file import CLASSIFIER, LINEAR
from uscl.models.predictors import Regression

import timm  # isort: skip
from timm.models import _hub  # isort: skip

HEADS = {CLASSIFIER, LINEAR}  # which are linear layers on the features, as timm's are


def write_timm_folder(net: nn.Module, record: Mapping[str, Any], size: int, out: Path) -> None:
    """Write an encoder, or a classifier. Raises UserError if timm has no such network; nothing is written then."""
    form = record.get("form")
    if form is not None and form not in HEADS:
        raise UserError(f"timm has no network with a {form} on its features: take --format onnx or torchscript.")
    encoder = net if form is None else next(net.children())
    assert isinstance(encoder, Encoder)
    classes = record.get("classes", [])
    timms = network(encoder, len(classes))
    weights = dict(encoder.backbone.state_dict())
    if classes:
        weight, bias = head(list(net.children())[1])
        name = next(name for name, module in timms.named_modules() if module is timms.get_classifier())
        weights |= {f"{name}.weight": weight, f"{name}.bias": bias}
    load_by_name(timms, weights, source=f"the encoder {encoder.arch}")
    mean, std = encoder.stats
    side = encoder.input_size or size
    data = {"input_size": (len(mean), side, side), "mean": mean, "std": std, "crop_pct": 1.0}
    config = {"label_names": classes} if classes else {}
    with written_folder(out) as folder:
        _hub.save_for_hf(timms, str(folder), model_config=config, safe_serialization=True, data_config=data)


def network(encoder: Encoder, classes: int) -> Any:
    """timm's network of an encoder. Raises UserError if timm does not know it."""
    name = encoder.arch.rpartition("/")[2]
    if not timm.is_model(name):
        raise UserError(f"timm does not know the architecture {name}: take --format safetensors, onnx or torchscript.")
    img_size = getattr(getattr(encoder.backbone, "patch_embed", None), "img_size", None)
    more = {"img_size": img_size} if img_size else {}
    return timm.create_model(name, pretrained=False, num_classes=classes, in_chans=len(encoder.stats.mean), **more)


def head(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """Weight and bias of a linear layer on the features; those of a probe take in its standardisation."""
    if isinstance(layer, Regression):
        weight = layer.weight / layer.scale
        return weight.float(), (layer.bias - weight @ layer.mean).float()
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        return layer.weight.clone(), layer.bias.clone()
