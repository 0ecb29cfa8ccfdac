import pandas as pd

from uscl.report.tables.cases import one_row_per_case


def test_a_case_is_one_row_with_what_every_arm_made_of_it():
    rows = [
        ("uscl", 1, 0, "c2", "p2", "a", "b"),
        ("uscl", 1, 0, "c1", "p1", "a", "a"),
        ("imagenet", 1, 0, "c1", "p1", "a", "b"),
        ("imagenet", 1, 0, "c2", "p2", "a", "b"),
    ]
    cases = pd.DataFrame(rows, columns=["arm", "seed", "fold", "case", "group", "label", "predicted"])
    cases = cases.assign(video="v", patient="", unit="video")
    found = one_row_per_case(cases.assign(correct=cases["label"] == cases["predicted"], p_a=0.5, p_b=0.5))
    assert found.columns.tolist() == [
        *("case", "video", "patient", "group", "unit", "fold", "seed", "label"),
        *("predicted:uscl", "predicted:imagenet", "correct:uscl", "correct:imagenet"),
    ]
    assert found.iloc[0].tolist() == ["c1", "v", "", "p1", "video", 0, 1, "a", "a", "b", 1, 0]
    assert found.iloc[1].tolist() == ["c2", "v", "", "p2", "video", 0, 1, "a", "b", "b", 0, 0]


def test_scores_of_segmented_images_keep_their_values():
    cases = pd.DataFrame({"case": ["c"], "group": "g", "fold": 0, "seed": 0, "label": "benign", "arm": "uscl"})
    cases = cases.assign(video="v", patient="", unit="image")
    found = one_row_per_case(cases.assign(dice=0.25, iou=0.125, hd95=3.5))
    assert found[["dice:uscl", "iou:uscl", "hd95:uscl"]].iloc[0].tolist() == [0.25, 0.125, 3.5]
