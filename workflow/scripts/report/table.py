"""Write the result tables, the claims, the costs and the published figures from what every cell left behind."""

import json
from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.base.files import write_text, written
    from uscl.report.tables.claims import claims, claims_markdown
    from uscl.report.tables.costs import costs_table
    from uscl.report.tables.latex import latex
    from uscl.report.tables.markdown import markdown
    from uscl.report.tables.published import reported, reported_markdown
    from uscl.report.tables.result_table import result_table
    from uscl.report.tables.sources import best_on_test_scores, by_evaluation, provenance

    given, out, params = snakemake.input, snakemake.output, snakemake.params
    cells, encoders = ([json.loads(Path(path).read_text()) for path in given[name]] for name in ("cells", "encoders"))
    verdict = json.loads(Path(given.verdict).read_text(encoding="utf-8"))
    evaluations = [tuple(pair) for pair in params.evaluations]
    intervals, comparisons = (
        by_evaluation(dict(zip(evaluations, given[name], strict=True))) for name in ("intervals", "comparisons")
    )
    costs = costs_table(encoders, cells)
    table = result_table(
        intervals,
        comparisons,
        best_on_test_scores(cells, given.best_on_test),
        costs,
        provenance(cells, {task: verdict["leaks"][dataset] for task, dataset in params.datasets.items()}),
        labelled=params.labelled,
        reference=params.reference,
        missing=[(None, *evaluation) for evaluation in params.missing],
    )
    said = claims(comparisons)
    published = reported(table, params.methods)
    for name, frame in {"csv": table, "claims": said, "costs": costs, "reported": published}.items():
        with written(Path(out[name])) as path:
            frame.to_csv(path, index=False, float_format="%.6f")
    write_text(Path(out.markdown), markdown(table, said, params.study, costs=costs))
    write_text(Path(out.latex), latex(table, params.study))
    write_text(Path(out.claims_markdown), claims_markdown(said, params.draws))
    write_text(Path(out.reported_markdown), reported_markdown(published))
