"""Check what training needs before any job runs; print one sentence and fail if something is not available."""

import argparse
import sys

from uscl.base.errors import UserError

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--gpus", type=int, help="so many usable GPUs")
parser.add_argument("--weights", nargs="+", metavar=("ENCODER", "FILE"), help="ImageNet weights, from a file if named")
needs = parser.parse_args()
try:
    if needs.gpus:
        from uscl.training.device import check

        check("cuda", needs.gpus)
    if needs.weights:
        from uscl.models.imagenet import imagenet_encoder

        imagenet_encoder(*needs.weights)
except UserError as error:
    print(error)
    sys.exit(1)
