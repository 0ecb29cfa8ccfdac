"""An encoder that another program pretrained, from its checkpoint; nothing is trained before the evaluation."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from uscl.base.settings import Nothing
from uscl.models.hub_file import address_fault, on_hub
from uscl.pretrain.method import AnyArm, Method, Started


class File(AnyArm):
    """Settings of an encoder from a file. A file of this project has `mean` and `std`; for others, give them."""

    method: Literal["file"] = "file"
    checkpoint: Annotated[
        str,
        Field(
            min_length=1,
            description="The file (.safetensors, .pth, .pt, .ckpt), as a path or as hf-hub:OWNER/NAME@REVISION/FILE.",
        ),
    ]
    sha256: Annotated[
        Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None,
        Nothing,
        Field(description="The SHA-256 that the file must have; needed for a file on the hub."),
    ] = None
    key: Annotated[
        Annotated[str, Field(min_length=1)] | None,
        Nothing,
        Field(
            description="The entry of the checkpoint that has the weights, with dots to nested ones. Default:"
            " `state_dict`, `model` or `teacher`, if there is one of them."
        ),
    ] = None
    prefix: Annotated[
        str | None,
        Nothing,
        Field(
            description="The beginning of the weights' names that is removed, such as `encoder_q.`. Default: the known"
            " prefix that fits most of the encoder's tensors."
        ),
    ] = None
    partial: Annotated[
        bool,
        Field(description="Take a file that has fewer than 95 % of the encoder's tensors; the others stay random."),
    ] = False

    @property
    def init(self) -> str:
        """What the arm starts from."""
        return self.checkpoint

    @model_validator(mode="after")
    def check(self) -> Self:
        """Refuse a checkpoint on the hub that isn't pinned."""
        if fault := address_fault(self.checkpoint, self.sha256):
            raise PydanticCustomError("contradiction", "`checkpoint` {fault}", {"fault": fault})
        return self


def start(arch: str, seed: int, weights: str | None, settings: File) -> Started:
    """The encoder of the checkpoint."""
    from uscl.models.checkpoint import is_encoder_file
    from uscl.models.file_encoder import Layout, encoder_of_layout
    from uscl.models.hub_file import local_file
    from uscl.pretrain.engine.initial import own_encoder

    path, given = local_file(settings.checkpoint, settings.sha256), (settings.stats, settings.input_size)
    if is_encoder_file(path):
        return Started(own_encoder(arch, path, *given), f"all tensors of {arch} are in the file")
    layout = Layout(settings.key, settings.prefix, settings.partial)
    return Started(*encoder_of_layout(arch, path, layout, seed, *given))


def remarks(settings: File) -> tuple[str, ...]:
    """Where the encoder comes from."""
    name = settings.checkpoint if on_hub(settings.checkpoint) else settings.checkpoint.rpartition("/")[2]
    return (f"encoder from the file {name}: what it was trained on, and its cost, are not known",)


METHOD = Method(
    "file",
    "an encoder that another program pretrained, from its checkpoint",
    File,
    start=start,
    trains=False,
    remarks=remarks,
)
