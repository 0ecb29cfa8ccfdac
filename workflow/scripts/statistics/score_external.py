"""Score the predictions of an external set by all cells of an evaluation, and compare the arms."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    import pandas as pd

    from uscl.base.files import written
    from uscl.base.tables import read_parquet
    from uscl.jobs.outcome import runs_of
    from uscl.jobs.recorded import checked
    from uscl.metrics.scores import CELL, case_scores
    from uscl.stats.external import by_level_and_model, counted_once
    from uscl.stats.level_tables import write_each_level
    from uscl.stats.levels import Asked
    from uscl.stats.summary import comparisons, intervals
    from uscl.stats.trainings import trainings

    params, given, out, kind = snakemake.params, snakemake.input, snakemake.output, snakemake.params.kind
    runs = runs_of(given.outcomes, params.arms, params.seeds)
    files = zip(given.outcomes, given.predictions, strict=True)
    done = [Path(file) for outcome, file in files if Path(outcome).parent in runs.done.values()]
    scored = [case_scores(read_parquet(checked(file)), kind) for file in done]
    frames, asked = pd.concat(scored or [pd.DataFrame(columns=CELL)], ignore_index=True), Asked(**params.levels)
    models, cases = frames["fold"].nunique(), by_level_and_model(frames, kind, asked, snakemake.wildcards.task)
    settings = {"draws": params.draws, "seed": params.seed}
    pairs = [tuple(pair) for pair in params.pairs if set(pair) <= set(runs.arms)]
    found = {
        "trainings": lambda cases: trainings(cases, kind),
        "intervals": lambda cases: counted_once(intervals(cases, kind, **settings), models),
        "comparisons": lambda cases: counted_once(
            comparisons(cases, kind, pairs, **settings, form=params.form), models
        ),
    }
    with written(Path(out.cases)) as path:
        frames.to_parquet(path, index=False)
    write_each_level(out, found, cases, frames, asked)
