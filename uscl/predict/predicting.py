"""Predict pictures with a model, and write tables and masks; all files appear at the end, or none."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from uscl.base.errors import UserError
from uscl.base.files import written_folder
from uscl.base.text import counted
from uscl.predict.masks import shares, write_mask
from uscl.predict.models import Ensemble
from uscl.predict.pictures import Listed, Picture, Problem, batches, nothing_read, pictures
from uscl.predict.unusual import ranges, remark
from uscl.training.augment import as_float
from uscl.training.device import start


def predict(
    models: Ensemble,
    found: Sequence[Listed],
    problems: list[Problem],
    out: Path,
    device: str,
    done: Callable[[int], None],
) -> str:
    """Predict everything and write the folder `out`; returns a sentence. Raises UserError if nothing can be read."""
    check_new(out)
    record = models.record
    usual, structures = ranges(one.record for one in models.predictors), record.get("structures", {})
    rows: list[dict[str, Any]] = []
    with written_folder(out) as folder:
        source = pictures(found, record["size"], record["rate_hz"], record["crop"], problems, done)
        for batch, outputs in predicted(models, source, device):
            for picture, output in zip(batch, outputs, strict=True):
                row = described(picture)
                if models.segments:
                    row |= shares(output, picture.box, structures) | write_mask(folder, picture, output, structures)
                else:
                    row |= chances(record["classes"], output)
                rows.append(row | {"remark": remark(picture, usual)})
        if not rows:
            raise nothing_read(problems)
        write_tables(folder, rows, problems, record["classes"])
    unusual = sum(bool(row["remark"]) for row in rows)
    return sentence(out, rows, unusual, problems)


def check_new(out: Path) -> None:
    """Raise UserError if the folder for the results is in use."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out} exists already: name another place with --out, or remove it.")


def predicted(
    models: Ensemble, source: Iterator[Picture], device: str
) -> Iterator[tuple[list[Picture], NDArray[np.float64]]]:
    """Batches of pictures with the models' outputs for them."""
    fabric = start(device, models.record["precision"], torch.get_num_threads())
    for net, _ in models.predictors:
        # The layout in which the study predicted its test parts, so that the sums are the same.
        fabric.to_device(net).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.inference_mode(), fabric.autocast():
        for batch, frames in batches(source):
            yield batch, models(as_float(fabric.to_device(torch.from_numpy(frames)))).double().cpu().numpy()


def described(picture: Picture) -> dict[str, Any]:
    """What the table says about a picture itself."""
    return {"case": picture.case, "file": picture.file, "frame": picture.number, "time_s": picture.time_s}


def chances(classes: Sequence[str], output: NDArray[np.float64]) -> dict[str, Any]:
    """The most probable class, and the probability of each."""
    each = {f"p_{name}": float(value) for name, value in zip(classes, output, strict=True)}
    return {"predicted": classes[int(output.argmax())], **each}


def write_tables(folder: Path, rows: list[dict[str, Any]], problems: Sequence[Problem], classes: Sequence[str]) -> None:
    """Write frames.csv, for classes also videos.csv (the mean over the frames of each file), and problems.csv."""
    frames = pd.DataFrame(rows)
    frames.to_csv(folder / "frames.csv", index=False, lineterminator="\n")
    if classes:
        columns = [f"p_{name}" for name in classes]
        videos = frames.groupby("file", sort=False)[columns].mean()
        decided = np.array(classes, dtype=object)[videos.to_numpy().argmax(axis=1)]
        videos.insert(0, "predicted", decided)
        videos.insert(0, "frames", frames.groupby("file", sort=False).size())
        videos.to_csv(folder / "videos.csv", lineterminator="\n")
    if problems:
        table = pd.DataFrame(problems, columns=list(Problem._fields))
        table.to_csv(folder / "problems.csv", index=False, lineterminator="\n")


def sentence(out: Path, rows: Sequence[dict[str, Any]], unusual: int, problems: Sequence[Problem]) -> str:
    """What was done, and what to look at."""
    files = len({row["file"] for row in rows})
    said = [f"{counted(len(rows), 'frame')} of {counted(files, 'file')} predicted: {out / 'frames.csv'}."]
    if unusual:
        verb = "is" if unusual == 1 else "are"
        said.append(f"{counted(unusual, 'frame')} {verb} unlike the training pictures (column `remark`).")
    if problems:
        said.append(f"{counted(len(problems), 'file')} could not be read ({out / 'problems.csv'}).")
    return " ".join(said)
