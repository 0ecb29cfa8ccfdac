"""Look for text that is burnt into the pictures of a data set."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.audit.findings import FINDINGS
    from uscl.audit.text import text_findings
    from uscl.data.manifest import read_manifest, write_table

    manifest = read_manifest(Path(snakemake.input.manifest))
    root, workers = Path(snakemake.params.root), snakemake.threads
    write_table(
        text_findings(snakemake.wildcards.dataset, manifest, root, workers),
        FINDINGS,
        Path(snakemake.output.findings),
    )
