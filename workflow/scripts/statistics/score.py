"""Score all cells of an evaluation from their stored predictions, and compare the arms."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.files import written
    from uscl.base.tables import defused
    from uscl.jobs.outcome import runs_of
    from uscl.report.tables.cases import one_row_per_case
    from uscl.stats.evaluation import cases_of, fold_metrics
    from uscl.stats.level_tables import write_each_level
    from uscl.stats.levels import Asked, by_level
    from uscl.stats.native_scores import Native
    from uscl.stats.summary import comparisons, intervals
    from uscl.stats.trainings import trainings

    params, out, kind = snakemake.params, snakemake.output, snakemake.params.kind
    runs = runs_of(snakemake.input.outcomes, params.arms, params.seeds)
    store = [Path(file).parent for file in snakemake.input.native[:1]]
    native = Native.of_store(store[0], **params.native) if store else None
    frames, asked = cases_of(runs.done.values(), kind, native), Asked(**params.levels)
    cases = by_level(frames, kind, asked, snakemake.wildcards.task)
    settings = {"draws": params.draws, "seed": params.seed}
    pairs = [tuple(pair) for pair in params.pairs if set(pair) <= set(runs.arms)]
    found = {
        "metrics": lambda cases: fold_metrics(cases, kind),
        "trainings": lambda cases: trainings(cases, kind),
        "intervals": lambda cases: intervals(cases, kind, **settings),
        "comparisons": lambda cases: comparisons(cases, kind, pairs, **settings, form=params.form),
        "side_by_side": lambda cases: defused(one_row_per_case(cases)),
    }
    with written(Path(out.cases)) as path:
        frames.to_parquet(path, index=False)
    write_each_level(out, found, cases, frames, asked)
