"""Write the result table from the metrics of all cells."""

from pathlib import Path

import pandas as pd

from uscl.job import job

with job(snakemake.log[0]):
    from uscl.files import write_text, written
    from uscl.report.tables import markdown, summarise

    table = summarise(pd.concat(map(pd.read_csv, snakemake.input.metrics)), snakemake.params.labelled)
    with written(Path(snakemake.output.csv)) as path:
        table.to_csv(path, index=False, float_format="%.6f")
    write_text(Path(snakemake.output.markdown), markdown(table, snakemake.params.study))
