"""Compare arms by the mean of a metric over several tasks, as the study's file names it."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    import pandas as pd

    from uscl.base.files import written
    from uscl.base.tables import read_parquet
    from uscl.stats.endpoints import COLUMNS, OnTask, endpoint
    from uscl.stats.levels import Asked, at_level

    params, rows, files = snakemake.params, [], iter(snakemake.input.cases)
    for named in params.endpoints:
        parts = []
        for task, level in zip(named["tasks"], named["levels"], strict=True):
            about, frames = params.tasks[task], read_parquet(next(files))
            cases = at_level(frames, level, Asked(**about["levels"]).rule)
            parts.append(OnTask(task, about["dataset"], about["kind"], cases))
        row = endpoint(parts, (named["arm"], named["reference"]), named["metric"], params.form)
        if row is not None:
            rows.append(row | {key: named[key] for key in ("task", "regime", "level")})
    with written(Path(snakemake.output[0])) as path:
        pd.DataFrame(rows, columns=COLUMNS).to_csv(path, index=False)
