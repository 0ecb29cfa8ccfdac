"""Look for pictures of the tasks' sets in the pool, and put all findings of the study together."""

import json
from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    import pandas as pd

    from uscl.audit.checks import across
    from uscl.audit.duplicates import Audited
    from uscl.audit.findings import FINDINGS, read_findings
    from uscl.audit.given_parts import leaky_splits
    from uscl.audit.hashes import read_hashes
    from uscl.audit.points import read_points
    from uscl.audit.policy import LEFT_OUT, decide_pool, read_units, summary, verdict, without_left_out
    from uscl.base.files import write_text
    from uscl.data.manifest import write_table
    from uscl.data.store import FrameStore
    from uscl.report.pages.audit_page import audit_page

    given, out, params = snakemake.input, snakemake.output, snakemake.params
    stores = {
        dataset: FrameStore.open(Path(path).parent) for dataset, path in zip(params.datasets, given.frames, strict=True)
    }
    audited = {
        dataset: Audited(dataset, stores[dataset].manifest, read_hashes(Path(hashes)), read_points(Path(points)))
        for dataset, hashes, points in zip(params.datasets, given.hashes, given.points, strict=True)
    }
    tables = [read_findings(Path(path)) for path in (*given.findings, *given.text)]
    pairs = [(pool, task) for pool in params.pool for task in params.datasets if task != pool]
    between = [
        across(audited[pool], audited[task], one_namespace=params.namespaces[pool] == params.namespaces[task])
        for pool, task in pairs
    ]
    pictures = {dataset: len(one.points.rows) for dataset, one in audited.items()}
    compared = pictures | {f"{pool} and {task}": pictures[pool] + pictures[task] for pool, task in pairs}
    left_out, leaks = decide_pool(pd.concat([tables[0].head(0), *between], ignore_index=True), params.policy)
    # Nothing is trained on an external set, so its own policy can't fix what training has seen.
    tested = [
        across(audited[task], audited[external], one_namespace=params.namespaces[external] == params.namespaces[task])
        for external, task in params.external
    ]
    seen = [found.assign(scope="task and external", action="stop") for found in tested]
    compared |= {f"{task} and {external}": pictures[task] + pictures[external] for external, task in params.external}
    findings = pd.concat([*tables, leaks, *seen], ignore_index=True)
    units = pd.concat([read_units(Path(path)) for path in given.units], ignore_index=True)
    for pool in params.pool:
        of_pool = units["dataset"] == pool
        units = pd.concat([units[~of_pool], without_left_out(units[of_pool], left_out)], ignore_index=True)
    found = verdict(findings) | {"leaks": {dataset: summary(findings, dataset) for dataset in params.datasets}}
    found |= {"leaky_splits": leaky_splits(findings)}
    write_table(findings, FINDINGS, Path(out.csv))
    write_table(left_out, LEFT_OUT, Path(out.left_out))
    write_text(Path(out.page), audit_page(findings, units, stores, found, compared))
    write_text(Path(out.verdict), json.dumps(found, indent=2, sort_keys=True) + "\n")
