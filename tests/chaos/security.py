"""Files and settings that mean harm: nothing in them is executed, nothing leaves its folder, a sentence says so."""

import io
import os
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from chaos import bombs
from chaos.cut_off import PRETRAINING
from chaos.faults import Faults, Outcome
from chaos.own_sets import ENCODER, MANIFEST, extracted, named, own_study, set_aside, videos, well
from chaos.project import MINUTE, UNTRACKED, checkout, copy_of_finished, differences, snakemake
from chaos.studies import errors, stopped, study

FAULTS = Faults("security")
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


def unharmed(outcome: Outcome, trace: Path) -> Outcome:
    """The outcome, failed where the harm was done."""
    return Outcome(False, f"executed: {trace.name} was made") if trace.exists() else outcome


@FAULTS.fault("a pickled fold calls os.system", "one sentence names file and call; nothing is executed", short=True)
def fold(folder: Path) -> Outcome:
    trace = folder / "trace"
    (folder / "own").mkdir()
    for number in range(1, 6):
        (folder / f"own/covid_data{number}.pkl").write_bytes(pickle.dumps(Execute(trace)))
    folds = {"only": {"reader": "pocus_folds", "data_root": str(folder / "own"), "partial": True}}
    path = study(folder, datasets={"sim_lung": folds}, pool="sim_pool")
    told = r"covid_data1\.pkl.*names posix\.system"
    project = checkout(folder / "project")
    return unharmed(stopped(project, path, told, "results/frames/sim_lung/manifest.csv"), trace)


def fetched(folder: Path, told: str) -> Outcome:
    """Whether the archive in folder / "mirror" is refused with this sentence, and nothing of it is left."""
    breast = {"reader": "busi", "data_root": str(folder / "data"), "partial": True}
    path = study(folder, datasets={"breast": breast}, data_mirror=(folder / "mirror").as_uri())
    outcome = stopped(checkout(folder / "project"), path, told, FETCHED)
    left = [found.name for found in (folder / "data").rglob("*") if found.name != LOCK]
    left += [found.name for found in folder.rglob("escaped*")]
    return Outcome(not left, outcome.happened if not left else f"left behind: {left}")


@FAULTS.fault(
    "a zip from a mirror has a member ../../escaped", "refused in one sentence; nothing is unpacked", short=True
)
def zip_slip(folder: Path) -> Outcome:
    (folder / "mirror").mkdir()
    with zipfile.ZipFile(folder / "mirror" / ARCHIVE, "w") as file:
        file.writestr(INNER, b"picture")
        file.writestr("../../escaped.txt", b"harm")
    return fetched(folder, r"escaped\.txt leads out of the archive: it was not unpacked")


@FAULTS.fault(
    "a tar from a mirror writes through a link that leads out of it", "refused in one sentence; nothing is unpacked"
)
def tar_link(folder: Path) -> Outcome:
    (folder / "mirror").mkdir()
    with tarfile.open(folder / "mirror" / ARCHIVE, "w:gz") as file:
        link = tarfile.TarInfo("Dataset_BUSI_with_GT/link")
        link.type, link.linkname = tarfile.SYMTYPE, str(folder)
        file.addfile(link)
        through = tarfile.TarInfo("Dataset_BUSI_with_GT/link/escaped.txt")
        through.size = 4
        file.addfile(through, io.BytesIO(b"harm"))
    return fetched(folder, r"link is a link: it was not unpacked")


@FAULTS.fault("a zip of 300 kB from a mirror unpacks to 300 MB", "refused in one sentence; nothing is unpacked")
def zip_bomb(folder: Path) -> Outcome:
    (folder / "mirror").mkdir()
    bombs.archive(folder / "mirror" / ARCHIVE)
    return fetched(folder, r"unpacks to more than 100 times its packed size: it was not unpacked")


@FAULTS.fault("a study file has a !!python/object tag", "refused with a message; nothing is executed")
def yaml_object(folder: Path) -> Outcome:
    trace, path = folder / "trace", folder / "study.yaml"
    harm = f"!!python/object/apply:os.system ['touch {trace}']"
    path.write_text(f"{MINUTE.read_text(encoding='utf-8')}\nresults_of: {harm}\n", encoding="utf-8")
    run = snakemake(checkout(folder / "project"), MANIFEST, study=path)
    lines = run.stdout.strip().splitlines()
    passed = run.returncode != 0 and "Traceback" not in run.stdout and "not valid JSON or YAML" in run.stdout
    return unharmed(Outcome(passed, " ".join(line.strip() for line in lines[-2:])), trace)


