"""Decode a data set's files into a frame store with manifest."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.data.extract import extract

    extract(
        snakemake.wildcards.dataset,
        snakemake.params.reader,
        Path(snakemake.params.root),
        Path(snakemake.output.frames).parent,
        size=snakemake.params.size,
        options=snakemake.params.options,
        expected=snakemake.params.expected,
        rate_hz=snakemake.params.rate_hz,
        max_frames=snakemake.params.max_frames,
        on_bad_video=snakemake.params.on_bad_video,
        workers=snakemake.threads,
    )
