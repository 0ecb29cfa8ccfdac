"""Make `import torchvision` work with a CPU build of torch.

PyPI serves torchvision only with a compiled part made for CUDA builds. With a CPU torch that part cannot be loaded,
the operators `torchvision::nms` and `qnms` are never registered, and `import torchvision` (and with it timm and
segmentation-models-pytorch) raises. The project detects no boxes, so declaring the two schemas is enough: models and
transforms then work, and only torchvision's own detection operators and image decoders stay unavailable.

Import this module before torchvision, timm or segmentation_models_pytorch, in every process. If torchvision imports by
itself, the module does nothing else.
"""

import importlib
import sys

import torch

MISSING_OPERATOR = "torchvision::nms does not exist"
SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def ensure_torchvision() -> None:
    """Import torchvision, and declare the two operator schemas if its compiled part can't be loaded."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if MISSING_OPERATOR not in str(error):
            raise
        for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
            del sys.modules[name]  # half imported
        for operator in ("nms", "qnms"):
            torch.library.define(f"torchvision::{operator}", SCHEMA)
        importlib.import_module("torchvision")


ensure_torchvision()
