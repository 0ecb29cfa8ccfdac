"""A small set of images with two structures and a table with the size of their pixels, for studies of several."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

HEIGHT, WIDTH = 72, 120


def write_neck(root: Path, images: int = 12) -> Path:
    """Write images of a bright nerve (label 1) and a dark vessel (label 2), which every fourth image lacks."""
    random = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    rows = []
    for number in range(images):
        coarse = random.integers(30, 180, (5, 8)).astype(np.uint8)  # of its own, or the audit finds one picture twice
        grey = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        mask = np.zeros_like(grey)
        place = tuple(int(at) for at in random.integers((24, 24), (44, 48)))
        cv2.ellipse(mask, place, (16, 10), 0, 0, 360, 1, -1)
        if number % 4:
            cv2.circle(mask, (place[0] + 48, place[1]), 12, 2, -1)
        grey[mask == 1], grey[mask == 2] = 250, 0
        cv2.imwrite(str(root / f"images/{number}.png"), grey)
        cv2.imwrite(str(root / f"masks/{number}.png"), mask)
        rows.append({"file": f"images/{number}.png", "patient": f"p{number}", "mm_per_pixel": 0.2})
    pd.DataFrame(rows).to_csv(root / "table.csv", index=False)
    return root
