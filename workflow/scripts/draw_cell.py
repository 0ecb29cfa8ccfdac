"""Draw every fold of a cell: its learning curve and its predictions."""

from pathlib import Path

import pandas as pd

from uscl.job import job

with job(snakemake):
    from uscl.data.store import FrameStore
    from uscl.parquet import read_parquet
    from uscl.report.predictions import draw_cell

    predictions, history = read_parquet(snakemake.input.predictions), pd.read_csv(snakemake.input.history)
    store = FrameStore.open(Path(snakemake.input.frames).parent)
    draw_cell(predictions, history, store, Path(snakemake.output.figures))
