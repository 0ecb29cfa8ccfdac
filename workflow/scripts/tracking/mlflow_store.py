"""Create the MLflow store and its experiments, once, before anything is logged."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake, result=False):
    from uscl.tracking.track import make_store

    params, output = snakemake.params, snakemake.output
    make_store(Path(params.results), params.address, params.experiments, Path(output.ready))
    for database in [output.database] if output.database else []:
        Path(database).touch()  # there even if it can't be used
