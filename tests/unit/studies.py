"""Studies for tests of settings and plans, and a minimal registry for the doctor."""

from pathlib import Path

import yaml

from uscl.base.errors import UserError
from uscl.study.validation import validated

ROOT = Path(__file__).parents[2]


def embedded():
    """The study that the project comes with."""
    return yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


def example():
    """A study with every kind of arm, which stays as it is when the embedded study changes."""
    return yaml.safe_load((ROOT / "tests/unit/study.yaml").read_text(encoding="utf-8"))


def fault(config):
    """What is wrong with a config; None if it is sound."""
    try:
        validated(config)
    except UserError as error:
        return str(error)
    return None


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
