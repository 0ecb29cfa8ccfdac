"""A simulator of B-mode ultrasound: video files and images with known truth, needing no network."""

from uscl.simulator.sets import write_set

__all__ = ["write_set"]
