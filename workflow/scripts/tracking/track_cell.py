"""Log a cell's runs to MLflow, from its files."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake, result=False):
    from uscl.tracking.track import track

    def read():
        from uscl.tracking.read_runs import cell_run

        return cell_run(Path(snakemake.input.record).parent)

    params = snakemake.params
    track(Path(params.results), params.address, params.study, read, Path(snakemake.output.runs))
