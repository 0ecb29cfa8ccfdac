"""Overlap of predicted and true masks, image by image."""

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
    """Pixels in both masks, and pixels of the one plus pixels of the other, of each image."""
    axes = tuple(range(1, true.ndim))
    return (predicted & true).sum(axes), predicted.sum(axes) + true.sum(axes)
