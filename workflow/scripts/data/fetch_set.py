"""Download a public data set, unless its folder is there."""

import json
from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.files import write_text
    from uscl.data.sources.fetch import fetch

    record = fetch(
        snakemake.wildcards.dataset,
        snakemake.params.entry,
        Path(snakemake.params.folder),
        mirror=snakemake.params.mirror,
        without=snakemake.params.without,
    )
    write_text(Path(snakemake.output.record), json.dumps(record, indent=2, sort_keys=True) + "\n")
