"""Write a simulated data set: real video files or images with masks."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.simulator import write_set

    write_set(out=Path(snakemake.output.raw), **snakemake.params.settings)
