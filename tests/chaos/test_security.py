"""Files and settings that mean harm: nothing in them is executed, nothing leaves its folder, a sentence says so."""

import io
import os
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import bombs
from tests.chaos.cut_off import PRETRAINING
from tests.chaos.own_sets import ENCODER, MANIFEST, extracted, named, own_study, set_aside, videos, well
from tests.chaos.paths import CHECKPOINTS, FRAMES
from tests.chaos.paths import ENCODER as PRETRAINED
from tests.chaos.project import MINUTE, UNTRACKED, checkout, copy_of_finished, differences, snakemake
from tests.chaos.studies import errors, stopped, study

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
LOCK = ".Dataset_BUSI_with_GT.lock"  # an empty file, of whoever fetches
FETCHED = "results/data/breast.json"
ARCHIVE = "Dataset_BUSI.zip"
INNER = "Dataset_BUSI_with_GT/benign/benign (1).png"


class Execute:
    """Pickled, it makes a file when it is loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.trace}'",)


def folds(folder: Path, content: bytes, message: str) -> None:
    """Five pickled folds with the same content are refused in one sentence."""
    (folder / "own").mkdir()
    for number in range(1, 6):
        (folder / f"own/covid_data{number}.pkl").write_bytes(content)
    sets = {"only": {"reader": "pocus_folds", "data_root": str(folder / "own"), "partial": True}}
    path = study(folder, datasets={"sim_lung": sets}, pool="sim_pool")
    stopped(checkout(folder / "project"), path, message, f"results/{FRAMES}/manifest.parquet")


def unharmed(trace: Path) -> None:
    """Nothing has made the file that a pickle makes when it is loaded."""
    assert not trace.exists(), f"executed: {trace.name} was made"


@pytest.mark.chaos_short
def test_a_pickled_fold_calls_os_system(folder: Path) -> None:
    """One sentence names file and call; nothing is executed."""
    trace = folder / "trace"
    folds(folder, pickle.dumps(Execute(trace)), r"covid_data1\.pkl.*names posix\.system")
    unharmed(trace)


def test_a_pickled_fold_of_400_kb_names_one_list_100_000_times(folder: Path) -> None:
    """One sentence names file and fault; the list is not copied 100,000 times (20 GB)."""
    numbers = list(range(256)) * 100
    folds(folder, pickle.dumps([numbers] * 100_000), r"covid_data1\.pkl.*holds 100000 arrays; at most 100 are read")


def fetched(folder: Path, message: str) -> None:
    """Whether the archive in folder / "mirror" is refused with this sentence, and nothing of it is left."""
    breast = {"reader": "busi", "data_root": str(folder / "data"), "partial": True}
    (folder / "data").mkdir()  # a folder that isn't there counts as a typo
    path = study(folder, datasets={"breast": breast}, data_mirror=(folder / "mirror").as_uri())
    stopped(checkout(folder / "project"), path, message, FETCHED)
    left = [found.name for found in (folder / "data").rglob("*") if found.name != LOCK]
    left += [found.name for found in folder.rglob("escaped*")]
    assert not left, f"left behind: {left}"


@pytest.mark.chaos_short
def test_a_zip_from_a_mirror_has_a_member_escaped(folder: Path) -> None:
    """Refused in one sentence; nothing is unpacked."""
    (folder / "mirror").mkdir()
    with zipfile.ZipFile(folder / "mirror" / ARCHIVE, "w") as file:
        file.writestr(INNER, b"picture")
        file.writestr("../../escaped.txt", b"harm")
    fetched(folder, r"escaped\.txt leads out of the archive: it was not unpacked")


def test_a_tar_from_a_mirror_writes_through_a_link_that_leads_out_of_it(folder: Path) -> None:
    """Refused in one sentence; nothing is unpacked."""
    (folder / "mirror").mkdir()
    with tarfile.open(folder / "mirror" / ARCHIVE, "w:gz") as file:
        link = tarfile.TarInfo("Dataset_BUSI_with_GT/link")
        link.type, link.linkname = tarfile.SYMTYPE, str(folder)
        file.addfile(link)
        through = tarfile.TarInfo("Dataset_BUSI_with_GT/link/escaped.txt")
        through.size = 4
        file.addfile(through, io.BytesIO(b"harm"))
    fetched(folder, r"link is a link: it was not unpacked")


def test_a_zip_of_300_kb_from_a_mirror_unpacks_to_300_mb(folder: Path) -> None:
    """Refused in one sentence; nothing is unpacked."""
    (folder / "mirror").mkdir()
    bombs.archive(folder / "mirror" / ARCHIVE)
    fetched(folder, r"unpacks to more than 100 times its packed size: it was not unpacked")


SPARSE = {"old GNU": bombs.sparse_gnu, "PAX": bombs.sparse_pax}


@pytest.mark.parametrize("kind", SPARSE)
def test_a_sparse_tar_of_2_kb_from_a_mirror_unpacks_to_3_gb(folder: Path, kind: str) -> None:
    """Refused in one sentence, also after a member whose negative size would hide the 3 GB; nothing is unpacked."""
    member = SPARSE[kind]
    for number, (sizes, message) in enumerate({(3,): "unpacks to more than", (-3, 3): "has a negative size"}.items()):
        home = folder / str(number)
        (home / "mirror").mkdir(parents=True)
        members = b"".join(member(INNER, size * 2**30) for size in sizes)
        (home / "mirror" / ARCHIVE).write_bytes(members + bytes(1024))
        fetched(home, rf"{message}.*: it was not unpacked")


def test_an_archive_from_a_mirror_has_a_name_of_300_bytes(folder: Path) -> None:
    """Refused in one sentence that says so, and not that the disk is full; nothing is unpacked."""
    (folder / "mirror").mkdir()
    with zipfile.ZipFile(folder / "mirror" / ARCHIVE, "w") as file:
        file.writestr(f"Dataset_BUSI_with_GT/benign/{'a' * 296}.png", b"picture")
    fetched(folder, "has a name of 300 bytes, and a file system takes 255: it was not unpacked")


def test_a_study_file_has_a_python_object_tag(folder: Path) -> None:
    """Refused with a message; nothing is executed."""
    trace, path = folder / "trace", folder / "study.yaml"
    harm = f"!!python/object/apply:os.system ['touch {trace}']"
    path.write_text(f"{MINUTE.read_text(encoding='utf-8')}\nresults_of: {harm}\n", encoding="utf-8")
    run = snakemake(checkout(folder / "project"), MANIFEST, study=path)
    assert run.returncode != 0, "the call ended well"
    assert "Traceback" not in run.stdout, "a traceback was shown"
    assert "not valid JSON or YAML" in run.stdout
    unharmed(trace)


@pytest.mark.chaos_short
def test_shell_words(folder: Path) -> None:
    """Names of a task, a method and a folder hold $(touch X), `touch X` and ; touch X: names are refused in one
    sentence, the folder is a folder; nothing is executed."""
    trace, project = folder / "trace", checkout(folder / "project")
    harms = (f"$(touch {trace})", f"`touch {trace}`", f"a; touch {trace}")
    for harm in harms:
        for key in ("tasks", "methods"):
            path = study(folder, **{key: {harm: {"method": "imagenet"}}})
            stopped(project, path, rf"Config: .* can't be a name in {key}")
    root = folder / f"own$(touch {trace.name}) `touch {trace.name}`; touch {trace.name} #"
    videos(root)
    run = snakemake(project, MANIFEST, study=own_study(folder, root))
    well(run)
    traces = [trace, project / trace.name]
    assert not [path for path in traces if path.exists()]


def poisoned_init(folder: Path, name: str, **changes: Any) -> None:
    """What a pretraining says of a weights file that is a pickle."""
    trace = folder / "trace"
    videos(folder / "own", 12)
    (folder / name).write_bytes(pickle.dumps({"weight": Execute(trace)}))
    path = own_study(folder, folder / "own", **changes)
    stopped(checkout(folder / "project"), path, name.replace(".", r"\."), ENCODER, trained=True)
    unharmed(trace)


def test_a_methods_init_names_a_pickle_called_encoder_safetensors(folder: Path) -> None:
    """One sentence names it; nothing is executed."""
    arm = {"method": "simclr", "epochs": 1, "init": str(folder / "encoder.safetensors")}
    methods = {"only": {"imagenet": {"method": "imagenet"}, "simclr": arm}}
    poisoned_init(folder, "encoder.safetensors", methods=methods)


def test_imagenet_weights_names_a_pth_that_calls_os_system(folder: Path) -> None:
    """One sentence names it; nothing is executed."""
    arm = {"method": "simclr", "epochs": 1, "init": "imagenet"}
    methods = {"only": {"imagenet": {"method": "imagenet"}, "simclr": arm}}
    weights = {"tf_efficientnet_lite0": str(folder / "weights.pth")}
    poisoned_init(folder, "weights.pth", methods=methods, imagenet_weights=weights)


def test_a_pickle_that_calls_os_system_lies_among_the_checkpoints(folder: Path) -> None:
    """Removed with a warning; the same bytes."""
    trace, project = folder / "trace", copy_of_finished(folder / "project")
    for path in (project / f"results/{PRETRAINED}").glob("*.*"):
        path.unlink()
    checkpoint = project / f"results/{CHECKPOINTS}/epochs000005-steps000000.pt"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(checkpoint, "w") as file:  # the layout of torch.save
        file.writestr("archive/data.pkl", pickle.dumps({"identity": Execute(trace)}, 2))
        file.writestr("archive/version", "3\n")
    run = snakemake(project, *UNTRACKED, "--", f"results/{PRETRAINING.target}")
    well(run)
    other = differences(project)
    assert "can't be read" in run.stdout
    assert checkpoint.name in run.stdout
    assert not checkpoint.exists()
    assert not other, other
    unharmed(trace)


@pytest.mark.chaos_short
def test_playlists(folder: Path) -> None:
    """Texts under video names point FFmpeg to a file outside the folder (concat, HLS): set aside by name; the file
    is not read."""
    videos(folder / "own")
    secret = shutil.move(videos(folder / "elsewhere", 1)[0], folder / "own/../secret.mp4")
    (folder / "own/a.mp4").write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    (folder / "own/b.avi").write_text("ffconcat version 1.0\nfile v00.mp4\n")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    (folder / "own/c.mov").write_text(playlist)
    named(*extracted(folder), dict.fromkeys(("a.mp4", "b.avi", "c.mov"), "not a video"), 6)


def test_a_table_names_secret_mp4_and_etc_passwd(folder: Path) -> None:
    """One sentence names table and row; they are not read."""
    videos(folder / "own")
    for number, name in enumerate(("../secret.mp4", "/etc/passwd")):
        (folder / "own/list.csv").write_text(f"file,group\nv00.mp4,a\n{name},b\n")
        path = own_study(folder, folder / "own", {"table": "list.csv"})
        project = checkout(folder / f"project{number}")
        stopped(project, path, r"list\.csv, row 3: .* leads out of the folder", MANIFEST)


def test_a_video_is_a_link_to_etc_passwd_and_one_to_a_device(folder: Path) -> None:
    """Set aside by name; the others are used."""
    videos(folder / "own")
    (folder / "own/passwd.mp4").symlink_to("/etc/passwd")
    (folder / "own/zero.mp4").symlink_to("/dev/zero")
    project, run = extracted(folder)
    named(project, run, dict.fromkeys(("passwd.mp4", "zero.mp4"), ""), 6)
    assert "root:" not in str(set_aside(project)), f"quoted: {errors(run.stdout)}"
