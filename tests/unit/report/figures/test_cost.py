import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes

from uscl.report.figures.cost import cost_against_score, with_costs

ARMS = ["random", "imagenet", "simclr", "uscl", "simclr_ppi", "meta_uscl"]
LONG = [*ARMS, "meta_uscl_resnet50_shuffled", "simclr_ppi_no_colour_jitter"]


def table(arms=ARMS, tasks=("pocus", "segmentation"), regimes=("linear", "finetune")):
    rows = [
        (arm, task, regime, "dice" if task == "segmentation" else "macro_f1", 0.5 + 0.02 * place)
        for task in tasks
        for regime in regimes
        for place, arm in enumerate(arms)
    ]
    frame = pd.DataFrame(rows, columns=["arm", "task", "regime", "metric", "mean"])
    # The table has cost columns of its own.
    return frame.assign(ci_low=frame["mean"] - 0.05, ci_high=frame["mean"] + 0.05, pretraining_images=-1)


def costs(rows, pretraining=100.0, finetuning=20.0):
    """Pretraining costs nothing for the first two arms and as much for each of the others."""
    frame = rows[["arm", "task", "regime"]].copy()
    pretrained = ~frame["arm"].isin(ARMS[:2])
    return frame.assign(
        pretraining_s=pretraining * pretrained,
        finetuning_s=finetuning,
        pretraining_images=(1000 * pretraining * pretrained).astype(int),
        finetuning_images=int(1000 * finetuning),
    )


def marks(axis):
    return {(line.get_xdata()[0], line.get_ydata()[0]) for line in axis.lines if line.get_marker() != "None"}


def named(figure):
    return {handle.get_label(): handle.get_marker() for handle in figure.legends[0].legend_handles}


def test_every_arm_is_at_its_total_cost_and_score_and_is_named():
    rows = table()
    figure = cost_against_score(rows, costs(rows), ARMS)
    assert len(figure.axes) == 4
    seconds, images = figure.axes[:2]
    assert sorted(marks(seconds), key=lambda mark: mark[1]) == [
        (20 if place < 2 else 120, pytest.approx(0.5 + 0.02 * place)) for place in range(6)
    ]
    assert {x for x, _ in marks(images)} == {20_000, 120_000}
    assert list(named(figure)) == ARMS
    assert list(named(figure).values()) == [line.get_marker() for line in seconds.lines if line.get_marker() != "None"]
    assert seconds.get_xscale() == images.get_xscale() == "log"
    assert [axis.get_title() for axis in figure.axes] == ["pocus, finetune"] * 2 + ["segmentation, finetune"] * 2
    assert [axis.get_ylabel() for axis in figure.axes] == ["macro-F1", "", "Dice", ""]
    intervals = [line.get_ydata() for line in seconds.lines if line.get_marker() == "None"]
    assert list(intervals[0]) == pytest.approx([0.45, 0.55])


def test_finetune_is_drawn_or_else_the_first_regime():
    rows = table(regimes=("knn", "linear"))
    assert set(with_costs(rows, costs(rows))["regime"]) == {"knn"}
    rows = table()
    assert set(with_costs(rows, costs(rows))["regime"]) == {"finetune"}


def test_arms_of_equal_cost_are_drawn_side_by_side_and_inside_the_panel():
    rows = table(tasks=("pocus",))
    figure = cost_against_score(rows, costs(rows), ARMS)
    axis = figure.axes[0]
    drawn = [line for line in axis.lines if line.get_marker() != "None"]
    places = np.array([line.get_transform().transform((line.get_xdata()[0], line.get_ydata()[0])) for line in drawn])
    points = np.diff(places[:, 0]) * 72 / figure.dpi
    assert points[[0, 2, 3, 4]] == pytest.approx([8] * 4)
    assert points[1] > 50
    assert all(axis.bbox.contains(*place) for place in places)


def test_arms_without_score_or_cost_are_called_missing():
    rows = table(tasks=("pocus",), regimes=("finetune",))
    known = costs(rows)
    rows.loc[0, ["mean", "ci_low", "ci_high"]] = np.nan
    rows.loc[1, ["ci_low", "ci_high"]] = np.nan
    known.loc[2, "finetuning_s"] = np.nan
    figure = cost_against_score(rows, known.drop(index=3), ARMS)
    seconds, images = figure.axes
    assert seconds.get_title() == "pocus, finetune\nmissing: random, simclr, uscl"
    assert images.get_title() == "pocus, finetune\nmissing: random, uscl"
    assert len(marks(seconds)) == 3
    assert_legible(figure)


def test_a_task_without_any_cost_is_an_empty_panel():
    rows = table(tasks=("pocus",))
    figure = cost_against_score(rows, costs(rows)[:0], ARMS)
    assert marks(figure.axes[0]) == set()
    assert_legible(figure)


def test_a_cost_of_zero_makes_the_axis_linear():
    rows = table(tasks=("pocus",))
    figure = cost_against_score(rows, costs(rows, finetuning=0), ARMS)
    assert {axis.get_xscale() for axis in figure.axes} == {"linear"}
    assert {x for x, _ in marks(figure.axes[0])} == {0, 100}
    assert_legible(figure)
    assert_legible(cost_against_score(rows, costs(rows, 0, 0), ARMS))


@pytest.mark.parametrize(("arms", "pretraining"), [(ARMS[:2], 0), (ARMS, 0.5), (LONG, 86_000), (ARMS, 40_000_000)])
def test_all_texts_can_be_read(arms, pretraining):
    rows = table(arms, ("pocus",))
    assert_legible(cost_against_score(rows, costs(rows, pretraining), arms))


def test_equal_figures_are_equal_bytes(tmp_path):
    rows = table(ARMS[:3], ("pocus",))
    assert_same_bytes(lambda: cost_against_score(rows, costs(rows), ARMS), tmp_path)
