"""Decode a data set's files into a frame store with manifest."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.data.extract import extract

    reading = dict(snakemake.params.reading)
    del reading["fingerprint"]  # only for Snakemake, which sees no change inside a folder
    extract(
        snakemake.wildcards.dataset,
        reading.pop("reader"),
        Path(reading.pop("root")),
        Path(snakemake.output.frames).parent,
        **reading,
        workers=snakemake.threads,
    )
