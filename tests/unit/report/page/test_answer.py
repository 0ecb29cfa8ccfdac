import numpy as np
import pytest
from study_frames import comparisons, primary

from uscl.report.page.answer import NO_PRIMARY, answer, question
from uscl.report.tables.claims import claims

PLACE = ("simclr", "untrained", "pocus", "linear", "macro_f1")


def claimed(*differences, p=0.001, trainings=5, margin=None):
    """Claims about simclr on tasks a, b, ... with these differences."""
    rows = [("simclr", "untrained", chr(97 + k), "linear", "macro_f1", each, p) for k, each in enumerate(differences)]
    frame = comparisons(rows).assign(trainings=trainings, reference_trainings=trainings)
    margins = {row[2]: {"points": margin, "reason": "r"} for row in rows} if margin else {}
    return claims(frame, primary(frame), margins)


def test_a_difference_that_is_shown_is_named_with_its_size_and_interval():
    assert answer(claimed(0.1))[0] == (
        "The primary comparison shows a difference: simclr is better than untrained on a (linear), by 10.0 points"
        " [8.0, 12.0] in macro-F1."
    )
    first, second, third = answer(claimed(0.1, -0.1))
    assert first.startswith("2 of the 2 primary comparisons show a difference: simclr is better")
    assert "worse than untrained on b (linear), by 10.0 points [8.0, 12.0]" in first
    assert second == "All other comparisons (0) are secondary, so they have no verdict."
    assert third.startswith("This holds for other trainings")


def test_what_is_not_shown_is_named_by_verdict():
    first, second, _ = answer(claimed(0.01, 0.02, p=0.4))
    assert first == "None of the 2 primary comparisons shows a difference."
    assert second == (
        "No difference is shown for simclr against untrained on a (linear) and simclr against untrained on b (linear)."
    )
    assert answer(claimed(0.0, p=0.9, margin=10))[1].startswith("Equal within 10 points for simclr against untrained")
    assert "No claim can be made" in answer(claimed(0.1, trainings=2))[1]


def test_few_trainings_are_exploratory():
    assert answer(claimed(0.1, trainings=3))[2] == (
        "This is exploratory, because it rests on 3 trainings of a method: a claim needs 5 of each."
    )


def test_at_most_three_comparisons_are_named():
    assert "and 2 more." in answer(claimed(*[0.1] * 5))[0]


def test_without_primary_comparisons_nothing_is_claimed():
    assert answer(claims(comparisons([(*PLACE, 0.1, 0.01)]))) == [NO_PRIMARY]


def test_a_comparison_that_could_not_be_made_is_an_answer_too():
    frame = comparisons([(*PLACE, np.nan, np.nan)])
    assert answer(claims(frame, primary(frame)))[1].startswith("No claim can be made for simclr")


@pytest.mark.parametrize(
    ("named", "asked"), [([], ""), ([dict(zip(("arm", "reference", "task", "regime"), PLACE, strict=False))], "Named")]
)
def test_the_question_names_the_tasks_and_the_primary_comparisons(named, asked):
    found = question(["pocus", "busi"], named)
    assert found.startswith("Which pretraining gives the better encoder for pocus and busi?")
    assert asked in found
