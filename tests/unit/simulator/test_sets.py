"""The written sets: layouts, truth, and the same bytes for the same seed."""

import hashlib
from collections import Counter
from itertools import permutations
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest

from uscl.base.errors import UserError
from uscl.base.seeds import generator
from uscl.simulator import write_set
from uscl.simulator.events import Step, timeline
from uscl.simulator.set_pool import FINDINGS, assign_events, finding_of, other_finding
from uscl.simulator.video import FORMATS, rotate, write_video

TABLES = "videos.csv", "frames.csv"
POOL = {"patients": 3, "videos": 2, "frames": 8}


def decode(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="gray") for f in container.decode(video=0)])


def digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pool") / "set"
    write_set("pool", out, seed=3, **POOL, inconsistent=0.34, dropout=0.17, freeze=0.34)
    return out


@pytest.fixture(scope="module")
def lung(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lung") / "set"
    write_set("lung", out, seed=3, patients=3, videos=1, frames=3)
    return out


@pytest.fixture(scope="module")
def breast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("breast") / "set"
    write_set("breast", out, seed=3, patients=12)
    return out


def test_same_seed_same_bytes(pool: Path, tmp_path: Path) -> None:
    write_set("pool", tmp_path / "again", seed=3, **POOL, inconsistent=0.34, dropout=0.17, freeze=0.34)
    assert digests(pool) == digests(tmp_path / "again")


def test_a_pool_may_have_other_organs_and_one_machine_per_probe(tmp_path: Path) -> None:
    given = {"patients": 4, "videos": 1, "frames": 8, "inconsistent": 0, "dropout": 0, "freeze": 0}
    write_set("pool", tmp_path / "set", seed=3, **given, organs=["lung", "lung", "breast"], machines="shared")
    videos = pd.read_csv(tmp_path / "set/videos.csv")
    assert videos["organ"].tolist() == ["lung", "lung", "breast", "lung"]
    assert set(videos["event"]) == {"none"}
    sizes = [decode(tmp_path / "set/videos" / file).shape[1:] for file in videos["file"]]
    assert len({sizes[place] for place in (0, 1, 3)}) == 1  # the same depth and sector
    write_set("pool", tmp_path / "own", seed=3, **given, organs=["lung"])
    own = [
        decode(tmp_path / "own/videos" / file).shape[1:] for file in pd.read_csv(tmp_path / "own/videos.csv")["file"]
    ]
    assert len(set(own)) > 1


def test_all_sets_may_share_their_machines(tmp_path: Path) -> None:
    shared = {"machines": "shared", "videos": 1, "frames": 8}
    write_set("lung", tmp_path / "lung", seed=1, patients=2, **shared)
    write_set("pool", tmp_path / "pool", seed=2, patients=2, organs=["lung"], **shared)
    videos = [*(tmp_path / "lung").rglob("pocus_videos/convex/*.*")]
    videos += (tmp_path / "pool/videos").iterdir()
    sizes = {decode(path).shape[1:] for path in videos}
    assert len(videos) == 4
    assert len(sizes) == 1
    write_set("breast", tmp_path / "breast", seed=3, patients=4, **shared)
    pictures = [cv2.imread(str(path)) for path in (tmp_path / "breast").rglob("*[0-9]).png")]
    assert len({picture.shape for picture in pictures}) == 1


@pytest.mark.parametrize("kind", ["lung", "breast"])
def test_the_seed_decides_every_picture(kind: str, tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_set(kind, tmp_path / name, seed=seed, patients=2, videos=1, frames=2)
    first, again, other = (digests(tmp_path / name) for name in "abc")
    assert first == again
    pictures = [name for name in first if not name.endswith("csv") and "mask" not in name]
    assert pictures
    assert all(first[name] != other.get(name) for name in pictures)


def test_pool_videos_open_and_agree_with_their_tables(pool: Path) -> None:
    videos, frames = pd.read_csv(pool / "videos.csv"), pd.read_csv(pool / "frames.csv", keep_default_na=False)
    assert sorted(videos.file) == sorted(p.name for p in (pool / "videos").iterdir())
    assert set(videos.organ) == {"lung", "liver", "breast"}
    assert ((videos.organ == "breast") == (videos.probe == "linear")).all()
    for video in videos.itertuples():
        rows = frames[frames.file == video.file]
        assert len(decode(pool / "videos" / video.file)) == video.frames == len(rows)
        assert rows.frame.tolist() == list(range(video.frames))
        assert (rows.organ.nunique() == 2) == (video.event == "organ_change")
        note = {"organ_change": "transition"}.get(video.event, video.event)
        assert set(rows.event) - {""} == ({note} - {"none"})
        with av.open(str(pool / "videos" / video.file)) as container:
            assert container.streams.video[0].average_rate == video.fps


def test_planted_events_can_be_seen(pool: Path) -> None:
    frames = pd.read_csv(pool / "frames.csv", keep_default_na=False)
    for file, rows in frames.groupby("file"):
        pictures = decode(pool / "videos" / str(file)).astype(float)
        change = np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2))
        frozen = ((rows.event == "freeze") & (rows.event.shift() == "freeze")).to_numpy()[1:]
        lost = (rows.event == "dropout").to_numpy()
        if frozen.any():
            assert change[frozen].max() < 1.0 < change[~frozen].mean()
        if lost.any():
            assert pictures[lost].mean() < 0.8 * pictures[~lost].mean()


