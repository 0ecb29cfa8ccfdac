"""Features of pictures from a frozen encoder, in the form in which a study takes them as an arm."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from uscl.base.errors import UserError
from uscl.base.files import written
from uscl.base.text import counted
from uscl.models.checkpoint import load_encoder
from uscl.predict.pictures import Listed, Problem, batches, nothing_read, pictures
from uscl.training.augment import as_float
from uscl.training.device import start


def write_features(
    encoder_file: Path,
    size: int,
    found: Sequence[Listed],
    problems: list[Problem],
    out: Path,
    device: str,
    done: Callable[[int], None],
) -> str:
    """Write a table of case and vector; returns a sentence.

    Raises UserError if nothing can be read, or if a feature is not finite.
    """
    check_new(out)
    fabric = start(device, "32-true", torch.get_num_threads())
    encoder = load_encoder(encoder_file).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    net = fabric.setup_module(encoder)
    cases: list[str] = []
    vectors: list[np.ndarray] = []
    source = pictures(found, size, None, (), problems, done)
    with torch.inference_mode():
        for batch, frames in batches(source):
            vectors.append(net(as_float(fabric.to_device(torch.from_numpy(frames)))).float().cpu().numpy())
            cases += [picture.case for picture in batch]
    if not cases:
        raise nothing_read(problems)
    table = pd.DataFrame({"case": cases, "vector": list(np.concatenate(vectors))})
    check(table)
    with written(out) as partial:
        table.to_parquet(partial, index=False)
    lost = f" {counted(len(problems), 'file')} could not be read, such as {problems[0].file}." if problems else ""
    return f"Features of {counted(len(cases), 'frame')}, {len(table['vector'][0])} each: {out}.{lost}"


def check_new(out: Path) -> None:
    """Raise UserError if a file is there already."""
    if out.exists():
        raise UserError(f"{out} exists already: name another file with --out, or remove it.")


def check(table: pd.DataFrame) -> None:
    """Raise UserError if two cases have one name, or if a feature is not finite."""
    if (double := table["case"][table["case"].duplicated()]).size:
        raise UserError(f"Two pictures have the name {double.iloc[0]}: name one folder that holds all of them.")
    bad = [case for case, vector in zip(table["case"], table["vector"], strict=True) if not np.isfinite(vector).all()]
    if bad:
        raise UserError(
            f"The features of {len(bad)} frames, such as {bad[0]}, are not finite: the encoder is unusable."
        )
