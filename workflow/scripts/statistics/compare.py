"""Intervals of all arms and paired tests between them, on one task in one regime, from the scored cases."""

from pathlib import Path

import pandas as pd

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.files import written
    from uscl.base.tables import read_parquet
    from uscl.report.tables.cases import one_row_a_case
    from uscl.stats.summary import comparisons, intervals

    params = snakemake.params
    cases = pd.concat(map(read_parquet, snakemake.input.cases), ignore_index=True)
    settings = {"draws": params.draws, "seed": params.seed}
    pairs = [tuple(pair) for pair in params.pairs]
    tables = {
        "intervals": intervals(cases, params.kind, **settings),
        "comparisons": comparisons(cases, params.kind, pairs, **settings),
        "cases": one_row_a_case(cases),
    }
    for name, table in tables.items():
        with written(Path(snakemake.output[name])) as path:
            table.to_csv(path, index=False)
