"""Points of the pictures of a data set, by which the audit finds changed copies."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.audit.arrays import write_arrays
    from uscl.audit.pictures import points_of_set
    from uscl.data.manifest import read_manifest

    manifest = read_manifest(Path(snakemake.input.manifest))
    found = points_of_set(manifest, Path(snakemake.params.root), snakemake.threads)
    write_arrays(found, Path(snakemake.output.points))
