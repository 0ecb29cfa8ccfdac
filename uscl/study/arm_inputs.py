"""What an arm's encoder gets: its architecture, the size of its frames, its input statistics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from uscl.base.text import counted
from uscl.models.library_names import is_sized, patch_in, segmentation_fault
from uscl.pretrain.method import Given

if TYPE_CHECKING:
    from uscl.pretrain.method import AnyArm
    from uscl.study.schema import StudySettings

OWN_INPUT = ("input_size", "mean", "std")  # keys of an arm whose default is what the study or the weights have


def input_remarks(study: StudySettings, arm: AnyArm) -> Iterator[str]:
    """What the table says about an arm whose encoder or input is not that of the study."""
    if arm.encoder and arm.encoder != study.encoder:
        yield f"encoder {arm.encoder}, not the study's {study.encoder}"
    if arm.input_size and arm.input_size != study.frame_size:
        enlarged = ", more than twice the stored size" if arm.input_size > 2 * study.frame_size else ""
        yield f"frames of {study.frame_size} pixels resized to {arm.input_size}{enlarged}"
    if arm.mean and arm.std:
        numbers = zip(arm.mean, arm.std, strict=True)
        shown = ", ".join(f"{mean:g} / {std:g}" for mean, std in numbers)
        yield f"{counted(len(arm.mean), 'input channel')} normalised by {shown}"


def input_faults(study: StudySettings) -> Iterator[str]:
    """An encoder that can't take the frames of its arm."""
    for name, arm in study.methods.items():
        if isinstance(arm, Given):
            continue
        encoder = arm.encoder or study.encoder
        size = arm.input_size or study.frame_size
        patch = patch_in(encoder) if is_sized(encoder) else None
        if patch and size % patch:
            below, above = size // patch * patch, (size // patch + 1) * patch
            fitting = f"{below} or {above}" if below else str(above)
            yield (
                f"methods.{name}: {encoder} takes sizes that are a multiple of its patch of {patch} pixels, not"
                f" {size}: set its `input_size` to {fitting}."
            )
        for task, settings in study.tasks.items():
            decoder = settings.decoder if settings.kind == "segmentation" else None
            if decoder and (fault := segmentation_fault(encoder, decoder)):
                yield f"methods.{name}: {encoder} can't segment in tasks.{task}: {fault}"
        if arm.mean and len(arm.mean) == 1:
            if not encoder.startswith("timm/"):
                yield f"methods.{name}: {encoder} takes three channels: give three numbers as `mean` and as `std`."
            if study.authors_protocol:
                yield f"methods.{name}: authors_protocol takes three channels: give three numbers as `mean` and `std`."
