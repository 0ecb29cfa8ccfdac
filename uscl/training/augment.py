"""Random augmentation of whole batches on the batch's device, with kornia: every sample draws its own parameters.

Frames are grey [batch, 1, height, width] in [0, 1]. Random numbers come from torch's current stream
(`uscl.base.seeds.torch_stream`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import kornia.augmentation as K
    from torch import Tensor


class ViewStyle(NamedTuple):
    """How strong the views' augmentation is: the smallest crop as a share of the area, and the colour jitter."""

    crop: float
    jitter: float


META_USCL = ViewStyle(crop=0.7, jitter=0.64)
USCL = ViewStyle(crop=0.8, jitter=0.8)


def contrastive(size: int, style: ViewStyle = META_USCL) -> K.AugmentationSequential:
    """The published views (released codes of Meta-USCL and USCL): crop, flip, and colour jitter in every view.

    Of the colour jitter 0.64 / 0.64 / 0.64 / 0.16 only brightness and contrast are drawn, because saturation and hue
    don't change a grey image.
    """
    import kornia.augmentation as K  # late: features of a frozen encoder need only `as_float`

    return K.AugmentationSequential(
        K.RandomResizedCrop((size, size), scale=(style.crop, 1.0), ratio=(0.8, 1.25)),
        K.RandomHorizontalFlip(p=0.5),
        K.ColorJitter(brightness=style.jitter, contrast=style.jitter, p=1.0),
        data_keys=["input"],
    )


def supervised(size: int, *, masks: bool = False) -> K.AugmentationSequential:
    """Mild crop, flip and jitter for fine-tuning; with `masks`, images and masks move together."""
    import kornia.augmentation as K

    return K.AugmentationSequential(
        K.RandomResizedCrop((size, size), scale=(0.7, 1.0), ratio=(0.8, 1.25)),
        K.RandomHorizontalFlip(p=0.5),
        K.ColorJitter(brightness=0.3, contrast=0.3, p=0.8),
        data_keys=["input", "mask"] if masks else ["input"],
    )


def as_float(frames: Tensor) -> Tensor:
    """Stored grey levels [batch, height, width] uint8 as [batch, 1, height, width] in [0, 1]."""
    return frames.unsqueeze(1).float().div_(255)
