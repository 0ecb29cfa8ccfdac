"""Draw the results of all arms on one task in one regime."""

from pathlib import Path

import pandas as pd

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.tables import read_parquet
    from uscl.data.store import FrameStore
    from uscl.report.figures.task import task_figures

    given, params = snakemake.input, snakemake.params
    cells = [(arm, seed) for arm in params.arms for seed in params.seeds]
    histories = [
        pd.read_csv(path).assign(arm=arm, seed=seed) for (arm, seed), path in zip(cells, given.histories, strict=True)
    ]
    task_figures(
        params.kind,
        params.arms,
        pd.concat(map(read_parquet, given.cases), ignore_index=True),
        pd.concat(map(read_parquet, given.predictions), ignore_index=True),
        pd.concat(histories, ignore_index=True),
        FrameStore.open(Path(given.frames).parent),
        Path(snakemake.output.figures),
    )
