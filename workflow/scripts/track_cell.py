"""Log a cell's runs to MLflow, from its files."""

import json
from pathlib import Path

import pandas as pd

from uscl.job import job

with job(snakemake):
    from uscl.files import write_text
    from uscl.tracking import log_cell, open_store

    given = snakemake.input
    runs = log_cell(
        open_store(Path(snakemake.params.database)),
        snakemake.params.experiment,
        json.loads(Path(given.record).read_text(encoding="utf-8")),
        pd.read_csv(given.history),
        pd.read_csv(given.metrics),
        Path(given.figures),
    )
    write_text(Path(snakemake.output.runs), json.dumps(runs, indent=2) + "\n")
