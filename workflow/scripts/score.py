"""Compute a cell's metrics from its stored predictions, and draw its figures."""

from pathlib import Path

import pandas as pd

from uscl.job import job

with job(snakemake.log[0]):
    from uscl.data.store import FrameStore
    from uscl.files import written
    from uscl.metrics import score_cell
    from uscl.report.predictions import draw_cell

    predictions = pd.read_parquet(snakemake.input.predictions)
    history = pd.read_csv(snakemake.input.history)
    with written(Path(snakemake.output.metrics)) as path:
        score_cell(predictions, snakemake.params.kind).to_csv(path, index=False)
    store = FrameStore.open(Path(snakemake.input.frames).parent)
    draw_cell(predictions, history, store, Path(snakemake.output.figures))
