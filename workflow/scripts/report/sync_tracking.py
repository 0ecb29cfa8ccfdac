"""Log to MLflow the finished and failed runs that its store lacks, from their result files."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake, result=False):
    from uscl.base.errors import UserError
    from uscl.tracking.mirror import sync

    params = snakemake.params
    if snakemake.config["tracking"] == "none":
        raise UserError("Config: tracking is none: set it to mlflow to log the study's runs.")
    print(sync(Path(params.results), params.address, params.study))
