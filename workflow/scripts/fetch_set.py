"""Download a public data set, unless its folder is there."""

import json
from pathlib import Path

from uscl.job import job

with job(snakemake):
    from uscl.data.fetch import fetch
    from uscl.files import write_text

    record = fetch(
        snakemake.wildcards.dataset,
        snakemake.params.entry,
        Path(snakemake.params.folder),
        mirror=snakemake.params.mirror,
        without=snakemake.params.without,
    )
    write_text(Path(snakemake.output.record), json.dumps(record, indent=2, sort_keys=True) + "\n")
