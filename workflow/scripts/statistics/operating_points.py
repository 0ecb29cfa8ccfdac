"""Sensitivity at fixed specificities, and the reverse, from the scored cases of an evaluation."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.files import written
    from uscl.base.tables import read_parquet
    from uscl.stats.level_tables import each_level
    from uscl.stats.levels import Asked, by_level
    from uscl.stats.operating_points import operating_points

    params = snakemake.params
    frames = read_parquet(snakemake.input.cases)
    levels = by_level(frames, params.kind, Asked(**params.levels), snakemake.wildcards.task)
    settings = {"draws": params.draws, "seed": params.seed}
    table = each_level(levels, lambda cases: operating_points(cases, params.points, **settings))
    with written(Path(snakemake.output[0])) as path:
        table.to_csv(path, index=False)
