"""Write the result tables, the claims, the costs and the published values from the results of all cells."""

import json
from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    import pandas as pd

    from uscl.base.files import write_text, written
    from uscl.base.tables import read_csv
    from uscl.report.tables.authors_protocol import by_authors_protocol
    from uscl.report.tables.claims import claims, claims_markdown
    from uscl.report.tables.costs import costs_table
    from uscl.report.tables.external import external_markdown, external_table
    from uscl.report.tables.given_splits import splits_of
    from uscl.report.tables.latex import latex
    from uscl.report.tables.markdown import markdown
    from uscl.report.tables.published import reported, reported_markdown
    from uscl.report.tables.result_table import result_table
    from uscl.report.tables.sources import by_evaluation, mixed_packages, provenance, records_of
    from uscl.report.tables.training_checks import (
        checked_trainings,
        remarks_of_arms,
        remarks_of_files,
        remarks_of_pairs,
    )

    given, out, params = snakemake.input, snakemake.output, snakemake.params
    evaluations = {(task, regime): arms for task, regime, arms in params.evaluations}
    encoders, _ = records_of(given.encoders, {("pretrain", ""): params.encoded}, params.seeds)
    cells, failed = records_of(given.cells, evaluations, params.seeds)
    verdict = json.loads(Path(given.verdict).read_text(encoding="utf-8"))
    intervals, comparisons = (
        by_evaluation(dict(zip(evaluations, given[name], strict=True))) for name in ("intervals", "comparisons")
    )
    splits = splits_of(list(params.datasets), params.given, params.datasets, verdict["leaky_splits"])
    costs = costs_table(encoders, cells)
    checked = checked_trainings(given.encoders, params.encoded, params.seeds)
    pairs = set(comparisons[["arm", "reference"]].itertuples(index=False, name=None))
    about_pairs = remarks_of_pairs(pairs, checked, params.methods)
    external = [
        by_evaluation({(test["name"], test["regime"]): path for test, path in zip(params.external, paths, strict=True)})
        for paths in (given.external_intervals, given.external_comparisons)
        if params.external
    ]
    compared = pd.concat([comparisons, *external[1:], *map(read_csv, given.endpoints)], ignore_index=True)
    all_claims = claims(compared, params.primary, params.margins, about_pairs)
    about_arms = remarks_of_arms(checked) | remarks_of_files(encoders)
    of_arms = {
        "arms": params.arms,
        "labelled": params.labelled,
        "remarks": {arm: [*params.remarks[arm], *about_arms.get(arm, ())] for arm in params.arms},
        "at_chance": [arm for arm, of_arm in checked.items() if of_arm.not_learned],
        "reference": params.reference,
    }
    missing = [*failed, *map(tuple, params.missing)]
    origin = provenance(cells, {task: verdict["leaks"][dataset] for task, dataset in params.datasets.items()})
    table = result_table(intervals, comparisons, all_claims, costs, origin, missing=missing, splits=splits, **of_arms)
    if params.external:
        on_others = external_table(params.external, *external, all_claims, cells, verdict["leaks"], missing, **of_arms)
        with written(Path(out.external[0])) as path:
            on_others.to_csv(path, index=False, float_format="%.6f")
        write_text(Path(out.external[1]), external_markdown(table, on_others, params.regimes))
    authors = by_authors_protocol(given.authors, params.authors_tasks, params.encoded, params.seeds)
    published = reported(table, params.methods, authors, inputs=params.inputs)
    for name, frame in {"csv": table, "claims": all_claims, "costs": costs, "reported": published}.items():
        with written(Path(out[name])) as path:
            frame.to_csv(path, index=False, float_format="%.6f")
    mixed = mixed_packages([*encoders, *cells])
    words = {"regimes": params.regimes, "simulated": params.simulated, "mixed": mixed}
    write_text(Path(out.markdown), markdown(table, all_claims, params.study, costs=costs, **words))
    write_text(Path(out.latex), latex(table, params.study))
    write_text(
        Path(out.claims_markdown),
        claims_markdown(all_claims, failed, params.margins, simulated=params.simulated, splits=splits),
    )
    write_text(Path(out.reported_markdown), reported_markdown(published))