@FAULTS.fault(
    "names of a task, a method and a folder hold $(touch X), `touch X` and ; touch X",
    "names are refused in one sentence, the folder is a folder; nothing is executed",
    short=True,
)
def shell_words(folder: Path) -> Outcome:
    trace, project = folder / "trace", checkout(folder / "project")
    harms = (f"$(touch {trace})", f"`touch {trace}`", f"a; touch {trace}")
    told = []
    for harm in harms:
        for key in ("tasks", "methods"):
            path = study(folder, **{key: {harm: {"method": "imagenet"}}})
            told.append(stopped(project, path, rf"Config: .* can't be a name in {key}").happened)
    root = folder / f"own$(touch {trace.name}) `touch {trace.name}`; touch {trace.name} #"
    videos(root)
    run = snakemake(project, MANIFEST, study=own_study(folder, root))
    well(run)
    traces = [trace, project / trace.name]
    made = [path for path in traces if path.exists()]
    return Outcome(not made, f"{len(told)} names refused; a folder of such a name was read; {len(made)} files made")


def poisoned_init(folder: Path, name: str, **changes: Any) -> Outcome:
    """What a pretraining says of a weights file that is a pickle."""
    trace = folder / "trace"
    videos(folder / "own", 12)
    (folder / name).write_bytes(pickle.dumps({"weight": Execute(trace)}))
    path = own_study(folder, folder / "own", **changes)
    outcome = stopped(checkout(folder / "project"), path, name.replace(".", r"\."), ENCODER, trained=True)
    return unharmed(outcome, trace)


@FAULTS.fault("a method's init names a pickle called encoder.safetensors", "one sentence names it; nothing is executed")
def pickled_encoder(folder: Path) -> Outcome:
    arm = {"method": "simclr", "epochs": 1, "init": str(folder / "encoder.safetensors")}
    methods = {"only": {"imagenet": {"method": "imagenet"}, "simclr": arm}}
    return poisoned_init(folder, "encoder.safetensors", methods=methods)


@FAULTS.fault("imagenet_weights names a .pth that calls os.system", "one sentence names it; nothing is executed")
def pickled_weights(folder: Path) -> Outcome:
    arm = {"method": "simclr", "epochs": 1, "init": "imagenet"}
    methods = {"only": {"imagenet": {"method": "imagenet"}, "simclr": arm}}
    weights = {"tf_efficientnet_lite0": str(folder / "weights.pth")}
    return poisoned_init(folder, "weights.pth", methods=methods, imagenet_weights=weights)


@FAULTS.fault("a pickle that calls os.system lies among the checkpoints", "removed with a warning; the same bytes")
def poisoned_checkpoint(folder: Path) -> Outcome:
    trace, project = folder / "trace", copy_of_finished(folder / "project")
    for path in (project / "results/encoders/meta_uscl/seed0").glob("*.*"):
        path.unlink()
    checkpoint = project / "results/checkpoints/meta_uscl/seed0/epochs000005-steps000000.pt"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(checkpoint, "w") as file:  # the layout of torch.save
        file.writestr("archive/data.pkl", pickle.dumps({"identity": Execute(trace)}, 2))
        file.writestr("archive/version", "3\n")
    run = snakemake(project, *UNTRACKED, "--", f"results/{PRETRAINING.target}")
    well(run)
    other = differences(project)
    said = "can't be read" in run.stdout and checkpoint.name in run.stdout and not checkpoint.exists()
    return unharmed(Outcome(said and not other, f"warned and removed: {said}; {other or 'the same bytes'}"), trace)


@FAULTS.fault(
    "texts under video names point FFmpeg to a file outside the folder (concat, HLS)",
    "set aside by name; the file is not read",
    short=True,
)
def playlists(folder: Path) -> Outcome:
    videos(folder / "own")
    secret = shutil.move(videos(folder / "elsewhere", 1)[0], folder / "own/../secret.mp4")
    (folder / "own/a.mp4").write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    (folder / "own/b.avi").write_text("ffconcat version 1.0\nfile v00.mp4\n")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    (folder / "own/c.mov").write_text(playlist)
    return named(*extracted(folder), dict.fromkeys(("a.mp4", "b.avi", "c.mov"), "not a video"), 6)


@FAULTS.fault("a table names ../secret.mp4 and /etc/passwd", "one sentence names table and row; they are not read")
def table_leads_out(folder: Path) -> Outcome:
    videos(folder / "own")
    told = []
    for name in ("../secret.mp4", "/etc/passwd"):
        (folder / "own/list.csv").write_text(f"file,group\nv00.mp4,a\n{name},b\n")
        path = own_study(folder, folder / "own", {"table": "list.csv"})
        project = checkout(folder / f"project{len(told)}")
        told.append(stopped(project, path, r"list\.csv, row 3: .* leads out of the folder", MANIFEST).happened)
    return Outcome(True, told[0])


@FAULTS.fault("a video is a link to /etc/passwd, and one to a device", "set aside by name; the others are used")
def links(folder: Path) -> Outcome:
    videos(folder / "own")
    (folder / "own/passwd.mp4").symlink_to("/etc/passwd")
    (folder / "own/zero.mp4").symlink_to("/dev/zero")
    project, run = extracted(folder)
    outcome = named(project, run, dict.fromkeys(("passwd.mp4", "zero.mp4"), ""), 6)
    return outcome if "root:" not in str(set_aside(project)) else Outcome(False, f"quoted: {errors(run.stdout)}")
