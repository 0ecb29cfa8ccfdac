"""How much data a study has: as extracted, else as it will be simulated, else as the registry expects, else unknown."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from uscl.base.errors import UserError
from uscl.data.manifest import read_manifest
from uscl.data.readers import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from uscl.data.store import mapped_array
from uscl.simulator.set_breast import SHARES
from uscl.simulator.set_lung import STILL_EVERY
from uscl.study.contradictions import WITH_MASKS, layout

# What the simulator makes where the study doesn't say (`uscl.simulator.sets.write_set`).
SIMULATED_VIDEOS, SIMULATED_FRAMES = 2, 24
SIMULATED_RATE_HZ = 20  # on average
VIDEO_RATE_HZ = 30  # of the usual machine
Settings = Mapping[str, Any]


class Amount(NamedTuple):
    """What a data set holds for a study.

    `videos` are its files (a still image is a video of one frame), `frames` those that are kept, `decoded` those
    that are read for it, `cases` those with a label, `lesions` those with something in their mask; None where nobody
    knows.
    `source` says from where the numbers are: extracted, simulated, expected, counted, or "" (all unknown).
    """

    videos: int | None = None
    frames: int | None = None
    decoded: int | None = None
    cases: int | None = None
    lesions: int | None = None
    masks: bool = False
    source: str = ""


def amount(name: str, config: Settings, results: Path, registry: Mapping[str, Any], folder: Path | None) -> Amount:
    """What a data set of a study holds; `folder` is the one of its files, None where there is none."""
    settings = config["datasets"][name]
    masks = layout(settings) in WITH_MASKS
    store = results / "frames" / name
    if (store / "manifest.csv").is_file():
        try:
            return extracted(store, settings)
        except UserError:
            pass  # it will be extracted again
    if "simulate" in settings:
        return simulated(settings, masks)
    entry = registry.get(settings.get("reader", ""))
    if entry and not settings.get("partial"):
        return expected(entry["expected"], settings, masks)
    return counted(folder, settings, masks) if folder and folder.is_dir() else Amount(masks=masks)


def extracted(store: Path, settings: Settings) -> Amount:
    """The numbers of a frame store. Raises UserError where it isn't whole."""
    manifest = read_manifest(store / "manifest.csv")
    masks = mapped_array(store / "masks.npy")
    frames = len(manifest)
    lesions = int(np.any(masks, axis=(1, 2)).sum()) if len(masks) else 0
    cases = int((manifest["label"] != "").sum())
    videos = manifest["video"].nunique()
    return Amount(videos, frames, read_for(frames, settings), cases, lesions, bool(len(masks)), "extracted")


def simulated(settings: Settings, masks: bool) -> Amount:
    """The numbers of a set that will be simulated."""
    given = settings["simulate"]
    patients = given["patients"]
    if given["kind"] == "breast":
        lesions = patients - round(SHARES["normal"] * patients)
        return Amount(patients, patients, patients, patients, lesions, masks, "simulated")
    videos, length = patients * given.get("videos", SIMULATED_VIDEOS), given.get("frames", SIMULATED_FRAMES)
    stills = len(range(1, patients, STILL_EVERY)) if given["kind"] == "lung" else 0
    frames = videos * sampled(length, SIMULATED_RATE_HZ, settings) + stills
    labelled = frames if given["kind"] == "lung" else 0
    return Amount(videos + stills, frames, videos * length + stills, labelled, 0, masks, "simulated")


def sampled(length: int, rate_hz: float, settings: Settings) -> int:
    """How many of a video's `length` frames at `rate_hz` are kept."""
    wanted = settings.get("rate_hz")
    kept = length if wanted is None or wanted >= rate_hz else int((length - 1) / rate_hz * wanted) + 1
    return min(kept, settings.get("max_frames") or kept)


def read_for(frames: int, settings: Settings) -> int:
    """How many frames are decoded to keep `frames`."""
    wanted = settings.get("rate_hz")
    return int(frames * max(1.0, VIDEO_RATE_HZ / wanted)) if wanted else frames


def expected(counts: Settings, settings: Settings, masks: bool) -> Amount:
    """What the registry expects of a public set.

    Sampling leaves less than the registry's frames, so that `max_frames` of each video are then taken as the number.
    """
    videos, images = counts.get("videos"), counts.get("images")
    if videos is None and images is None:
        return Amount(masks=masks)
    files = (videos or 0) + (images or 0)
    most = settings.get("max_frames")
    if videos and (most or settings.get("rate_hz")):
        frames = videos * most + (images or 0) if most else None
    else:
        frames = counts.get("frames") or (None if videos else images)
    lesions = (images or 0) - (counts.get("classes") or {}).get("normal", 0) if masks else 0
    return Amount(files, frames, frames and read_for(frames, settings), frames, lesions, masks, "expected")


def counted(folder: Path, settings: Settings, masks: bool) -> Amount:
    """The media files of a folder, by their names; how long its videos are is not known."""
    videos, images = media_files(folder)
    if masks:
        images //= 2
    frames = None if videos else images
    return Amount(videos + images, frames, frames, frames, images if masks else 0, masks, "counted")


def media_files(folder: Path) -> tuple[int, int]:
    """How many videos and still images lie below a folder, hidden ones aside."""
    videos = images = 0
    for _, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        shown = [name.lower() for name in names if not name.startswith(".")]
        videos += sum(name.endswith(VIDEO_SUFFIXES) for name in shown)
        images += sum(name.endswith(IMAGE_SUFFIXES) for name in shown)
    return videos, images
