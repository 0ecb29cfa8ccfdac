"""Tables of external tests: rows of their own, next to those of the task's own folds, which stay as they are."""

import pandas as pd
import study_frames as frames

from uscl.report.figures.overview import overview
from uscl.report.tables.claims import claims
from uscl.report.tables.external import NOT_TESTED, external_markdown, external_table, in_overview
from uscl.report.tables.result_table import COLUMNS, result_table
from uscl.stats.level_tables import with_level

OWN = {("busi", "knn", "macro_f1"): {"imagenet": 0.6, "uscl": 0.9}}
OTHER = {("busi on clinic", "knn", "macro_f1"): {"imagenet": 0.5, "uscl": 0.7}}
TEST = {"name": "busi on clinic", "task": "busi", "regime": "knn", "dataset": "clinic", "arms": ["imagenet", "uscl"]}
PRIMARY = {"arm": "uscl", "reference": "imagenet", "task": "busi on clinic", "regime": "knn", "metric": "macro_f1"}
OPTIONS = {"arms": ["imagenet", "uscl", "given"], "labelled": [], "reference": "imagenet"}


def record(arm):
    params = {"arm": arm, "task": "busi", "regime": "knn", "seed": 0}
    origin = dict.fromkeys(("commit", "config_sha256", "data_sha256"), "x")
    return {"name": f"busi/knn/{arm}/seed0", "params": params, "hardware": {"cpu": "c", "gpu": ""}, **origin}


def study():
    (own, compared), (other, compared_there) = frames.study(OWN, 0.5), frames.study(OTHER, 0.001)
    found = claims(pd.concat([with_level(each) for each in (compared, compared_there)]), [PRIMARY])
    given = own, compared, found, frames.costs(own), frames.provenance(own)
    table = result_table(*given, **OPTIONS, missing=[("given", "busi", "knn", "it failed")])
    missing = [(None, "busi", "linear", "not among its regimes")]
    cells = [record("imagenet"), record("uscl")]
    external = external_table([TEST], other, compared_there, found, cells, {"clinic": "none"}, missing, **OPTIONS)
    return table, external, found


def test_external_rows_name_their_set_and_have_ranks_differences_and_verdicts_of_their_own():
    table, external, _ = study()
    assert list(external) == [*COLUMNS[:5], "test_set", *COLUMNS[5:]]
    assert set(external["task"]) == {"busi"}
    assert set(external["test_set"]) == {"clinic"}
    scored = external[external["metric"].notna()].set_index("arm")
    assert scored["mean"].to_dict() == {"imagenet": 0.5, "uscl": 0.7}
    assert round(scored.loc["uscl", "difference"], 6) == 0.2
    assert scored.loc["uscl", "better_than"] == "imagenet"
    assert set(scored["leaks"]) == {"none"}
    assert table["better_than"].isna().all()
    assert external.loc[external["arm"] == "given", "reason"].tolist() == [NOT_TESTED]


def test_both_scores_are_side_by_side():
    table, external, _ = study()
    lines = external_markdown(table, external, {}).splitlines()
    assert "## busi on clinic, knn" in lines
    (line,) = (line for line in lines if line.startswith("| uscl") and "-20.0" in line)
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "uscl", "90.0 ± 2.0 [85.0, 95.0]", "70.0 ± 2.0 [65.0, 75.0]", "-20.0",
    ]  # fmt: skip


def test_the_overview_has_a_panel_of_the_set_next_to_that_of_its_task():
    table, external, _ = study()
    rows = in_overview(with_level(table), with_level(external))
    figure = overview(rows[rows["metric"] == "macro_f1"], ["imagenet", "uscl"])
    assert [axis.get_title() for axis in figure.axes[:2]] == ["busi, knn", "busi on clinic, knn"]
