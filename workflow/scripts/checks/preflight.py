"""Check what training needs before any job runs; print one sentence and fail if something is not available."""

import argparse
import json
import sys

from uscl.base.errors import UserError

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--gpus", type=int, help="so many usable GPUs")
parser.add_argument(
    "--encoder", action="append", default=[], help="architecture, init, file or null, and own input: a list in JSON"
)
needs = parser.parse_args()
try:
    if needs.gpus:
        from uscl.training.device import check

        check("cuda", needs.gpus)
    for arch, init, file, own in map(json.loads, dict.fromkeys(needs.encoder)):
        from uscl.pretrain.engine.initial import initial_encoder, input_of

        initial_encoder(arch, init, 0, file, **input_of(own))
except UserError as error:
    print(error)
    sys.exit(1)
