"""Scores of all arms with a part of the training labels: a table and curves."""

from pathlib import Path

import pandas as pd

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.errors import UserError
    from uscl.base.files import written
    from uscl.base.tables import read_parquet
    from uscl.metrics.registry import primary
    from uscl.report.figures.curves import label_fraction_curves
    from uscl.report.figures.style import save_both
    from uscl.stats.summary import intervals

    params = snakemake.params
    if not snakemake.input.cases:
        raise UserError("The config has no `label_fractions`: give it `percent` and `regime`, see config/README.md.")
    cases = [read_parquet(path) for path in snakemake.input.cases]
    tables = []
    for (task, regime, labels), part in pd.concat(cases).groupby(["task", "regime", "labels"], sort=False):
        # Columns of another task's classes are empty here.
        found = intervals(part.dropna(axis=1, how="all"), params.kinds[task], draws=params.draws, seed=params.seed)
        main = found[found["metric"] == primary(params.kinds[task])]
        tables.append(main.assign(task=task, regime=regime, labels=labels))
    scores = pd.concat(tables, ignore_index=True)
    with written(Path(snakemake.output.csv)) as path:
        scores.to_csv(path, index=False, float_format="%.6f")
    save_both(label_fraction_curves(scores, arms=params.arms), Path(snakemake.output.png).with_suffix(""))
