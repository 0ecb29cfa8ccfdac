"""Compute a row of the table again, from nothing, and report whether it is the same."""

import shutil
from pathlib import Path

from uscl.jobs.job import job

with job(snakemake, result=False):
    from uscl.base.errors import UserError
    from uscl.base.tables import read_csv
    from uscl.checks.verify import differences, listed, made_elsewhere, named, recompute

    params, config = snakemake.params, snakemake.config
    results, scratch = Path(params.results), Path(params.results, "verify")
    if not (results / "table.csv").is_file():
        raise UserError(f"There is no {results}/table.csv to verify: run the study first.")
    table = read_csv(results / "table.csv")
    name = named(config.get("verify"), table)
    recompute(name, config, params.seeds, Path(params.snakefile), params.cores, scratch)
    settings = {"seeds": params.seeds, "draws": params.draws, "seed": params.seeds[0]}
    found = differences(name, table, results, scratch, params.kinds[name.task], params.levels[name.task], **settings)
    row = "/".join(name)
    if found:
        raise UserError(
            f"{row} is not the same: {listed(found)}.{made_elsewhere(table, name)} The new results are in {scratch}."
        )
    shutil.rmtree(scratch)
    print(f"{row}, computed again from nothing: encoders, predictions and every number of the table are the same.")
