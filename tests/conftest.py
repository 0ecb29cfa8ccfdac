"""One CPU thread in every test: sums then have one order, and two test processes don't fight over two cores."""

import torch

import uscl.models.torchvision_cpu  # noqa: F401  (tests import torchvision and timm in any order)

torch.set_num_threads(1)
