"""Agreement of predicted and true masks, image by image, and its means over images and over draws of groups.

Two empty masks agree: Dice and IoU are 1, the Hausdorff distance is 0. If one of the two is empty, Dice and IoU are 0,
and the Hausdorff distance is the image's diagonal: more than two masks in it can be apart.

Scores of images [n] become scores of a cell (`ScoredImages`) and of draws (`ImageDraws`, names ending in `_of_draws`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from uscl.metrics.groups import Part, by_group, weighted

ScoredImages = Mapping[str, np.ndarray]  # scores [n] of a cell's images by metric


@dataclass(frozen=True)
class ImageGroups:
    """The images of a fold, summed by group, for all arms and seeds; and their Dice in ascending order.

    `images` [groups]: images of each. `sums` [scores, arms, seeds, groups]: sums of each score of `names`, and last of
    images whose Dice is 0. `sorted_dice`, `owner` [arms, seeds, n]: Dice in ascending order, and the group of each.
    """

    names: tuple[str, ...]
    images: np.ndarray
    sums: np.ndarray
    sorted_dice: np.ndarray
    owner: np.ndarray

    @classmethod
    def of(cls, part: Part) -> "ImageGroups":
        """The sums of a fold."""
        names, dice = tuple(part.values), part.values["dice"]
        order = dice.argsort(axis=-1, kind="stable")
        return cls(
            names,
            np.bincount(part.group),
            by_group(np.stack([*part.values.values(), dice == 0]), part.group),
            np.take_along_axis(dice, order, axis=-1),
            part.group[order],
        )

    def drawn(self, weights: np.ndarray) -> "ImageDraws":
        """The images in draws with weights [draws, groups]."""
        # One product for all scores: apart, their last digits would differ.
        *means, zero = weighted(self.sums, weights) / (weights @ self.images)
        return ImageDraws(self, weights, dict(zip(self.names, means, strict=True)), zero)


@dataclass(frozen=True)
class ImageDraws:
    """The images of a fold in many draws of its groups; `weights` [draws, groups].

    `means`: the mean of each score, and `zero` the share of images whose Dice is 0, all [arms, seeds, draws].
    """

    groups: ImageGroups
    weights: np.ndarray
    means: dict[str, np.ndarray]
    zero: np.ndarray


def mean(name: str) -> Callable[[ScoredImages], float]:
    """The mean of a score over images."""
    return lambda images: float(images[name].mean())


def mean_of_draws(name: str) -> Callable[[ImageDraws], np.ndarray]:
    """`mean` of draws, [arms, seeds, draws]."""
    return lambda draws: draws.means[name]


def median_dice(images: ScoredImages) -> float:
    """The median Dice of the images."""
    return float(np.median(images["dice"]))


def median_dice_of_draws(draws: ImageDraws) -> np.ndarray:
    """`median_dice` of draws, [arms, seeds, draws]."""
    return medians(draws.groups.sorted_dice, draws.groups.owner, draws.weights)


def zero_dice_share(images: ScoredImages) -> float:
    """The share of images whose Dice is 0."""
    return float((images["dice"] == 0).mean())


def zero_dice_share_of_draws(draws: ImageDraws) -> np.ndarray:
    """`zero_dice_share` of draws, [arms, seeds, draws]."""
    return draws.zero


def medians(ascending: np.ndarray, owner: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Medians of values that count as often as their group was drawn, [..., draws].

    `ascending` [..., n] are the values, `owner` [..., n] their groups, `weights` [draws, groups] whole numbers. The
    mean of the two values in the middle if their number is even.
    """
    times = weights.T.astype(np.int32)
    found = np.empty((*ascending.shape[:-1], len(weights)))
    for cell in np.ndindex(ascending.shape[:-1]):
        up_to = times[owner[cell]].cumsum(axis=0, dtype=np.int32) * 2
        lower, upper = (up_to < up_to[-1] // 2).sum(axis=0), (up_to <= up_to[-1] // 2).sum(axis=0)
        found[cell] = (ascending[cell][lower] + ascending[cell][upper]) / 2
    return found


def dice(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Dice coefficient of each image: boolean masks [n, ..., height, width] to [n]. Two empty masks agree: 1."""
    overlap, size = overlap_and_size(predicted, true)
    return np.where(size == 0, 1.0, 2 * overlap / np.maximum(size, 1))


def iou(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Intersection over union of each image: boolean masks [n, ..., height, width] to [n]. Two empty masks agree: 1."""
    overlap, size = overlap_and_size(predicted, true)
    return np.where(size == 0, 1.0, overlap / np.maximum(size - overlap, 1))


def overlap_and_size(predicted: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels in both masks, and pixels of the one plus pixels of the other, of each image."""
    axes = tuple(range(1, true.ndim))
    return (predicted & true).sum(axes), predicted.sum(axes) + true.sum(axes)


def hd95(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """95th percentile of the Hausdorff distance of each image, in pixels: boolean masks [n, height, width] to [n].

    Distances go from every surface pixel of one mask to the nearest one of the other. Of both directions the 95th
    percentile (interpolated linearly) is taken, and the larger of the two is the result (Maier-Hein et al., Metrics
    reloaded, Nature Methods 2024, doi:10.1038/s41592-023-02151-z). Two empty masks: 0; one: the image's diagonal.
    """
    found = np.where(predicted.any((1, 2)) | true.any((1, 2)), np.hypot(*true.shape[1:]), 0.0)
    both = np.flatnonzero(predicted.any((1, 2)) & true.any((1, 2)))
    for image, a, b in zip(both, surface(predicted[both]), surface(true[both]), strict=True):
        found[image] = max(directed_hd95(a, b), directed_hd95(b, a))
    return found


def surface(masks: np.ndarray) -> np.ndarray:
    """Pixels of boolean masks [n, height, width] with a neighbour outside, of four; beyond the image is outside."""
    from scipy.ndimage import binary_erosion, generate_binary_structure

    cross = generate_binary_structure(2, 1)  # a pixel and its four neighbours
    return masks & ~binary_erosion(masks, cross[None], border_value=0)


def directed_hd95(start: np.ndarray, end: np.ndarray) -> float:
    """95th percentile of the distances from the pixels of one surface [height, width] to the nearest of another."""
    from scipy.ndimage import distance_transform_edt

    return float(np.percentile(distance_transform_edt(~end)[start], 95))
