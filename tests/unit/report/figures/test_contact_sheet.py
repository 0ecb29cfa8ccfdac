import cv2
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

from uscl.report.figures.contact_sheet import COLUMNS, chosen, contact_sheet


def manifest(count):
    return pd.DataFrame(
        {
            "dataset": "busi",
            "label": "benign",
            "group": [f"p{i // 2}" for i in range(count)],
            "case": [f"c{i}" for i in range(count)],
            "video": [f"c{i}" for i in range(count)],
            "file": [f"{i}.PNG" for i in range(count)],
            "frame": 0,
            "organ": "",
            "event": "",
            "top": 0,
            "left": 0,
            "height": 20,
            "width": 30,
        }
    )


def test_frames_come_from_different_patients_and_repeat():
    picked = chosen(manifest(40), seed=0)
    assert len(picked) == picked["group"].nunique() == COLUMNS
    assert picked.equals(chosen(manifest(40), seed=0))


def test_a_sheet_has_one_row_per_label_and_may_have_few_frames(tmp_path):
    for i in range(4):
        cv2.imwrite(str(tmp_path / f"{i}.PNG"), np.full((20, 30), 60 * i, np.uint8))
    cases = manifest(4).assign(group=["a$x_{", "a$x_{", "b", "b"], organ="lung", event="dropout")
    figure = contact_sheet([cases], [tmp_path], seed=0)
    figure.savefig(tmp_path / "sheet.png")
    shown = [axis for axis in figure.axes if axis.images]
    assert len(figure.axes) == COLUMNS
    assert len(shown) == 2
    assert shown[0].get_title() == "a$x_{ (dropout, lung)"
    assert shown[0].images[0].get_array().shape == (224, 224)
    plt.close(figure)
