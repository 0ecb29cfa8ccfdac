"""Tasks with a given split in all tables: a column and sentences of their own, others none."""

import study_frames as frames

from uscl.report.tables.claims import claims, claims_markdown
from uscl.report.tables.given_splits import LEAKS, MEANING
from uscl.report.tables.markdown import markdown
from uscl.report.tables.result_table import COLUMNS, result_table

SCORES = {(task, "knn", "macro_f1"): {"imagenet": 0.6, "uscl": 0.9} for task in ("pocus", "busi", "liver")}
SPLITS = {"pocus": "given", "busi": "drawn", "liver": "given, with leaks"}


def study(splits):
    intervals, comparisons = frames.study(SCORES, 0.5)
    found = claims(comparisons, [])
    given = intervals, comparisons, found, frames.costs(intervals), frames.provenance(intervals)
    options = {"arms": ["imagenet", "uscl"], "labelled": [], "reference": "imagenet", "missing": []}
    return result_table(*given, **options, splits=splits), found


def sections(text):
    return {part.split(",")[0]: " ".join(part.split()) for part in text.split("\n## ")[1:]}


def test_the_column_and_the_sections_say_how_each_task_is_divided():
    table, found = study(SPLITS)
    assert dict(zip(table["task"], table["split"], strict=True)) == SPLITS
    by_task = sections(markdown(table, found, "s"))
    meaning, leaks = " ".join(MEANING.split()), " ".join(LEAKS.split())
    assert [meaning in by_task[task] for task in SPLITS] == [True, False, True]
    assert [leaks in by_task[task] for task in SPLITS] == [False, False, True]
    text = claims_markdown(found, splits=SPLITS)
    assert f"- pocus: {meaning}\n- liver: {meaning} {leaks}\n" in text
    assert "- busi:" not in text


def test_without_a_given_split_the_tables_are_what_they_were():
    table, found = study({})
    assert list(table) == COLUMNS
    assert "provider" not in markdown(table, found, "s") + claims_markdown(found)
    assert claims_markdown(found) == claims_markdown(found, splits={})