def test_states_of_the_pools_frames_follow_their_events(pool: Path) -> None:
    frames = pd.read_csv(pool / "frames.csv", keep_default_na=False)
    for _, rows in frames.groupby("file"):
        plain = rows.event.isin(["", "freeze"])
        moved = rows.event.eq("transition").cummax()  # from the change of organ to the end of the video
        assert (rows.state[plain & ~moved] == 1).all()
        assert (rows.state[plain & moved] == 0).all()
        assert rows.state[rows.event == "transition"].between(0, 1, inclusive="neither").all()
        assert rows.state[rows.event == "transition"].is_monotonic_decreasing
        assert (rows.state[rows.event == "dropout"] < 1).all()
        assert (rows.second_state[plain] == moved[plain]).all()
        assert (rows.second_state / (rows.state + rows.second_state)).is_monotonic_increasing
        assert (rows.second_state[~moved] == 0).all()
    assert set(frames.event) == {"", "transition", "dropout", "freeze"}


def test_the_shares_of_a_frame_add_up_to_what_is_seen_of_the_body() -> None:
    steps = timeline("organ_change", 20, generator(0, "test"))
    contact = [1.0 if step.contact is None else float(np.mean(step.contact)) for step in steps]
    assert [step.state + step.second_state for step in steps] == pytest.approx(contact)
    assert min(contact) < 0.3


def test_a_probe_that_slides_to_another_place_keeps_its_contact() -> None:
    for seed in range(20):
        steps = timeline("class_change", 16, generator(seed, "test"))
        sliding = [step.blend for step in steps if step.note]
        assert 1 <= len(sliding) <= 3
        assert steps[0] == Step(0)
        assert steps[-1] == Step(15, blend=1.0)
        assert all(step.state + step.second_state == pytest.approx(1) for step in steps)
        assert sliding == sorted(set(sliding))


def test_a_video_may_change_between_two_classes_of_its_organ(tmp_path: Path) -> None:
    given = {"patients": 6, "videos": 1, "frames": 8, "dropout": 0, "freeze": 0, "organs": ["lung", "breast"]}
    write_set("pool", tmp_path / "no", seed=3, **given, inconsistent=0)
    write_set("pool", tmp_path / "half", seed=3, **given, inconsistent=0.5, change="class")
    videos, frames = (pd.read_csv(tmp_path / "half" / name, keep_default_na=False) for name in TABLES)
    assert videos["event"].value_counts().to_dict() == {"class_change": 3, "none": 3}
    assert (frames.groupby("file")["organ"].nunique() == 1).all()
    for video in videos.itertuples():
        paths = [tmp_path / name / "videos" / video.file for name in ("no", "half")]
        assert (paths[0].read_bytes() == paths[1].read_bytes()) == (video.event == "none")
        between = np.abs(np.diff(decode(paths[1]).astype(float), axis=0)).mean(axis=(1, 2))
        moves = frames.loc[frames["file"] == video.file, "second_state"].diff().to_numpy()[1:] > 0
        if video.event == "class_change":
            assert between[moves].max() > 1.5 * between[~moves].mean()


def test_the_other_class_is_one_of_the_organ_and_every_one_comes_up() -> None:
    for organ in ("lung", "breast"):
        pairs = {(finding_of(0, k, organ), other_finding(0, k, 0, organ)) for k in range(60)}
        assert pairs == set(permutations(FINDINGS[organ], 2))


