"""Encoders of timm and torchvision by name: everything that their entries declare comes from the library.

timm: its default configuration of the weights. torchvision: the enumeration of the weights. The rest is counted on a
backbone on the meta device, which has shapes and no numbers.
"""

import functools
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

import uscl.models.torchvision_cpu  # noqa: F401  (before timm and torchvision)
from uscl.base.errors import UserError
from uscl.models.encoders import EncoderSpec, HubWeights, HuggingFaceWeights, InputStats, MapSegmentation
from uscl.models.library_names import Family, family_of, segmentation_fault

import timm  # isort: skip
import torchvision  # isort: skip

POOLING = {"token": "class token", "avg": "mean of the patch tokens", "map": "attention over the patch tokens"}


@functools.cache
def library_spec(encoder: str) -> EncoderSpec:
    """The entry of `timm/NAME` or `torchvision/NAME`. Raises UserError if the project can't use it."""
    family = family_of(encoder)
    of = timm_spec if family.library == "timm" else torchvision_spec
    with torch.random.fork_rng(devices=[]):  # whether an entry is made now or was made before changes no stream
        return of(encoder, encoder.partition("/")[2], family)


def timm_spec(encoder: str, name: str, family: Family) -> EncoderSpec:
    """The entry of an encoder of timm."""
    known = timm_configuration(encoder, name)
    build = functools.partial(build_timm, encoder, name, family)
    with torch.device("meta"):
        backbone: Any = build()
    return EncoderSpec(
        name=encoder,
        build=build,
        features=getattr(backbone, "head_hidden_size", None) or backbone.num_features,
        parameters=parameters_of(backbone),
        head=known.classifier,
        image_statistics=InputStats(tuple(known.mean), tuple(known.std)),
        weights=HuggingFaceWeights(known.hf_hub_id or "", known.tag or "", classes=known.num_classes),
        last_block=tuple(last_block(backbone, family)),
        segmentation=MapSegmentation(tokens=family.transformer),
        input_size=known.input_size[-1] if family.sized else None,
        patch=patch_of(backbone),
        pooling=POOLING[backbone.global_pool] if family.transformer else "mean over the frame",
        stem=known.first_conv,
    )


def timm_configuration(encoder: str, name: str) -> Any:
    """timm's configuration of an architecture's published weights."""
    try:
        known = timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        raise UserError(f"Encoder {encoder}: {error}: take another tag after the dot, or none.") from error
    if known is None:
        raise UserError(f"Encoder {encoder} has no configuration in timm {timm.__version__}: take another one.")
    return known


def build_timm(encoder: str, name: str, family: Family, input_size: int | None = None, channels: int = 3) -> nn.Module:
    """A backbone of timm without its classifier, for frames of one size if the family is sized."""
    sized: dict[str, Any] = {"img_size": input_size} if family.sized and input_size is not None else {}
    try:
        backbone = timm.create_model(name, pretrained=False, num_classes=0, in_chans=channels, **sized)
    except (AssertionError, ValueError, RuntimeError, ZeroDivisionError) as error:
        raise UserError(f"Encoder {encoder} can't be built for frames of {input_size} pixels ({error}).") from error
    return repeatable(backbone)


def torchvision_spec(encoder: str, name: str, family: Family) -> EncoderSpec:
    """The entry of an encoder of torchvision."""
    published = torchvision.models.get_model_weights(name).DEFAULT
    transforms = published.transforms()
    with torch.device("cpu" if family.module == "regnet" else "meta"):  # RegNet computes its widths with tensors
        whole = torchvision.models.get_model(name, weights=None)
    head, linear = last_linear(whole)
    backbone = without(whole, head)
    return EncoderSpec(
        name=encoder,
        build=functools.partial(build_torchvision, encoder, name, head, family),
        features=linear.in_features,
        parameters=parameters_of(backbone),
        head=head,
        image_statistics=InputStats(tuple(transforms.mean), tuple(transforms.std)),
        weights=HubWeights(published.url, megabytes=round(published.meta["_file_size"])),
        last_block=tuple(last_block(backbone, family)),
        segmentation=segmentation_fault(encoder, "unet") or "",
        input_size=transforms.crop_size[0] if family.sized else None,
        patch=getattr(backbone, "patch_size", None),
        pooling=POOLING["token"] if family.transformer else "mean over the frame",
    )


def build_torchvision(
    encoder: str, name: str, head: str, family: Family, input_size: int | None = None, channels: int = 3
) -> nn.Module:
    """A backbone of torchvision without its last linear layer, for frames of one size if the family is sized."""
    if channels != 3:
        raise UserError(f"Encoder {encoder} takes three channels: give three numbers each as `mean` and `std`.")
    sized: dict[str, Any] = {"image_size": input_size} if family.sized and input_size is not None else {}
    try:
        whole = torchvision.models.get_model(name, weights=None, **sized)
    except (AssertionError, ValueError, RuntimeError) as error:
        raise UserError(f"Encoder {encoder} can't be built for frames of {input_size} pixels ({error}).") from error
    return repeatable(without(whole, head))


def last_linear(model: nn.Module) -> tuple[str, nn.Linear]:
    """The last linear layer of a model of torchvision, which is its class head, with its name."""
    return [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear)][-1]


def without(model: nn.Module, head: str) -> nn.Module:
    """The model with its class head left out."""
    owner, _, name = head.rpartition(".")
    setattr(model.get_submodule(owner), name, nn.Identity())
    return model


def repeatable(backbone: nn.Module) -> nn.Module:
    """The backbone without dropout and stochastic depth: several passes of a step must see the same network."""
    for module in backbone.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd | torchvision.ops.StochasticDepth):
            module.p = 0.0
        elif isinstance(module, timm.layers.DropPath):
            module.drop_prob = 0.0
    return backbone


def parameters_of(backbone: nn.Module) -> int:
    """The number of parameters."""
    return sum(parameter.numel() for parameter in backbone.parameters())


def patch_of(backbone: nn.Module) -> int | None:
    """The side of a transformer's patches; None for a convolutional network."""
    size = getattr(getattr(backbone, "patch_embed", None), "patch_size", None)
    return size[0] if size else None


def last_block(backbone: nn.Module, family: Family) -> Iterator[str]:
    """The prefixes of the tensors in a family's last block, as far as the backbone has them."""
    names = [name for name, _ in backbone.named_parameters()]
    for path in family.last_block:
        prefix = f"{resolved(backbone, path)}."
        if any(name.startswith(prefix) for name in names):
            yield prefix


def resolved(backbone: nn.Module, path: str) -> str:
    """The name of a module: `*` is the last child of what comes before it, a negative number one from the end."""
    found: list[str] = []
    for part in path.split("."):
        if part == "*" or part.startswith("-"):
            children = [name for name, _ in backbone.get_submodule(".".join(found)).named_children()]
            part = children[-1 if part == "*" else int(part)]
        found.append(part)
    return ".".join(found)
