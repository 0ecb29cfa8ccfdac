"""Create the MLflow store and its experiments, once, before anything is logged."""

from pathlib import Path

from uscl.job import job

with job(snakemake):
    from uscl.files import write_text
    from uscl.tracking import create_store

    experiments = snakemake.params.experiments
    create_store(Path(snakemake.output.database), experiments)
    write_text(Path(snakemake.output.ready), "\n".join(experiments) + "\n")
