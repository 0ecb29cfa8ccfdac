import re

import pytest
import study_frames as frames

from uscl.report.tables.claims import claims
from uscl.report.tables.latex import escaped, latex
from uscl.report.tables.result_table import result_table

MACRO_F1, ECE, DICE, HD95 = (
    ("busi", "last_block", "macro_f1"),
    ("busi", "last_block", "ece"),
    ("segmentation", "finetune", "dice"),
    ("segmentation", "finetune", "hd95"),
)
MEANS = {"random": 0.4, "imagenet": 0.5, "uscl": 0.6, "meta_uscl": 0.7}


def written(p=1.0, missing=(), study="embedded"):
    scores = {MACRO_F1: MEANS, ECE: MEANS, DICE: MEANS, HD95: dict.fromkeys(MEANS, 9.25)}
    intervals, comparisons = frames.study(scores, p)
    table = result_table(
        intervals,
        comparisons,
        claims(comparisons, frames.primary(comparisons)),
        frames.costs(intervals),
        frames.provenance(intervals),
        arms=list(dict.fromkeys(intervals["arm"])),
        labelled=["uscl"],
        reference="imagenet",
        missing=missing,
    )
    return latex(table, study)


def rows(text):
    """The lines of all tabulars that end a row, without the commands that group rows."""
    return [line for line in text.splitlines() if line.endswith(r" \\")]


def test_every_row_has_as_many_cells_as_its_tabular_has_columns():
    text = written()
    specifications = re.findall(r"\\begin\{tabular\}\{([lcr]+)\}", text)
    assert specifications == ["lccr", "lccr"]
    assert len(rows(text)) == 2 * (1 + 2 * len(MEANS))
    assert all(row.count(" & ") == 3 for row in rows(text))


def test_braces_and_environments_are_closed_and_booktabs_is_all_that_is_needed():
    text = written(0.0001, [(None, "segmentation", "knn", "no {probe} & 5 %")], study="a_b")
    bare = re.sub(r"\\[{}\\]", "", text)
    depth = [bare[:end].count("{") - bare[:end].count("}") for end in range(len(bare) + 1)]
    assert min(depth) == 0
    assert depth[-1] == 0
    assert text.count("$") % 2 == 0
    assert re.findall(r"\\begin\{(\w+)\}", text) == ["table", "tabular"] * 2
    assert re.findall(r"\\end\{(\w+)\}", text) == ["tabular", "table"] * 2
    assert {"toprule", "midrule", "bottomrule"} <= set(re.findall(r"\\([a-z]+)", text))
    outside_labels = re.sub(r"\\label\{.*?\}|^% .*", "", text, flags=re.M)
    assert not re.search(r"(?<!\\)[_&%#](?! |\w*\})", outside_labels.replace(" & ", " "))


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("meta_uscl", r"meta\_uscl"),
        ("5 % & #1 $x {y}", r"5 \% \& \#1 \$x \{y\}"),
        ("a~b^c\\d", r"a\textasciitilde{}b\textasciicircum{}c\textbackslash{}d"),
        ("p < 0.05 ± † ↓", r"p $<$ 0.05 $\pm$ $\dagger$ $\downarrow$"),
    ],
)
def test_special_characters_are_escaped_once(text, tex):
    assert escaped(text) == tex


def test_an_arm_has_its_scores_and_below_them_their_intervals():
    lines = rows(written())
    place = next(i for i, line in enumerate(lines) if line.startswith("meta"))
    assert lines[place] == r"meta\_uscl & 70.0 $\pm$ 2.0 & 70.0 $\pm$ 2.0 & 1 \\"
    assert lines[place + 1] == r" & {\scriptsize [65.0, 75.0]} & {\scriptsize [65.0, 75.0]} &  \\"
    assert r"uscl\,$\dagger$ & " in written()


def test_only_what_a_primary_comparison_shows_is_bold():
    assert r"\textbf" not in written(1.0)
    text = written(0.0001)
    # Macro-F1 and Dice: the two arms above imagenet, and imagenet above random; calibration error the other way round.
    assert text.count(r"\textbf{70.0 $\pm$ 2.0}") == 2
    assert text.count(r"\textbf{40.0 $\pm$ 2.0}") == 1
    assert text.count(r"\textbf{50.0 $\pm$ 2.0}") == 3


def test_the_caption_explains_the_table():
    text = written(study="my_study")
    assert r"\caption{Study my\_study, busi (last\_block): mean $\pm$ standard deviation over trainings (5)" in text
    assert r"95 \% confidence interval over trainings and patients" in text
    assert r"in a primary comparison (method test, Holm p $<$ 0.05)" in text
    assert r"\label{tab:busi-last_block}" in text


def test_what_is_missing_is_listed_after_the_tables_with_its_reason():
    text = written(missing=[("meta_uscl", "segmentation", "knn", "cut_off")])
    assert text.rstrip().endswith(r"segmentation, knn: not evaluated (meta\_uscl): cut\_off.")
    assert r"\noindent" not in written()


def test_equal_tables_are_equal_text():
    assert written() == written()
