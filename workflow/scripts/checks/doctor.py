"""Print on one page what the study needs, what is there, and how long it will take."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.checks.doctor.page import page
    from uscl.checks.doctor.report import examine
    from uscl.checks.expectations import groups_of

    params = snakemake.params
    report = examine(
        snakemake.config,
        registry=params.registry,
        sets=params.datasets,
        results=Path(params.results),
        lock=Path(snakemake.input.lock),
        snakefile=Path(params.snakefile),
        options=params.options,
        cores=params.cores,
        expected=params.expected,
        groups=groups_of(params.groups, params.splits),
        pretraining=params.pretraining,
    )
    print(page(report))
