"""Write the report of the study: the whole page, and its tables and claims as pages of their own."""

from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.files import write_text
    from uscl.base.tables import read_csv
    from uscl.jobs.commit import PROJECT
    from uscl.jobs.outcome import runs_of
    from uscl.jobs.run_record import read_record
    from uscl.report.page.markdown import html_of
    from uscl.report.page.page import Asked, claims_page, report_page, table_page
    from uscl.report.page.sections import Place, sections
    from uscl.report.tables.sources import records_of

    given, out, params = snakemake.input, snakemake.output, snakemake.params
    asked = Asked(**params.asked)
    evaluations = {(task, regime): arms for task, regime, arms in params.evaluations}
    tables = {name: read_csv(given[name]) for name in ("table", "claims", "costs")}
    there = (params.datasets, params.figures, bool(given.external))
    place = Place(Path(out.page).parent, evaluations, params.encoded, asked.seeds, *there)
    cells, _ = records_of(given.cells, evaluations, asked.seeds)
    encoders = runs_of(given.encoders, params.encoded, asked.seeds).done.values()
    records = [read_record(folder) for folder in encoders]
    parts = sections(place, given.encoders, [*records, *cells], tables, snakemake.config, PROJECT / "CITATION.cff")
    write_text(Path(out.page), report_page(asked, tables["table"], tables["claims"], parts))
    write_text(Path(out.table), table_page(asked, tables["table"], tables["claims"]))
    text = html_of(Path(given.claims_text).read_text(encoding="utf-8"), lower=1, title=False)
    write_text(Path(out.claims), claims_page(asked, tables["claims"], text))
