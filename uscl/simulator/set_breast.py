"""A breast set in the layout of BUSI (Al-Dhabyani et al., Data in Brief 28 (2020) 104863)."""

from pathlib import Path

import numpy as np

from uscl.base.progress import shown
from uscl.base.seeds import generator
from uscl.simulator.display import annotate, callipers, lesion_masks
from uscl.simulator.masses import Finding
from uscl.simulator.patient import breast_scanner
from uscl.simulator.video import write_png
from uscl.simulator.world import World

SHARES: dict[Finding, float] = {"benign": 0.45, "malignant": 0.35, "normal": 0.2}
TWO_MASSES = 0.06  # share of images with a second mass, hence a second mask file
MEASURED = 0.12  # share of images with callipers left in them


def write_breast(out: Path, seed: int, images: int, world: World) -> None:
    """Write `images` pictures, one per patient, with their masks, into one folder per finding."""
    benign, malignant = (round(SHARES[f] * images) for f in ("benign", "malignant"))
    counts: dict[Finding, int] = {
        "benign": benign,
        "malignant": malignant,
        "normal": images - benign - malignant,
    }
    for finding in counts:
        (out / finding).mkdir()
    cases = [(finding, number) for finding, count in counts.items() for number in range(1, count + 1)]
    for finding, number in shown(cases, len(cases), "simulating the breast set"):
        write_case(out / finding, seed, finding, number, world)


def write_case(folder: Path, seed: int, finding: Finding, number: int, world: World) -> None:
    """Write one picture with its masks."""
    rng = generator(seed, "breast", finding, number)
    exam = world.exam(rng, "linear", "breast")
    lesions = 0 if finding == "normal" else 1 + int(rng.random() < TWO_MASSES)
    scanner = breast_scanner(seed, ("breast", finding, number), 0, exam, finding, lesions)
    image, masks = annotate(scanner.frame(), scanner), lesion_masks(scanner)
    if masks and rng.random() < MEASURED:
        image = callipers(image, masks[0])
    write_png(folder / f"{finding} ({number}).png", image)
    for k, mask in enumerate(masks or [np.zeros_like(image)]):
        write_png(folder / f"{finding} ({number})_mask{f'_{k}' if k else ''}.png", mask)
