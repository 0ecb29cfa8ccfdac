"""Files that are damaged, or made to bring a reader down: each is named with a reason, and the others go on."""

import signal
import time
from pathlib import Path
from random import Random

import cv2
import numpy as np
import psutil
import pydicom

from chaos import bombs
from chaos.faults import Faults, Outcome
from chaos.own_sets import ENCODER, MANIFEST, STORE, extracted, named, own_study, set_aside, used, videos, well
from chaos.project import UNTRACKED, checkout, copy_of_finished, differences, snakemake, start
from chaos.studies import errors, stopped

FAULTS = Faults("readers")
PATIENT = "Planted^Patient"


@FAULTS.fault(
    "bits of five of twelve videos are flipped", "the pool is pretrained on; what can't be read is named", short=True
)
def flipped_bits(folder: Path) -> Outcome:
    random = Random(0)
    for path in videos(folder / "own", 12)[:5]:
        data = bytearray(path.read_bytes())
        for _ in range(200):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        path.write_bytes(data)
    project, run = extracted(folder, ENCODER)
    well(run)
    told, read = set_aside(project), used(project)
    silent = {path.name for path in (folder / "own").iterdir()} - told.keys() - read
    passed = bool(told) and not silent and (project / ENCODER).stat().st_size > 0
    return Outcome(passed, f"pretrained on {len(read)} videos, {len(told)} set aside by name")


@FAULTS.fault("every video is cut in half", "one sentence names the folder and the first reason; nothing is written")
def all_cut(folder: Path) -> Outcome:
    for path in videos(folder / "own", 5):  # the sixth format is MPEG, of which nobody can tell that it's cut
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    project = checkout(folder / "project")
    outcome = stopped(project, own_study(folder, folder / "own"), r"No usable video .* \(v00\.mp4: .*\)", MANIFEST)
    left = list((project / STORE).glob("*"))
    return Outcome(not left, outcome.happened if not left else f"left behind: {left}")


@FAULTS.fault(
    "a PNG of 900 million pixels, a GIF of 4 billion, and a video of 40 hours, each of a megabyte at most",
    "each is set aside by name; the others are used",
    short=True,
)
def decompression_bombs(folder: Path) -> Outcome:
    videos(folder / "own")
    bombs.png(folder / "own/bomb.png", 30_000, 30_000)
    bombs.gif(folder / "own/bomb.gif")
    bombs.video(folder / "own/long.mp4", 40)
    bad = {"bomb.png": "at most 64000000 pixels", "bomb.gif": "", "long.mp4": "longer than 3600 s"}
    return named(*extracted(folder), bad, 6)


def long_video(path: Path) -> None:
    """A video that takes a decoder seconds: 300 frames of noise, 1280 x 720."""
    random = np.random.default_rng(0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (1280, 720))
    picture = random.integers(0, 256, (720, 1280, 3), np.uint8)
    for k in range(300):
        writer.write(np.roll(picture, 16 * k, axis=1))
    writer.release()


def decoder_hit(folder: Path, sign: signal.Signals) -> tuple[Path, int, str]:
    """A project in which the decoder of a long video was sent a signal; the call's exit code and its words."""
    videos(folder / "own")
    long_video(folder / "own/long.avi")
    project, log = checkout(folder / "project"), folder / "said.txt"
    call = start(project, MANIFEST, log=log, study=own_study(folder, folder / "own"))
    while call.poll() is None:
        for process in psutil.Process(call.pid).children(recursive=True):
            try:
                at_work = "uscl.data.decode.worker" in process.cmdline()
                if at_work and any(file.path.endswith("long.avi") for file in process.open_files()):
                    process.send_signal(sign)
            except psutil.Error:
                continue  # it has just ended
        time.sleep(0.02)
    return project, call.returncode, log.read_text(encoding="utf-8")


@FAULTS.fault(
    "a decoder crashes (SIGSEGV) on one of seven videos", "that video is set aside by name; the others are used"
)
def crash(folder: Path) -> Outcome:
    project, code, said = decoder_hit(folder, signal.SIGSEGV)
    assert code == 0, f"exit code {code}: {errors(said)}"
    told = set_aside(project)
    passed = told == {"long.avi": "its decoder crashed (SIGSEGV)"} and len(used(project)) == 6
    return Outcome(passed and "Traceback" not in said, f"{len(used(project))} used; {told}")


