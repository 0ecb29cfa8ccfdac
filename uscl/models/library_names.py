"""Names of encoders in timm and torchvision, and what their families have in common.

`timm/NAME` and `torchvision/NAME` are encoders if the library registers NAME in the module of one of `FAMILIES`. The
study's file is checked at every call, so the names are read from the libraries' source; neither is imported.
"""

import functools
import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from uscl.base.errors import UserError
from uscl.base.text import nearest

LIBRARIES = {  # with what stands before the functions that build an architecture
    "timm": re.compile(r"^@register_model\n(?:@.*\n)*def (\w+)\(", re.MULTILINE),
    "torchvision": re.compile(r"^@register_model\(\)\n(?:@.*\n)*def (\w+)\(", re.MULTILINE),
}


class Family(NamedTuple):
    """Architectures that one module of a library builds.

    `last_block` are the modules that the regime of that name trains: in a path, `*` is the last child and a negative
    number a child counted from the end; only the first must exist. A transformer's tokens are all of one size. An
    encoder that is `sized` takes frames of one size only, which its weights depend on.
    """

    library: str
    module: str
    last_block: tuple[str, ...]
    transformer: bool = False
    sized: bool = False


FAMILIES = (
    Family("timm", "resnet", ("layer4.*",)),
    Family("timm", "efficientnet", ("blocks.*.*", "conv_head", "bn2")),
    Family("timm", "mobilenetv3", ("blocks.*.*", "conv_head", "norm_head")),
    Family("timm", "convnext", ("stages.*.blocks.*", "norm_pre", "head")),
    Family("timm", "regnet", ("s4.*", "final_conv")),
    Family("timm", "densenet", ("features.denseblock4.*", "features.norm5")),
    Family("timm", "swin_transformer", ("layers.*.blocks.*", "norm"), sized=True),
    Family("timm", "vision_transformer", ("blocks.*", "norm", "fc_norm", "attn_pool"), transformer=True, sized=True),
    Family("timm", "deit", ("blocks.*", "norm", "fc_norm"), transformer=True, sized=True),
    Family("timm", "eva", ("blocks.*", "norm", "fc_norm", "attn_pool"), transformer=True, sized=True),
    Family("torchvision", "resnet", ("layer4.*",)),
    Family("torchvision", "efficientnet", ("features.-2.*", "features.-1")),
    Family("torchvision", "mobilenetv3", ("features.-2", "features.-1", "classifier")),
    Family("torchvision", "convnext", ("features.-1.*", "classifier")),
    Family("torchvision", "regnet", ("trunk_output.block4.*",)),
    Family("torchvision", "densenet", ("features.denseblock4.*", "features.norm5")),
    Family("torchvision", "shufflenetv2", ("stage4.*", "conv5")),
    Family("torchvision", "swin_transformer", ("features.-1.*", "norm")),
    Family("torchvision", "vision_transformer", ("encoder.layers.*", "encoder.ln"), transformer=True, sized=True),
)


def family_of(encoder: str) -> Family:
    """The family of `timm/NAME` or `torchvision/NAME`. Raises UserError if the project can't use it.

    A NAME of timm may end in the tag of published weights, after a dot.

    >>> family_of("timm/vit_small_patch16_224").module
    'vision_transformer'
    """
    library, _, name = encoder.partition("/")
    architecture = name.partition(".")[0] if library == "timm" else name
    if library not in LIBRARIES:
        raise UserError(f"Unknown encoder '{encoder}': a name with / is timm/NAME or torchvision/NAME.")
    for family in FAMILIES:
        if family.library == library and architecture in architectures(library, family.module):
            check(encoder, architecture)
            return family
    raise UserError(unknown(encoder, library, architecture))


def segmentation_fault(encoder: str, decoder: str) -> str | None:
    """Why an encoder can't have a decoder, from its name alone; None if it can.

    >>> segmentation_fault("torchvision/resnet50", "unet")
    'torchvision gives no feature maps: take timm/NAME, which has most architectures.'
    """
    if encoder.startswith("torchvision/"):
        return "torchvision gives no feature maps: take timm/NAME, which has most architectures."
    if "/" in encoder and decoder != "unet":
        return f"timm's encoders have no {decoder} here, which needs a dilated last stage: take `decoder: unet`."
    return None


def is_sized(encoder: str) -> bool:
    """Whether an encoder's weights depend on the size of its frames."""
    return "/" in encoder and family_of(encoder).sized


def patch_in(encoder: str) -> int | None:
    """The side of a transformer's patches that its name tells; None if it tells none.

    >>> patch_in("timm/vit_small_patch14_dinov2"), patch_in("torchvision/vit_b_16"), patch_in("timm/resnet50")
    (14, 16, None)
    """
    found = re.search(r"patch(\d+)|^torchvision/vit_[a-z]_(\d+)$", encoder)
    return int(found[1] or found[2]) if found else None


def check(encoder: str, architecture: str) -> None:
    """Raise UserError for an architecture of a known family that gives no single feature vector per frame."""
    if "distilled" in architecture:
        raise UserError(f"Encoder {encoder} has two heads, for class and distillation: take the one without them.")


@functools.cache
def architectures(library: str, module: str) -> frozenset[str]:
    """What a module of a library registers, as its source says."""
    return frozenset(LIBRARIES[library].findall((folder_of(library) / f"{module}.py").read_text(encoding="utf-8")))


def folder_of(library: str) -> Path:
    """The folder of a library's models."""
    found = find_spec(library)  # of a top-level package, which this doesn't import
    if found is None or not found.submodule_search_locations:
        raise UserError(f"{library} isn't installed: pip install -r requirements.lock.")
    return Path(found.submodule_search_locations[0]) / "models"


def unknown(encoder: str, library: str, architecture: str) -> str:
    """One sentence about a name that no family has."""
    own = {family.module for family in FAMILIES if family.library == library}
    for module in sorted(path.stem for path in folder_of(library).glob("*.py")):
        if module not in own and architecture in architectures(library, module):
            return (
                f"Encoder {encoder} is none that this project can use: it knows those of {library}'s modules"
                f" {', '.join(sorted(own))}, not of {module}."
            )
    names = [f"{library}/{name}" for module in own for name in architectures(library, module)]
    return f"Unknown encoder '{encoder}'{nearest(encoder, names)}"
