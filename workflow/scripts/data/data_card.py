"""Write the card of a data set, with a contact sheet."""

import json
from pathlib import Path

from uscl.jobs.job import job

with job(snakemake):
    from uscl.audit.findings import read_findings
    from uscl.audit.policy import read_left_out, read_units, without_left_out
    from uscl.base.files import write_text
    from uscl.data.manifest import read_problems
    from uscl.data.splits import task_cases
    from uscl.data.store import FrameStore
    from uscl.report.figures.contact_sheet import contact_sheet
    from uscl.report.figures.style import save
    from uscl.report.page.markdown import html_of
    from uscl.report.page.rendering import text_page
    from uscl.report.pages.card_counts import Use, source_sizes
    from uscl.report.pages.data_card import data_card

    w, given, out, params = snakemake.wildcards, snakemake.input, snakemake.output, snakemake.params
    root, store = Path(params.root), FrameStore.open(Path(given.frames).parent)
    lacking = {"classification": "a label", "segmentation": "a lesion in the mask"}
    uses = {task: Use(task_cases(store, kind), lacking[kind]) for task, kind in params.kinds.items()}
    units = read_units(Path(given.units))
    if params.pool:
        uses["pretraining"] = Use(store.manifest, "")
        units = without_left_out(units, read_left_out(Path(given.left_out)))
    records = [json.loads(Path(path).read_text(encoding="utf-8")) for path in given.fetched]
    card = data_card(
        w.dataset,
        params.entry,
        store.manifest,
        read_problems(Path(given.problems)),
        units,
        read_findings(Path(given.findings)),
        uses,
        {
            **params.settings,
            "folder": str(root),
            "sheet": Path(out.sheet).name,
            "record": next(iter(records), None),
            "empty_masks": None if store.masks is None else int((~store.masks.any(axis=(1, 2))).sum()),
        },
        source_sizes(store.manifest, root),
    )
    save(contact_sheet([store.manifest], [root], params.seed), Path(out.sheet))
    write_text(Path(out.card), card)
    write_text(Path(out.page), text_page(f"Data card: {w.dataset}", html_of(card)))
