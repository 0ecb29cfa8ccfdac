"""The embedded study, the times of one machine, and the least registry that the doctor reads."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]

# Measured beside a second copy on a 2-core Intel Xeon, on which `make results` took 10 min 22 s.
RECORD = {
    "machine": "Intel(R) Xeon(R) Processor",
    "device": "cpu",
    "precision": "32-true",
    "date": "2026-11-25",
    "start_s": {"training": 4.4, "calculating": 1.4, "drawing": 2.2, "logging": 2.1},
    "extract_frames": 830.0,
    "simulate_frames": 74.0,
    "simulate_images": 19.0,
    "encoders": {
        "tf_efficientnet_lite0": {
            "meta_step": {"published": 3.5, "lookahead": 2.9},
            "linear_cases": 800.0,
            "sizes": {
                64: {
                    "pretrain_views": 110.0,
                    "finetune_images": 104.0,
                    "last_block_images": 350.0,
                    "segmentation_images": 55.0,
                    "feature_images": 460.0,
                },
                96: {
                    "pretrain_views": 55.0,
                    "finetune_images": 54.0,
                    "last_block_images": 195.0,
                    "segmentation_images": 27.0,
                    "feature_images": 235.0,
                },
            },
        }
    },
}


def embedded():
    return yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


def entry(videos=None, images=None, frames=None, classes=None, size=None):
    expected = {"videos": videos, "images": images, "groups": None, "frames": frames, "classes": classes or {}}
    files = [{"name": "a.zip", "urls": ["https://example.org/a.zip"], "size": size, "sha256": None}]
    return {"title": "A set", "files": files, "expected": expected | {"tolerance": 0}}


def given_sets(config, folder, *, exists=False, fetchable=False):
    return [
        {
            "name": name,
            "folder": str(folder / name),
            "exists": exists,
            "fetchable": fetchable,
            "how_to_get": f"{name}: get it from its owners.",
        }
        for name in config["datasets"]
    ]