def test_a_full_dropout_shows_almost_nothing_and_a_partial_one_something() -> None:
    lost = [
        [step.state for step in timeline("dropout", 20, generator(seed, "test")) if step.note] for seed in range(40)
    ]
    assert all(len(set(states)) == 1 for states in lost)  # the air stays where it is
    states = [states[0] for states in lost]
    full = [state for state in states if state < 0.01]
    assert 10 < len(full) < 30
    assert full == pytest.approx([0.004] * len(full))
    assert all(0.1 < state < 0.9 for state in states if state not in full)


def test_shares_of_events_are_exact() -> None:
    events = assign_events(40, {"organ_change": 0.25, "dropout": 0.1, "freeze": 0.1}, generator(0, "test"))
    assert [events.count(e) for e in ("organ_change", "dropout", "freeze", "none")] == [10, 4, 4, 22]


def test_lung_layout(lung: Path) -> None:
    table = pd.read_csv(lung / "data" / "dataset_metadata.csv")
    assert {"Filename", "Label", "Type", "Probe", "License", "Patient ID / Name", "InThisRepo"} <= set(table.columns)
    files = [p for p in (lung / "data").rglob("*") if p.is_file() and p.suffix != ".csv"]
    assert sorted(p.stem for p in files) == sorted(table.Filename)
    assert {p.name[:3] for p in files} == {"Cov", "Pne", "Reg"}
    for path in files:
        row = table[table.Filename == path.stem].iloc[0]
        assert path.parent.name == row.Probe
        if row.Type == "video":
            assert len(decode(path)) == row["Length (frames)"] == 3
        else:
            assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).ndim == 2


def test_breast_layout(breast: Path) -> None:
    counts = {}
    for finding in ("benign", "malignant", "normal"):
        images = sorted(p for p in (breast / finding).glob("*.png") if "_mask" not in p.name)
        counts[finding] = len(images)
        for path in images:
            image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            mask = cv2.imread(str(path.with_name(f"{path.stem}_mask.png")), cv2.IMREAD_UNCHANGED)
            assert image.shape == mask.shape
            assert set(np.unique(mask)) <= {0, 255}
            assert (mask.max() == 0) == (finding == "normal")
    assert counts == {"benign": 5, "malignant": 4, "normal": 3}


@pytest.mark.parametrize("form", FORMATS, ids=lambda f: f"{f.suffix}-{f.codec}")
def test_every_format_keeps_the_picture(form: object, tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(20, 220, 96).astype(np.uint8), (64, 1))
    frames = [np.roll(ramp, 4 * k, axis=1) for k in range(5)]
    path = tmp_path / f"clip{form.suffix}"  # type: ignore[attr-defined]
    write_video(path, frames, form, form.rates[-1])  # type: ignore[attr-defined, arg-type]
    assert np.abs(decode(path).astype(float) - np.stack(frames)).mean() < 6


@pytest.mark.parametrize("videos", [1, 2, 3])
def test_no_format_reveals_a_class(videos: int) -> None:
    used = [
        Counter(rotate(patient, view, videos, 3).codec for patient in range(group, 36, 3) for view in range(videos))
        for group in range(3)
    ]
    assert used[0] == used[1] == used[2]
    assert set(used[0]) == {form.codec for form in FORMATS}


@pytest.mark.parametrize(
    ("kind", "numbers", "message"),
    [
        ("heart", {}, "no simulated set 'heart'"),
        ("pool", {"patients": 0}, "at least 1 for patients"),
        ("lung", {"frames": 0}, "at least 1 for frames"),
        ("pool", {"frames": 4}, "at least 8 frames"),
        ("pool", {"inconsistent": 0.9, "freeze": 0.3}, "add up to 1"),
        ("pool", {"dropout": -0.1}, "between 0 and 1"),
        ("pool", {"change": "class"}, "liver has no other class"),
    ],
)
def test_impossible_requests_are_refused(kind: str, numbers: dict[str, float], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        write_set(kind, tmp_path / "set", **({"seed": 0, "patients": 1} | numbers))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_an_existing_set_is_not_overwritten(breast: Path) -> None:
    with pytest.raises(UserError, match="already exists"):
        write_set("breast", breast, seed=0, patients=1)
