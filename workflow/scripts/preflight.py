"""Check what training needs before any job runs; print one sentence and fail where it is not to be had."""

import argparse
import sys

from uscl.device import start
from uscl.errors import UserError
from uscl.models.imagenet import imagenet_encoder

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--cuda", action="store_true", help="a usable GPU")
parser.add_argument("--weights", nargs="+", metavar=("ENCODER", "FILE"), help="ImageNet weights, from a file if named")
needs = parser.parse_args()
try:
    if needs.cuda:
        start("cuda", "32-true", threads=1)
    if needs.weights:
        imagenet_encoder(*needs.weights)
except UserError as error:
    print(error)
    sys.exit(1)
