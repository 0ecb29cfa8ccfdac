"""A study of several levels in all tables: each level has rows and sections of its own, frames none but theirs."""

import pandas as pd
import study_frames as frames

from uscl.report.page.answer import answer, question
from uscl.report.page.grids import columns, details, scores
from uscl.report.tables.claims import claims, claims_markdown
from uscl.report.tables.latex import latex
from uscl.report.tables.markdown import markdown
from uscl.report.tables.published import reported
from uscl.report.tables.result_table import COLUMNS, result_table
from uscl.stats.level_names import LEVELS

PATIENTS = {("pocus", "knn", "macro_f1"): {"imagenet": 0.6, "uscl": 0.9}}
FRAMES = {("pocus", "knn", "macro_f1"): {"imagenet": 0.7, "uscl": 0.6}}
BUSI = {("busi", "knn", "macro_f1"): {"imagenet": 0.5, "uscl": 0.4}}
ON_PATIENTS = {"arm": "uscl", "reference": "imagenet", "task": "pocus", "regime": "knn", "metric": "macro_f1"}
ON_PATIENTS |= {"level": "patient"}


def study(primary=(ON_PATIENTS,)):
    """The table and the claims of two tasks, one of them by patient first and by frame."""
    parts = [(PATIENTS, "patient"), (FRAMES, "frame"), (BUSI, "frame")]
    tables = [[table.assign(level=level) for table in frames.study(means, 0.001)] for means, level in parts]
    intervals, comparisons = (pd.concat(each, ignore_index=True) for each in zip(*tables, strict=True))
    rule = intervals["level"].map({"patient": "mean_probability"})
    intervals = intervals.assign(level_rule=rule, left_out=intervals["level"].map({"patient": 2, "frame": 0}))
    found = claims(comparisons, primary)
    costs, made = frames.costs(intervals), frames.provenance(intervals)
    options = {"arms": ["imagenet", "uscl", "broken"], "labelled": [], "reference": "imagenet"}
    missing = [("broken", "pocus", "knn", "it failed")]
    return result_table(intervals, comparisons, found, costs, made, **options, missing=missing), found


def test_the_table_has_a_row_per_level_the_main_one_first_and_ranks_within():
    table, _ = study()
    rows = table[(table["task"] == "pocus") & table["metric"].notna()]
    shown = rows[["arm", "level", "rank", "difference"]].round(3).astype(object)
    assert shown.where(shown.notna(), "-").to_numpy().tolist() == [
        ["imagenet", "patient", 2.0, "-"],
        ["imagenet", "frame", 1.0, "-"],
        ["uscl", "patient", 1.0, 0.3],
        ["uscl", "frame", 2.0, -0.1],
    ]
    assert table["better_than"].dropna().to_dict() == {int(rows.index[2]): "imagenet"}
    assert rows["left_out"].tolist() == [2, 0, 2, 0]


def test_frames_alone_have_the_columns_that_they_always_had():
    intervals, comparisons = frames.study(BUSI, 0.001)
    given = intervals, comparisons, claims(comparisons), frames.costs(intervals), frames.provenance(intervals)
    table = result_table(*given, arms=["imagenet", "uscl"], labelled=[], reference="imagenet", missing=[])
    assert list(table) == COLUMNS
    text = markdown(table, given[2], "s") + latex(table, "s")
    assert not any(f"per {level}" in text for level in LEVELS)
    assert [row["level"] for row in details(table, given[2])] == ["frame", "frame"]


def test_readers_see_a_section_per_level_with_its_rule_and_what_is_left_out():
    table, claimed = study()
    text = markdown(table, claimed, "s")
    by_patient = text.split("## pocus, knn, per patient\n")[1].split("## ")[0]
    assert "The class probabilities of a patient are the mean over its frames." in by_patient
    assert "2 left out, whose frames have several classes." in by_patient
    assert "**90.0 ± 2.0" in by_patient
    assert "| broken   | missing" in by_patient
    assert "**" not in text.split("## pocus, knn\n")[1].split("## ")[0]
    tex = latex(table, "s")
    assert tex.count(r"\begin{table}") == 3
    assert r"\label{tab:pocus-knn-patient}" in tex
    assert "pocus (knn, per patient)" in tex


def test_claims_and_answer_name_the_level():
    claimed = study()[1]
    sentence = "uscl against imagenet on pocus (knn, per patient), macro-F1: +30.0 points"
    assert claimed["sentence"].iloc[0].startswith(sentence)
    assert claimed["level"].tolist() == ["patient", "frame", "frame"]
    assert claimed["verdict"].fillna("").tolist() == ["better", "", ""]
    assert "### pocus, knn\n" in claims_markdown(claimed)
    assert "does uscl differ from imagenet on pocus (knn, per patient)?" in question(["pocus"], [ON_PATIENTS])
    assert "uscl is better than imagenet on pocus (knn, per patient), by 30.0" in answer(claimed)[0]
    others = claims_markdown(study(primary=[])[1])
    assert "### pocus, knn, per patient\n" in others
    assert "### pocus, knn\n" in others


def test_the_page_shows_the_main_level_and_what_is_primary_and_all_in_the_details():
    table, claimed = study()
    found = [column[:4] for column in columns(table, claimed)]
    assert found == [("pocus", "knn", "patient", "macro_f1"), ("busi", "knn", "frame", "macro_f1")]
    assert columns(table, claimed)[0].place == "knn, per patient"
    on_frames = study(primary=[ON_PATIENTS | {"level": "frame"}])
    assert [column.level for column in columns(*on_frames) if column.task == "pocus"] == ["patient", "frame"]
    lines = {arm: line for arm, _, line in scores(table, claimed)}
    assert [score.text for score in lines["uscl"]] == ["90.0 ± 2.0", "40.0 ± 2.0"]
    assert lines["broken"] == [None, None]
    assert [row["level"] for row in details(table, claimed)].count("patient") == 2


def test_published_values_stand_next_to_those_by_frame():
    table, _ = study()
    as_accuracy = table.assign(metric=table["metric"].replace("macro_f1", "accuracy"), regime="finetune")
    authors = pd.DataFrame(columns=["task", "arm", "metric", "value", "lowest", "highest", "n_seeds", "reason"])
    found = reported(as_accuracy, {"uscl": "uscl"}, authors, inputs={"uscl": ("e", 64)})
    assert found["finetune_mean"].dropna().tolist() == [0.6]
