import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes

from uscl.report.figures.curves import label_fraction_curves, learning_curves
from uscl.report.figures.style import arm_styles

ARMS = ["random", "imagenet", "simclr", "uscl", "simclr_ppi", "meta_uscl"]
LONG = [*ARMS, "meta_uscl_resnet50_shuffled_weights_temporal", "simclr_ppi_no_colour_jitter_crop_07"]


def histories(arms=ARMS, folds=3, epochs=4):
    """Losses of fold k are k above those of fold 0; fold k chooses epoch k."""
    rows = [
        (arm, 0, fold, epoch, 3.0 - 0.1 * epoch + fold, 4.0 + fold, 0.1 * epoch + 0.01 * place, epoch == fold)
        for place, arm in enumerate(arms)
        for fold in range(folds)
        for epoch in range(epochs)
    ]
    names = ["arm", "seed", "fold", "epoch", "train_loss", "validation_loss", "validation_score", "chosen"]
    return pd.DataFrame(rows, columns=names)


def fractions(arms=ARMS, tasks=("pocus", "segmentation"), percents=(5, 10, 25, 100)):
    rows = [
        (arm, task, "finetune", "dice" if task == "segmentation" else "macro_f1", percent, 0.4 + 0.05 * at)
        for task in tasks
        for at, percent in enumerate(percents)
        for arm in arms
    ]
    frame = pd.DataFrame(rows, columns=["arm", "task", "regime", "metric", "labels", "mean"])
    return frame.assign(ci_low=frame["mean"] - 0.1, ci_high=frame["mean"] + 0.1)


def test_curves_are_means_with_a_band_of_one_sd():
    figure = learning_curves(histories(), "pocus, finetune", "macro-F1")
    loss, _, score = figure.axes
    assert len(loss.collections) == len(ARMS)
    curve, mark = loss.lines[:2]
    assert list(curve.get_xdata()) == [0, 1, 2, 3]
    assert list(curve.get_ydata()) == pytest.approx([4, 3.9, 3.8, 3.7])
    band = loss.collections[0].get_paths()[0].vertices
    assert sorted({round(y, 6) for x, y in band if x == 0}) == [3, 5]
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (1, pytest.approx(3.9))
    assert list(score.lines[2].get_ydata()) == pytest.approx([0.01, 0.11, 0.21, 0.31])
    assert [axis.get_ylabel() for axis in figure.axes] == ["training loss", "validation loss", "validation macro-F1"]


def test_a_single_training_has_no_band_and_of_two_the_lower_epoch_is_marked():
    one, two = (learning_curves(histories(folds=folds), "pocus").axes[0] for folds in (1, 2))
    assert [len(band.get_paths()) for band in one.collections] == [0] * len(ARMS)
    assert [len(band.get_paths()) for band in two.collections] == [1] * len(ARMS)
    assert two.lines[1].get_xdata()[0] == 0


def test_trainings_of_unequal_length_are_averaged_where_they_exist():
    rows = histories(ARMS[:1])
    figure = learning_curves(rows[(rows["fold"] < 2) | (rows["epoch"] < 3)], "pocus")
    assert list(figure.axes[0].lines[0].get_ydata()) == pytest.approx([4, 3.9, 3.8, 3.2])


def test_an_arm_looks_alike_where_others_are_absent():
    rows = histories(["uscl", "simclr"])
    figure = learning_curves(rows, "pocus", arms=ARMS)
    assert [line.get_color() for line in figure.axes[0].lines[::2]] == [
        arm_styles(ARMS)[arm].colour for arm in ("simclr", "uscl")
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["simclr", "uscl"]
    fraction = label_fraction_curves(fractions(["uscl"]), arms=ARMS)
    assert fraction.axes[0].lines[0].get_marker() == arm_styles(ARMS)["uscl"].marker


def test_scores_are_next_to_their_percentage_in_the_order_of_the_arms():
    figure = label_fraction_curves(fractions())
    pocus, segmentation = figure.axes
    assert (pocus.get_ylabel(), segmentation.get_ylabel()) == ("macro-F1", "frame-size Dice")
    assert pocus.get_title() == "pocus\nfinetune"
    assert len(pocus.lines) == len(pocus.collections) == len(ARMS)
    assert list(pocus.lines[0].get_ydata()) == pytest.approx([0.4, 0.45, 0.5, 0.55])
    at_ten = [line.get_xdata()[1] for line in pocus.lines]
    assert at_ten == sorted(at_ten)
    assert len(set(at_ten)) == len(ARMS)
    assert np.exp(np.log(at_ten).mean()) == pytest.approx(10)
    assert max(line.get_xdata()[0] for line in pocus.lines) < 7 < min(at_ten)
    ends = pocus.collections[0].get_segments()[0]
    assert ends[:, 1] == pytest.approx([0.3, 0.5])
    assert pocus.get_xscale() == "log"
    figure.canvas.draw()
    assert [label.get_text() for label in pocus.get_xticklabels()] == ["5", "10", "25", "100"]


def test_draws_of_the_labels_are_bands_and_groups_per_class_have_a_panel_of_their_own():
    percent = fractions(tasks=("pocus",))
    shots = percent.rename(columns={"labels": "shots"})
    rows = pd.concat([percent, shots], ignore_index=True)
    rows = rows.assign(draws_ci_low=rows["mean"] - 0.05, draws_ci_high=rows["mean"] + 0.05)
    figure = label_fraction_curves(rows)
    assert [axis.get_xlabel() for axis in figure.axes[:2]] == [
        "labels used\n(% of training groups)",
        "labels used\n(training groups per class)",
    ]
    (band,) = (found for found in figure.axes[1].collections if found.get_label() == "_child0")
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((0.35, 0.6))
    assert "bands: 95 % interval over draws of the labels" in figure.get_suptitle()
    assert "bands" not in label_fraction_curves(percent).get_suptitle()
    assert_legible(figure)


def test_a_missing_score_leaves_a_gap_and_a_name_can_be_given():
    rows = fractions(tasks=("pocus",)).drop(columns="metric")
    rows.loc[0, ["mean", "ci_low", "ci_high"]] = np.nan
    rows.loc[1, ["ci_low", "ci_high"]] = np.nan
    figure = label_fraction_curves(rows, "a score")
    (axis,) = figure.axes
    assert np.isnan(axis.lines[0].get_ydata()[0])
    assert axis.lines[1].get_ydata()[0] == pytest.approx(0.4)
    assert axis.get_ylabel() == "a score"
    assert_legible(figure)


@pytest.mark.parametrize("arms", [ARMS[:2], ARMS, LONG])
def test_all_texts_can_be_read(arms):
    assert_legible(
        learning_curves(histories(arms, epochs=300), "a_task_with_a_rather_long_name, last block", "mean Dice")
    )
    assert_legible(label_fraction_curves(fractions(arms, ("pocus", "a_task_with_a_rather_long_name", "c", "d"))))
    assert_legible(label_fraction_curves(fractions(arms, ("pocus",), (100,))))


def test_equal_figures_are_equal_bytes(tmp_path):
    few = ARMS[:2]
    assert_same_bytes(lambda: learning_curves(histories(few), "pocus"), tmp_path / "learning")
    assert_same_bytes(lambda: label_fraction_curves(fractions(few, ("pocus",))), tmp_path / "labels")
