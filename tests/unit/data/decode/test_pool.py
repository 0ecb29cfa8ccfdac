"""Decoding in separate processes: a file that crashes one is set aside, and the others continue."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.unit.data.decode.test_video import steps, write_video
from uscl.base.errors import UserError
from uscl.data.decode import pool as decoders
from uscl.data.decode.load import Loaded, Rejected, Sampling, load
from uscl.data.decode.pool import Decoders
from uscl.data.extract import extract
from uscl.data.manifest import read_problems
from uscl.data.source import Source
from uscl.data.store import FrameStore

GONE = b'{"video": "", "file": "gone", "kind": "video", "group": "", "label": "", "masks": []}'
SAMPLING = Sampling(32, None, None)
# A decoder that behaves as the name of its file says.
BEWITCHED = """
import os, signal, time
from uscl.data.decode import worker as decoder, load as loading

def load(root, sampling, source):
    if source.file.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, source.file.split(".")[0]))
    if source.file.startswith("exit"):
        os._exit(3)
    if source.file.startswith("hang"):
        time.sleep(600)
    if source.file.startswith("error"):
        raise TypeError(source.group)
    if source.file.startswith("memory"):
        bytearray(2 * decoder.MAX_MEMORY)
    return loading.load(root, sampling, source)

decoder.load = load
decoder.main()
"""


@pytest.fixture
def bewitched(tmp_path, monkeypatch):
    """The name of a module with the bewitched decoder."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/bewitched.py").write_text(BEWITCHED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    return "bewitched"


def source(name, **more):
    return Source(name, name, "video", name, "", **more)


def test_a_decoder_gives_what_the_same_process_reads(tmp_path):
    write_video(tmp_path / "a.mp4", steps())
    (tmp_path / "b.mp4").write_text("text")
    with Decoders(tmp_path, SAMPLING) as processes:
        for name in ("a.mp4", "b.mp4", "gone.mp4", "a.mp4"):
            ours, theirs = load(tmp_path, SAMPLING, source(name)), processes.load(source(name))
            assert type(ours) is type(theirs)
            if isinstance(ours, Rejected):
                assert ours == theirs
                continue
            np.testing.assert_array_equal(ours.clip.frames, theirs.clip.frames)
            np.testing.assert_array_equal(ours.clip.time_s, theirs.clip.time_s)
            np.testing.assert_array_equal(ours.clip.picture, theirs.clip.picture)
            assert ours.clip.number.tolist() == theirs.clip.number.tolist()
            assert (ours.source_sha256, ours.sha256) == (theirs.source_sha256, theirs.sha256)
            assert theirs.masks.shape == ours.masks.shape
            assert not theirs.masks.any()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("SIGSEGV.mp4", "its decoder crashed (SIGSEGV)"),
        ("SIGABRT.mp4", "its decoder crashed (SIGABRT)"),
        ("exit.mp4", "its decoder crashed (exit code 3)"),
        ("hang.mp4", "decoding it took longer than 2 s"),
        ("error.mp4", "the reader failed on it (TypeError; the log says where)"),
        ("memory.mp4", "the reader failed on it (MemoryError; the log says where)"),
    ],
)
def test_a_file_that_crashes_its_decoder_is_named_and_the_next_is_read(tmp_path, bewitched, name, reason):
    write_video(tmp_path / "a.mp4", steps())
    with Decoders(tmp_path, SAMPLING, limit_s=2, module=bewitched) as processes:
        assert isinstance(processes.load(source("a.mp4")), Loaded)
        assert processes.load(source(name)) == Rejected(source(name), reason)
        assert isinstance(processes.load(source("a.mp4")), Loaded)


@pytest.mark.parametrize("name", ["SIGKILL.mp4", "SIGTERM.mp4"])
def test_a_file_is_not_blamed_if_its_decoder_is_killed_from_outside(tmp_path, bewitched, name):
    with (
        Decoders(tmp_path, SAMPLING, module=bewitched) as processes,
        pytest.raises(UserError, match=rf"{name} was killed .* memory ran out"),
    ):
        processes.load(source(name))


def test_a_decoder_that_cannot_start_sets_no_file_aside(tmp_path, bewitched):
    with (
        Decoders(tmp_path, SAMPLING, module="no_module") as processes,
        pytest.raises(UserError, match="could not start"),
    ):
        processes.load(source("a.mp4"))


def test_the_text_of_an_unknown_error_stays_out_of_the_log(tmp_path, bewitched, caplog):
    with caplog.at_level("INFO"), Decoders(tmp_path, SAMPLING, module=bewitched) as processes:
        processes.load(source("error.mp4")._replace(group="words of the file"))
    assert "bewitched.py" in caplog.text
    assert "words of the file" not in caplog.text


def test_leaving_wakes_a_waiting_thread(tmp_path, bewitched):
    with ThreadPoolExecutor(1) as pool:
        with Decoders(tmp_path, SAMPLING, module=bewitched) as processes:
            waiting = pool.submit(processes.load, source("hang.mp4"))
            while not processes._all:
                time.sleep(0.01)
        with pytest.raises(UserError):
            waiting.result(timeout=20)
        with pytest.raises(UserError, match="stopped"):
            processes.load(source("a.mp4"))


def test_a_set_with_a_crash_in_it_becomes_a_store_for_any_number_of_workers(tmp_path, bewitched, monkeypatch):
    monkeypatch.setattr(decoders.Decoders.__init__, "__defaults__", (decoders.LIMIT_S, bewitched))
    for name in ("a.mp4", "SIGSEGV.mp4", "b.mp4", "exit.mp4"):
        (tmp_path / "pool/videos").mkdir(parents=True, exist_ok=True)
        write_video(tmp_path / "pool/videos" / name, steps())
    for workers in (1, 3):
        settings = {"size": 16, "rate_hz": None, "max_frames": 2, "on_bad_video": "skip", "workers": workers}
        extract("set", "video_folder", tmp_path / "pool/videos", tmp_path / str(workers), **settings)
    assert FrameStore.open(tmp_path / "1").manifest["video"].unique().tolist() == ["a.mp4", "b.mp4"]
    reasons = read_problems(tmp_path / "1/problems.csv").set_index("file")["reason"].drop(".")
    dark = "2 of 2 frames have only one grey level, or no pixel brighter than 31"
    assert reasons.to_dict() == {
        "a.mp4": dark,
        "b.mp4": dark,
        "SIGSEGV.mp4": "its decoder crashed (SIGSEGV)",
        "exit.mp4": "its decoder crashed (exit code 3)",
    }
    for name in ("frames.npy", "manifest.parquet", "problems.csv"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "3" / name).read_bytes()


def test_a_decoder_ends_with_the_process_that_asks(tmp_path):
    process = decoders.Decoder()
    assert process.ask(b'{"root": "/", "sampling": [8, null, null], "source": %s}' % GONE, 20) is not None
    process._pipe.close()
    assert process._process.wait(timeout=20) == 0
