"""Score a cell's stored predictions: every case, every fold, and the authors' protocol where it was asked for."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.files import written
    from uscl.base.tables import read_parquet
    from uscl.metrics.scores import best_on_test_epoch, case_scores, score_cell

    predictions = read_parquet(snakemake.input.predictions)
    cases = case_scores(predictions, snakemake.params.kind)
    with written(Path(snakemake.output.cases)) as path:
        cases.to_parquet(path, index=False)
    with written(Path(snakemake.output.metrics)) as path:
        score_cell(cases, snakemake.params.kind).to_csv(path, index=False)
    with written(Path(snakemake.output.best_on_test)) as path:
        best_on_test_epoch(predictions).to_csv(path, index=False)
