"""Agreement of predicted and true masks, image by image.

Two empty masks agree: Dice and IoU are 1, the Hausdorff distance is 0. If one of the two is empty, Dice and IoU are 0,
and the Hausdorff distance is the image's diagonal, which exceeds the distance of any two masks in it.
"""

import numpy as np


def dice(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Dice coefficient of each image: boolean masks [n, ..., height, width] to [n]. Two empty masks agree: 1."""
    overlap, size = overlap_and_size(predicted, true)
    return np.where(size == 0, 1.0, 2 * overlap / np.maximum(size, 1))


def iou(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Intersection over union of each image: boolean masks [n, ..., height, width] to [n]. Two empty masks agree: 1."""
    overlap, size = overlap_and_size(predicted, true)
    return np.where(size == 0, 1.0, overlap / np.maximum(size - overlap, 1))


def overlap_and_size(predicted: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per image: the number of pixels in both masks, and the sum of the two masks' numbers of pixels."""
    axes = tuple(range(1, true.ndim))
    return (predicted & true).sum(axes), predicted.sum(axes) + true.sum(axes)


def hd95(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """95th percentile of the Hausdorff distance of each image, in pixels: boolean masks [n, height, width] to [n].

    Distances go from every surface pixel of one mask to the nearest one of the other. The result is the larger of the
    two directions' 95th percentiles (interpolated linearly; Maier-Hein et al., Metrics reloaded, Nature Methods 2024,
    doi:10.1038/s41592-023-02151-z). Two empty masks: 0; one empty mask: the image's diagonal.
    """
    found = np.where(predicted.any((1, 2)) | true.any((1, 2)), np.hypot(*true.shape[1:]), 0.0)
    both = np.flatnonzero(predicted.any((1, 2)) & true.any((1, 2)))
    for image, a, b in zip(both, surface(predicted[both]), surface(true[both]), strict=True):
        found[image] = max(directed_hd95(a, b), directed_hd95(b, a))
    return found


def surface(masks: np.ndarray) -> np.ndarray:
    """Pixels of boolean masks [n, height, width] with one of four neighbours outside the mask or the image."""
    from scipy.ndimage import binary_erosion, generate_binary_structure

    cross = generate_binary_structure(2, 1)  # a pixel and its four neighbours
    return masks & ~binary_erosion(masks, cross[None], border_value=0)


def directed_hd95(start: np.ndarray, end: np.ndarray) -> float:
    """95th percentile of the distances from the pixels of one surface [height, width] to the nearest of another."""
    from scipy.ndimage import distance_transform_edt

    return float(np.percentile(distance_transform_edt(~end)[start], 95))
