"""How fast does a pretraining amplify a difference in the last digits?

    python benchmarks/rounding.py [--frames results/frames/sim_pool/frames.npy] [--arch tf_efficientnet_lite0]

Trains twice on the same pairs of frames, once from the same weights and once from weights that differ by a factor of
1 + e, where e is normal with a standard deviation of 1e-7 or 1e-10, in float64 and without augmentation. Prints by how
much the losses of the two differ at each step. `--frames` is the pool of a finished study.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.base.seeds import generator, torch_stream
from uscl.models.contrastive import ContrastiveModel
from uscl.models.encoder import Encoder
from uscl.training.losses import nt_xent_per_view

STEPS, PAIRS, APART = 10, 13, 8  # APART: frames in the store between the two of a pair
RATES, DIFFERENCES = (3e-3, 3e-4), (1e-7, 1e-10)


def losses(frames: np.ndarray, arch: str, rate: float, difference: float) -> np.ndarray:
    """The loss of each step [STEPS] of SGD with momentum, from weights changed by about `difference` of themselves."""
    with torch_stream(0, "encoder"):
        model = ContrastiveModel(Encoder(arch), 0).double().train()
    with torch_stream(0, "difference"), torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1 + difference * torch.randn_like(weight))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=1e-4)
    found = []
    for step in range(STEPS):
        rows = generator(0, "pairs", step).choice(len(frames) - APART, PAIRS, replace=False)
        views = torch.from_numpy(frames[np.concatenate([rows, rows + APART])]).double() / 255
        _, z = model(views[:, None])
        loss = nt_xent_per_view(*z.chunk(2)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=Path, default=Path("results/frames/sim_pool/frames.npy"))
    parser.add_argument("--arch", default="tf_efficientnet_lite0")
    given = parser.parse_args()
    if not given.frames.is_file():
        parser.error(f"{given.frames} doesn't exist: run `make results`, or name the frames of another pool.")
    frames = np.load(given.frames, mmap_mode="r")
    print("rate     difference  of the losses, step by step")
    for rate in RATES:
        same = losses(frames, given.arch, rate, 0.0)
        for difference in DIFFERENCES:
            apart = np.abs(losses(frames, given.arch, rate, difference) - same)
            print(f"{rate:<8g} {difference:<11g}", *(f"{each:.0e}" for each in apart), flush=True)


if __name__ == "__main__":
    main()
