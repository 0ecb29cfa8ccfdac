"""Check that ImageNet weights are to be had: check_weights.py ARCH [FILE]. Prints one sentence and fails where not."""

import sys

from uscl.errors import UserError
from uscl.models.imagenet import imagenet_encoder

try:
    imagenet_encoder(*sys.argv[1:])
except UserError as error:
    print(error)
    sys.exit(1)
