"""Draw frames of every data set of the study."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.data.manifest import read_manifest
    from uscl.report.figures.contact_sheet import contact_sheet
    from uscl.report.figures.style import save

    manifests = [read_manifest(Path(path)) for path in snakemake.input.manifests]
    roots = [Path(root) for root in snakemake.params.roots]
    save(contact_sheet(manifests, roots, snakemake.params.seed), Path(snakemake.output[0]))
