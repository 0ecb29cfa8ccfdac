"""Stop the study if the audit found a leak that its policy doesn't fix."""

import json
from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.audit.findings import read_findings
    from uscl.audit.policy import stop_message
    from uscl.base.errors import UserError
    from uscl.base.files import write_text

    verdict = json.loads(Path(snakemake.input.verdict).read_text(encoding="utf-8"))
    if not verdict["passed"]:
        raise UserError(stop_message(read_findings(Path(snakemake.input.csv)), snakemake.input.page))
    write_text(Path(snakemake.output.passed), verdict["sentence"] + "\n")
