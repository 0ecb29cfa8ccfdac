"""Log an encoder's pretraining run to MLflow, from its files."""

import json
from pathlib import Path

import pandas as pd

from uscl.job import job

with job(snakemake):
    from uscl.files import write_text
    from uscl.tracking import log_run, open_store

    given = snakemake.input
    history = [path for path in given.more if path.endswith("history.csv")]
    record = json.loads(Path(given.record).read_text(encoding="utf-8"))
    run = log_run(
        open_store(Path(snakemake.params.database)),
        snakemake.params.experiment,
        record,
        history=pd.read_csv(history[0]) if history else None,
        artifacts=[Path(given.encoder), *(Path(path) for path in given.more)],
    )
    write_text(Path(snakemake.output.runs), json.dumps({record["name"]: run}, indent=2) + "\n")
