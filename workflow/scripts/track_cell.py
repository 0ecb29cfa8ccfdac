"""Log a cell's runs to MLflow, from its files."""

from pathlib import Path

from uscl.job import job

with job(snakemake, result=False):
    from uscl.tracking import track

    def read():
        from uscl.tracking_files import cell_run

        return cell_run(Path(snakemake.input.record).parent)

    params = snakemake.params
    track(Path(params.results), params.address, params.study, read, Path(snakemake.output.runs))
