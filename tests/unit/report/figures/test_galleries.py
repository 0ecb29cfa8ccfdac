import numpy as np
import pandas as pd
from legible import assert_legible, assert_same_bytes

from uscl.report.figures.galleries import found_by_one, gallery, missed_by_all

ARMS = ["a", "b", "c"]


def cases_of(right):
    """Cases by name: for each arm, the seeds in which it is right."""
    rows = [
        {"case": case, "group": case[0], "label": "x", "arm": arm, "seed": seed, "correct": seed in seeds}
        for case, by_arm in right.items()
        for arm, seeds in zip(ARMS, by_arm, strict=True)
        for seed in range(3)
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(predicted=np.where(frame["correct"], "x", "y"))


def test_cases_are_missed_or_found_in_most_seeds():
    cases = cases_of(
        {"all": ([0, 1, 2],) * 3, "none": ([0], [], [2]), "one": ([], [0, 2], [1]), "two": ([0, 1], [1, 2], [])}
    )
    missed, alone = missed_by_all(cases, ARMS), found_by_one(cases, ARMS)
    assert missed[["case", "remark"]].to_numpy().tolist() == [["none", "predicted: y"]]
    assert alone[["case", "remark"]].to_numpy().tolist() == [["one", "only: b"]]


def test_with_as_many_right_as_wrong_seeds_a_case_is_neither_right_nor_missed():
    cases = cases_of({"tie": ([0], [], []), "miss": ([], [], []), "tie next to one": ([0, 1], [0], [])})
    cases = cases[cases["seed"] < 2]
    assert missed_by_all(cases, ARMS)["case"].tolist() == ["miss"]
    assert found_by_one(cases, ARMS)["case"].tolist() == []


def test_the_remark_is_the_most_frequent_wrong_answer():
    cases = cases_of({"u": ([0], [1], [2])})
    # Each arm predicts the true class x in one seed of three: more often than y or z.
    cases.loc[(cases["predicted"] == "y") & (cases["seed"] == 1), "predicted"] = "z"
    cases.loc[(cases["predicted"] == "y") & (cases["seed"] == 2), "predicted"] = "w"
    assert missed_by_all(cases, ARMS)["remark"].tolist() == ["predicted: w"]


def test_arms_that_are_not_asked_for_do_not_count():
    cases = cases_of({"u": ([], [], [0, 1, 2])})
    assert missed_by_all(cases, ARMS[:2])["case"].tolist() == ["u"]
    assert missed_by_all(cases, ARMS)["case"].tolist() == []


def test_a_segmented_image_is_missed_below_half_of_dice():
    rows = [("u", arm, 0, dice) for arm, dice in zip(ARMS, (0.1, 0.49, 0.0), strict=True)]
    rows += [("v", arm, 0, dice) for arm, dice in zip(ARMS, (0.1, 0.5, 0.0), strict=True)]
    cases = pd.DataFrame(rows, columns=["case", "arm", "seed", "dice"]).assign(group="g", label="benign")
    assert missed_by_all(cases, ARMS)[["case", "remark"]].to_numpy().tolist() == [["u", "Dice 0.00 to 0.49"]]
    assert found_by_one(cases, ARMS)[["case", "remark"]].to_numpy().tolist() == [["v", "only: b"]]


def test_a_gallery_shows_different_groups_first_and_gives_the_number_of_cases():
    names = [f"{g}{k}" for g in "pqr" for k in range(6)]
    chosen = pd.DataFrame({"case": names, "label": "x", "remark": "predicted: y"})
    chosen = chosen.assign(group=chosen["case"].str[0])
    frames = np.zeros((18, 8, 8), np.uint8)
    rows = pd.Series(range(18), chosen["case"])
    figure = gallery(chosen, frames, rows, "missed", 40)
    assert [axis.get_title() for axis in figure.axes[:4]] == [
        f"{case}\nis: x\npredicted: y" for case in ("p0", "q0", "r0", "p1")
    ]
    assert figure.get_suptitle() == "missed: 18 of 40 cases, 12 of them shown"
    assert sum(bool(axis.images) for axis in figure.axes) == 12
    assert_legible(figure)


def test_equal_figures_are_equal_bytes(tmp_path):
    chosen = pd.DataFrame({"case": ["p0", "q0"], "group": ["p", "q"], "label": "x", "remark": "predicted: y"})
    rows = pd.Series(range(2), chosen["case"])
    assert_same_bytes(lambda: gallery(chosen, np.zeros((2, 8, 8), np.uint8), rows, "missed", 40), tmp_path)


def test_long_names_stay_legible():
    names = [f"Pneu-Atlas-pneumonia-AirBronch-{k}.mp4#{k}" for k in range(12)]
    chosen = pd.DataFrame({"case": names, "group": names, "label": "pneumonia_bacterial"})
    chosen = chosen.assign(remark="only: meta_uscl_shuffled_weights")
    figure = gallery(chosen, np.zeros((12, 8, 8), np.uint8), pd.Series(range(12), names), "found", 12)
    assert_legible(figure)


def test_an_empty_gallery_has_only_its_title():
    cases = cases_of({"one": ([0, 1, 2],) * 3})
    for nothing in (missed_by_all(cases, ARMS), found_by_one(cases, ARMS)):
        figure = gallery(nothing, np.zeros((1, 8, 8), np.uint8), pd.Series([0], ["one"]), "missed", 1)
        assert figure.get_suptitle() == "missed: 0 of 1 cases"