@FAULTS.fault("a decoder is killed (SIGKILL), as when memory runs out", "one sentence; no video is set aside for it")
def killed(folder: Path) -> Outcome:
    project, code, said = decoder_hit(folder, signal.SIGKILL)
    told = errors(said)
    passed = code != 0 and len(told) == 1 and "was killed" in str(told) and "Traceback" not in said
    return Outcome(passed and not list((project / STORE).glob("*")), "; ".join(told) or f"exit code {code}")


@FAULTS.fault("damaged DICOM files with a patient's name in them", "set aside by name; the patient's name is nowhere")
def patient(folder: Path) -> Outcome:
    videos(folder / "own")
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID, data.PatientName = "1.2.840.10008.5.1.4.1.1.3.1", "1.2.3", PATIENT
    data.Rows, data.Columns, data.NumberOfFrames, data.SamplesPerPixel = 8, 8, 4, 1
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation, data.PhotometricInterpretation = 7, 0, "MONOCHROME2"
    data.PixelData = bytes(256)
    data["PixelData"].VR = "OB"
    data.save_as(folder / "own/cut.dcm", enforce_file_format=True)
    whole = (folder / "own/cut.dcm").read_bytes()
    (folder / "own/cut.dcm").write_bytes(whole[:-100])
    head = whole.index(b"\x28\x00\x10\x00")  # Rows: its value becomes the patient's name
    (folder / "own/head.dcm").write_bytes(whole[: head + 8] + PATIENT.encode() + whole[head + 10 :])
    project, run = extracted(folder)
    written = [path for path in (project / "results").rglob("*") if path.is_file()]
    leaks = [path.name for path in written if b"Planted" in path.read_bytes()] + ["the output"] * (
        "Planted" in run.stdout
    )
    assert not leaks, f"the patient's name is in {leaks}"
    return named(project, run, {"cut.dcm": "", "head.dcm": ""}, 6)


def changed_result(folder: Path, name: str, change, told: str) -> Outcome:
    """What a call says, or mends, where a file of a finished study was changed."""
    project = copy_of_finished(folder / "project")
    path = project / "results" / name
    path.write_bytes(change(path.read_bytes()))
    run = snakemake(project, *UNTRACKED, "--", "results/table.csv")
    assert "Traceback" not in run.stdout, "a traceback was shown"
    sentences = errors(run.stdout)
    if run.returncode:
        return Outcome(len(sentences) == 1 and told in str(sentences), "; ".join(sorted(sentences)))
    other = differences(project)
    return Outcome(not other, f"the call went well: {other or 'the same bytes'}")


@FAULTS.fault("a frame store's frames.npy is cut", "one sentence names the file and what to do")
def cut_store(folder: Path) -> Outcome:
    return changed_result(folder, "frames/sim_lung/frames.npy", lambda data: data[: len(data) // 2], "extract again")


@FAULTS.fault("one bit of a picture in frames.npy is flipped", "one sentence names the file and what to do")
def flipped_pixel(folder: Path) -> Outcome:
    def flip(data: bytes) -> bytes:
        return data[:-300] + bytes([data[-300] ^ 64]) + data[-299:]

    return changed_result(folder, "frames/sim_lung/frames.npy", flip, "extract again")


@FAULTS.fault("a manifest.csv loses its last row", "one sentence names the folder and what to do")
def short_manifest(folder: Path) -> Outcome:
    def shorten(data: bytes) -> bytes:
        return b"".join(data.splitlines(keepends=True)[:-1])

    return changed_result(folder, "frames/sim_lung/manifest.csv", shorten, "extract again")


@FAULTS.fault("a cell's predictions.parquet is cut", "one sentence names the file and what to do")
def cut_predictions(folder: Path) -> Outcome:
    name = "cells/pocus/linear/labels100/imagenet/seed0/predictions.parquet"
    return changed_result(folder, name, lambda data: data[: len(data) // 2], name)
