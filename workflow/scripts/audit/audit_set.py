"""Look for the same picture in several groups of a data set, and decide what to do about it."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.audit.checks import within
    from uscl.audit.duplicates import Audited
    from uscl.audit.findings import FINDINGS
    from uscl.audit.given_parts import between_parts
    from uscl.audit.hashes import read_hashes
    from uscl.audit.points import read_points
    from uscl.audit.policy import UNITS, decide
    from uscl.data.manifest import read_manifest, write_table

    given, out, params = snakemake.input, snakemake.output, snakemake.params
    manifest = read_manifest(Path(given.manifest))
    hashes, points = read_hashes(Path(given.hashes)), read_points(Path(given.points))
    audited = Audited(snakemake.wildcards.dataset, manifest, hashes, points)
    units, findings = decide(within(audited, tested=params.tested), manifest, params.policy)
    if params.given:
        findings = between_parts(findings, units, manifest, **params.given)
    write_table(findings, FINDINGS, Path(out.findings))
    write_table(units, UNITS, Path(out.units))
