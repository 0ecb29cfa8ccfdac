"""Score a cell's stored predictions: every case, every fold, and the authors' protocol where it was asked for."""

from pathlib import Path

from uscl.job import job

with job(snakemake):
    from uscl.files import written
    from uscl.metrics import best_on_test_epoch, case_scores, score_cell
    from uscl.parquet import read_parquet

    predictions = read_parquet(snakemake.input.predictions)
    cases = case_scores(predictions, snakemake.params.kind)
    with written(Path(snakemake.output.cases)) as path:
        cases.to_parquet(path, index=False)
    with written(Path(snakemake.output.metrics)) as path:
        score_cell(cases, snakemake.params.kind).to_csv(path, index=False)
    with written(Path(snakemake.output.best_on_test)) as path:
        best_on_test_epoch(predictions).to_csv(path, index=False)
