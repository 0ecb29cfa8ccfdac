"""The simulator's entry point: whole simulated data sets, in the layouts that the readers of real sets expect."""

from collections.abc import Sequence
from pathlib import Path

from uscl.base.errors import UserError
from uscl.base.files import written_folder
from uscl.simulator.anatomy_lung import ALIKE, OWN
from uscl.simulator.events import Event
from uscl.simulator.set_breast import write_breast
from uscl.simulator.set_lung import write_lung
from uscl.simulator.set_pool import ORGANS, write_pool
from uscl.simulator.world import World

KINDS = ("pool", "lung", "breast")
MACHINE = 3  # of shared settings: one on which B-lines stand out from the haze


def write_set(
    kind: str,
    out: Path,
    *,
    seed: int,
    patients: int,
    videos: int = 2,
    frames: int = 24,
    inconsistent: float = 0.25,
    dropout: float = 0.1,
    freeze: float = 0.1,
    change: str = "organ",
    organs: Sequence[str] = ORGANS,
    machines: str = "own",
    lungs: str = "own",
) -> None:
    """Simulate a data set into the new folder `out`, which appears only once it is complete.

    kind: "pool" (pretraining videos and the truth about their frames), "lung" (covid19_ultrasound layout,
    three classes) or "breast" (BUSI layout; `patients` is the number of images, `videos` and `frames` are
    ignored). videos: per patient. frames: per video. inconsistent, dropout, freeze: shares of the pool's
    videos in which the probe moves, the probe loses contact, or the picture freezes. change: what a moved probe shows:
    another "organ", or another "class", with a disease or without, of the same organ, which must not be liver.
    organs: those of the pool's patients in turn. These five are ignored for lung and breast. machines: "own", each exam
    has its own settings, or "shared", all exams with one kind of probe have the same.
    lungs: "own", or "alike", which hardly differ in anything but disease. Raises UserError for an unknown kind,
    impossible numbers, or a folder that already holds files.
    """
    world = World(MACHINE if machines == "shared" else None, ALIKE if lungs == "alike" else OWN)
    check_request(kind, out, patients, videos, frames)
    with written_folder(out) as partial:
        if kind == "pool":
            moved: Event = "class_change" if change == "class" else "organ_change"
            shares: dict[Event, float] = {moved: inconsistent, "dropout": dropout, "freeze": freeze}
            write_pool(partial, seed, patients, videos, frames, shares, world=world, organs=organs)
        elif kind == "lung":
            write_lung(partial, seed, patients, videos, frames, world)
        else:
            write_breast(partial, seed, patients, world)


def check_request(kind: str, out: Path, patients: int, videos: int, frames: int) -> None:
    """Raise UserError for an unknown kind, a number below 1, or a folder that holds files."""
    if kind not in KINDS:
        raise UserError(f"There is no simulated set {kind!r}: choose one of {', '.join(KINDS)}.")
    for name, value in (("patients", patients), ("videos", videos), ("frames", frames)):
        if value < 1:
            raise UserError(f"The simulated set {kind!r} needs at least 1 for {name}, not {value}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} already exists: remove it, or choose another path for the simulated set {kind!r}.")
