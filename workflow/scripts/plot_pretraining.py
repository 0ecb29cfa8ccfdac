"""Draw the loss and the learning rate of a pretraining."""

from pathlib import Path

import pandas as pd

from uscl.job import job

with job(snakemake.log[0]):
    from uscl.report.style import save
    from uscl.report.training import pretraining_curve

    history = pd.read_csv(snakemake.input.history)
    save(pretraining_curve(history, snakemake.wildcards.arm), Path(snakemake.output.curve))
