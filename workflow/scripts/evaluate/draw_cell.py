"""Draw every fold of a cell: its learning curve and its predictions."""

from pathlib import Path

import pandas as pd

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.tables import read_parquet
    from uscl.data.store import FrameStore
    from uscl.report.figures.predictions import draw_cell

    predictions, history = read_parquet(snakemake.input.predictions), pd.read_csv(snakemake.input.history)
    store = FrameStore.open(Path(snakemake.input.frames).parent)
    draw_cell(predictions, history, store, Path(snakemake.output.figures))
