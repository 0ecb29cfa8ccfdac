"""The results of a pretraining."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from torch import Tensor, nn

from uscl.base.files import written
from uscl.base.seeds import generator
from uscl.jobs.run_record import RunRecord
from uscl.models.checkpoint import save_encoder, save_heads
from uscl.models.encoder import Encoder
from uscl.pretrain.engine.learned import learned
from uscl.pretrain.pairs.pairs import Pairs, distances
from uscl.pretrain.pairs.pool import Pool

PAIRS_A_VIDEO = 4


class Pretrained(NamedTuple):
    """The encoder in evaluation mode on the CPU; the heads' tensors by name; and three tables.

    `history`: one row per epoch (see `uscl.pretrain.engine.loop.fit`). `parts`: video, group, part. `pairs`: pairs that
    the method draws after training, with the weights that it gives them (see `weighed_pairs`). `seconds` is the time
    spent in training, including the time before a restart, and `cpu_seconds` the CPU time of this process in it.
    """

    encoder: Encoder
    heads: dict[str, Tensor]
    history: pd.DataFrame
    parts: pd.DataFrame
    pairs: pd.DataFrame
    seconds: float
    cpu_seconds: float


def heads(**modules: nn.Module | None) -> dict[str, Tensor]:
    """Tensors of the modules other than the encoder, on the CPU, as <module>.<tensor>."""
    return {
        f"{name}.{key}": tensor.detach().cpu().contiguous()
        for name, module in modules.items()
        if module is not None
        for key, tensor in module.state_dict().items()
    }


def weighed_pairs(
    pool: Pool,
    draw: Callable[[np.ndarray, np.random.Generator], Pairs],
    weigh: Callable[[Pairs], Mapping[str, np.ndarray]] | None,
    seed: int,
) -> pd.DataFrame:
    """A few pairs of every video of the pool, with the columns of weights [pairs] that `weigh` gives them.

    Columns: video, group, part, row_a, row_b, row_c (store rows), distance (frames in time between the two views),
    weight (1 without `weigh`); of a learned weight also start_weight, by the net before its training.
    """
    rng = generator(seed, "weighed pairs")
    # As in training, each round has one pair of every video.
    videos = np.concatenate([rng.permutation(len(pool.parts)) for _ in range(PAIRS_A_VIDEO)])
    pairs = draw(videos, rng)
    table = pool.parts.iloc[videos].reset_index(drop=True)
    rows = {f"row_{name}": pairs.rows[:, place] for place, name in enumerate("abc")}
    weights = {"weight": np.ones(len(videos))} if weigh is None else weigh(pairs)
    table = table.assign(**rows, distance=distances(pool.videos, pairs), **weights)
    return table.iloc[np.argsort(videos, kind="stable")]


def write_pretrained(
    result: Pretrained, folder: Path, method: str, record: RunRecord, matched: str | None = None
) -> list[str]:
    """Write the results of a pretraining into its folder, each file whole or not at all; return their names.

    `matched` says which of its tensors were in the file that the encoder started from, if there was one.
    """
    save_encoder(result.encoder, folder / "encoder.safetensors", method=method, **record.origin())
    save_heads(result.heads, folder / "heads.safetensors")
    tables = {"history.csv": result.history, "pool_parts.csv": result.parts, "pairs.csv": result.pairs}
    for name, table in tables.items():
        with written(folder / name) as path:
            table.to_csv(path, index=False)
    parameters = sum(weight.numel() for weight in result.encoder.parameters())
    images, steps = (int(result.history[name].sum()) if name in result.history else 0 for name in ("images", "steps"))
    cost = {"training_s": result.seconds, "training_cpu_s": result.cpu_seconds, "images": images, "steps": steps}
    verdict = {"learned": found.verdict} if (found := learned(result.history)) else {}
    start = {} if matched is None else {"matched": matched}
    record.write(folder / "run.json", parameters=parameters, **cost, **verdict, **start)
    return ["encoder.safetensors", "heads.safetensors", *tables, "run.json"]
