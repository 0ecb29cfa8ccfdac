"""Files that are damaged, or made to bring a reader down: each is named with a reason, and the others go on."""

import signal
import time
from pathlib import Path
from random import Random

import cv2
import numpy as np
import psutil
import pydicom
import pytest

from tests.chaos import bombs
from tests.chaos.own_sets import ENCODER, MANIFEST, STORE, extracted, named, own_study, set_aside, used, videos, well
from tests.chaos.paths import FRAMES, LINEAR, TABLE
from tests.chaos.project import UNTRACKED, checkout, copy_of_finished, differences, snakemake, start
from tests.chaos.studies import errors, stopped

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
PATIENT = "Planted^Patient"


@pytest.mark.chaos_short
def test_bits_of_five_of_twelve_videos_are_flipped(folder: Path) -> None:
    """The pool is pretrained on; what can't be read is named."""
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
    assert told, "no video was set aside"
    assert not silent, f"neither used nor named: {silent}"
    assert (project / ENCODER).stat().st_size > 0


def test_every_video_is_cut_in_half(folder: Path) -> None:
    """One sentence names the folder and the first reason; nothing is written."""
    for path in videos(folder / "own", 5):  # the sixth format is MPEG, of which nobody can tell that it's cut
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    project = checkout(folder / "project")
    stopped(project, own_study(folder, folder / "own"), r"No usable video .* \(v00\.mp4: .*\)", MANIFEST)
    left = list((project / STORE).glob("*"))
    assert not left, f"left behind: {left}"


@pytest.mark.chaos_short
def test_decompression_bombs(folder: Path) -> None:
    """A PNG of 900 million pixels, a GIF of 4 billion, and a video of 40 hours, each of a megabyte at most: each is
    set aside by name; the others are used."""
    videos(folder / "own")
    bombs.png(folder / "own/wide.png", 30_000, 30_000)
    bombs.gif(folder / "own/bomb.gif")
    bombs.video(folder / "own/long.mp4", 40)
    bad = {"wide.png": "at most 64000000 pixels", "bomb.gif": "", "long.mp4": "longer than 3600 s"}
    named(*extracted(folder), bad, 6)


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


def test_a_decoder_crashes_sigsegv_on_one_of_seven_videos(folder: Path) -> None:
    """That video is set aside by name; the others are used."""
    project, code, said = decoder_hit(folder, signal.SIGSEGV)
    assert code == 0, f"exit code {code}: {errors(said)}"
    told = set_aside(project)
    assert told == {"long.avi": "its decoder crashed (SIGSEGV)"}
    assert len(used(project)) == 6
    assert "Traceback" not in said, "a traceback was shown"


def test_a_decoder_is_killed_sigkill_as_when_memory_runs_out(folder: Path) -> None:
    """One sentence; no video is set aside for it."""
    project, code, said = decoder_hit(folder, signal.SIGKILL)
    told = errors(said)
    assert code != 0, "the call ended well"
    assert len(told) == 1, told
    assert "was killed" in str(told), told
    assert "Traceback" not in said, "a traceback was shown"
    assert not list((project / STORE).glob("*"))


def test_damaged_dicom_files_with_a_patients_name_in_them(folder: Path) -> None:
    """Set aside by name; the patient's name is nowhere."""
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
    named(project, run, {"cut.dcm": "", "head.dcm": ""}, 6)


def changed_result(folder: Path, name: str, change, told: str) -> None:
    """A call names a changed file of a finished study, or makes it again."""
    project = copy_of_finished(folder / "project")
    path = project / "results" / name
    path.write_bytes(change(path.read_bytes()))
    run = snakemake(project, *UNTRACKED, "--", TABLE)
    assert "Traceback" not in run.stdout, "a traceback was shown"
    sentences = errors(run.stdout)
    if run.returncode:
        assert len(sentences) == 1, sentences
        assert told in str(sentences), sentences
        return
    other = differences(project)
    assert not other, other


def test_a_frame_stores_frames_npy_is_cut(folder: Path) -> None:
    """One sentence names the file and what to do."""
    changed_result(folder, f"{FRAMES}/frames.npy", lambda data: data[: len(data) // 2], "extract again")


def test_one_bit_of_a_picture_in_frames_npy_is_flipped(folder: Path) -> None:
    """One sentence names the file and what to do."""

    def flip(data: bytes) -> bytes:
        return data[:-300] + bytes([data[-300] ^ 64]) + data[-299:]

    changed_result(folder, f"{FRAMES}/frames.npy", flip, "extract again")


def test_a_manifest_is_cut(folder: Path) -> None:
    """One sentence names the file and what to do."""
    changed_result(folder, f"{FRAMES}/manifest.parquet", lambda data: data[: len(data) // 2], "extract again")


def test_a_cells_predictions_parquet_is_cut(folder: Path) -> None:
    """One sentence names the file and what to do."""
    name = f"{LINEAR}/predictions.parquet"
    changed_result(folder, name, lambda data: data[: len(data) // 2], name)
