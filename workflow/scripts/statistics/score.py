"""Score all cells of an evaluation from their stored predictions, and compare the arms."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.files import written
    from uscl.jobs.outcome import runs_of
    from uscl.report.tables.cases import one_row_per_case
    from uscl.stats.evaluation import score_runs
    from uscl.stats.summary import comparisons, intervals
    from uscl.stats.trainings import trainings

    params, out = snakemake.params, snakemake.output
    runs = runs_of(snakemake.input.outcomes, params.arms, params.seeds)
    scored = score_runs(runs.done.values(), params.kind)
    settings = {"draws": params.draws, "seed": params.seed}
    pairs = [tuple(pair) for pair in params.pairs if set(pair) <= set(runs.arms)]
    tables = {
        "metrics": scored.metrics,
        "trainings": trainings(scored.cases, params.kind),
        "intervals": intervals(scored.cases, params.kind, **settings),
        "comparisons": comparisons(scored.cases, params.kind, pairs, **settings, form=params.form),
        "side_by_side": one_row_per_case(scored.cases),
    }
    with written(Path(out.cases)) as path:
        scored.cases.to_parquet(path, index=False)
    for name, table in tables.items():
        with written(Path(out[name])) as path:
            table.to_csv(path, index=False)
