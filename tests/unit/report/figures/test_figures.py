import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from stores import bright_or_dark_store

from uscl.data.picture_box import boxes_of
from uscl.pretrain.engine.learned import learned
from uscl.report.figures.predictions import confusion, draw_cell, overlays
from uscl.report.figures.style import save
from uscl.report.figures.training import choice_curve, learning_curve, pretraining_curve


def history(fold=0):
    return pd.DataFrame(
        {
            "fold": fold,
            "epoch": [0, 1, 2],
            "train_loss": [3.0, 2.0, 1.0],
            "validation_loss": [3.0, 2.5, 2.6],
            "validation_score": [0.3, 0.6, 0.5],
            "chosen": [False, True, False],
        }
    )


def masks(store):
    return [np.packbits(mask.astype(bool)).tobytes() for mask in store.masks]


def test_the_chosen_epoch_is_marked():
    _, score = learning_curve(history(), "mean Dice", "title").axes
    assert score.get_ylabel() == "validation mean Dice"
    assert list(score.lines[1].get_xdata()) == [1, 1]


def test_a_pretraining_shows_its_losses_and_its_health():
    history = {"epoch": [0, 1], "lr": [0.1, 0.2], "loss": [3.0, 2.0], "validation_loss": [2.5, 2.4], "pairs": [8, 8]}
    history |= {"rank": [4.0, 5.0], "alignment": [0.5, 0.4], "uniformity": [-1.0, -2.0]}
    lines = shown(pretraining_curve(pd.DataFrame(history), "simclr"))
    assert [lines[name] for name in ("loss", "validation loss")] == [[3.0, 2.0], [2.5, 2.4]]
    assert [lines[name] for name in ("alignment", "uniformity")] == [[0.5, 0.4], [-1.0, -2.0]]
    assert "mean weight" not in lines
    weights = {"meta_loss": [1.0, 0.9], "weight_mean": [0.5, 0.6], "weight_sd": [0.1, 0.1], "weight_ess": [8.0, 4.0]}
    lines = shown(pretraining_curve(pd.DataFrame(history | weights), "meta_uscl"))
    assert lines["meta loss"] == [1.0, 0.9]
    assert lines["mean weight"] == [0.5, 0.6]
    assert lines["effective share of pairs"] == [1.0, 0.5]
    equal = weights | {"weight_sd": [0.0, 0.0]}
    assert "mean weight" not in shown(pretraining_curve(pd.DataFrame(history | equal), "constant"))


def test_a_pretraining_shows_chance_and_what_was_learned():
    history = {"epoch": [0, 1], "lr": [0.1, 0.2], "loss": [4.0, 2.0], "validation_loss": [2.5, 2.4], "pairs": [8, 8]}
    history |= {"rank": [4.0, 5.0], "alignment": [0.5, 0.4], "uniformity": [-1.0, -2.0], "movement": 0.2}
    history = pd.DataFrame(
        history | {"chance_loss": 4.14, "ideal_loss": 2.2, "validation_chance_loss": 2.6, "start_loss": 4.1}
    )
    figure = pretraining_curve(history, "simclr, seed 0", learned(history))
    dotted = [list(line.get_ydata()) for line in figure.axes[0].lines if line.get_linestyle() == ":"]
    assert dotted == [[4.14, 4.14], [2.6, 2.6]]
    assert figure.get_suptitle() == "simclr, seed 0\nlearned: training loss 2.00, chance 4.14, ideal 2.20"


def test_the_chance_of_uscl_has_the_colour_of_its_contrastive_loss():
    history = {"epoch": [0, 1], "lr": [0.1, 0.2], "loss": [4.5, 2.4], "contrastive_loss": [4.0, 2.0], "pairs": [8, 8]}
    history |= {"rank": [4.0, 5.0], "alignment": [0.5, 0.4], "uniformity": [-1.0, -2.0], "chance_loss": 4.14}
    lines = pretraining_curve(pd.DataFrame(history), "uscl").axes[0].lines
    colors = {tuple(line.get_ydata()): line.get_color() for line in lines}
    assert colors[4.0, 2.0] == colors[4.14, 4.14] != colors[4.5, 2.4]


def shown(figure):
    """What the lines of a figure show, by label."""
    return {line.get_label(): list(line.get_ydata()) for axis in figure.axes for line in axis.lines}


def test_the_confusion_matrix_counts_cases():
    predictions = pd.DataFrame({"label": ["a", "a", "b"], "p_a": [0.9, 0.2, 0.1], "p_b": [0.1, 0.8, 0.9]})
    matrix = confusion(predictions, "title").axes[0].images[0].get_array()
    assert matrix.tolist() == [[1, 1], [0, 1]]


def test_overlays_show_best_median_and_worst():
    store = bright_or_dark_store(groups=4, frames=1)
    bits = masks(store)
    nothing = np.packbits(np.zeros((32, 32), bool)).tobytes()
    predictions = pd.DataFrame(
        {"height": 32, "width": 32, "true_mask": bits, "predicted_mask": [bits[0], nothing, bits[2], bits[3]]}
    )
    boxes = boxes_of(store.manifest)
    titles = [axis.get_title() for axis in overlays(predictions, store.frames, boxes, "title").axes]
    assert titles == ["best: Dice 1.00", "median: Dice 1.00", "worst: Dice 0.00"]


def test_every_fold_of_a_cell_gets_two_figures_and_equal_figures_are_equal_bytes(tmp_path):
    store = bright_or_dark_store(groups=4, frames=1)
    cell = {"task": "t", "regime": "finetune", "labels": 100, "arm": "a", "seed": 0, "height": 32, "width": 32}
    predictions = pd.DataFrame(
        {"case": store.manifest["case"], "true_mask": masks(store), "predicted_mask": masks(store)}
    )
    predictions = predictions.assign(**cell, fold=[0, 0, 1, 1])
    for folder in ("first", "second"):
        draw_cell(predictions, pd.concat([history(0), history(1)]), store, tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert names == [f"fold{k}_{what}.png" for k in (0, 1) for what in ("learning_curve", "predictions")]
    assert all((tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes() for name in names)


def test_the_chosen_setting_of_a_probe_is_marked_by_its_value():
    probe = pd.DataFrame({"candidate": [0, 1, 2], "setting": [0.01, 1.0, 100.0], "chosen": [False, False, True]})
    figure = choice_curve(probe.assign(validation_loss=[3.0, 2.0, 1.0], validation_score=[0.3, 0.5, 0.6]), "title")
    _, score = figure.axes
    assert score.lines[0].get_ydata().tolist() == [0.3, 0.5, 0.6]
    assert list(score.lines[1].get_xdata()) == [2, 2]
    assert [label.get_text() for label in score.get_xticklabels()] == ["0.01", "1", "100"]


@pytest.mark.parametrize(("labels", "evaluation"), [(100, "(linear)"), (25, "(linear, 25 % of the labels)")])
def test_a_cells_figures_are_titled_with_the_cell(labels, evaluation, tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr("uscl.report.figures.predictions.save", lambda figure, path: titles.append(title_of(figure)))
    rows = {"case": ["c"], "label": ["a"], "p_a": [1.0], "p_b": [0.0], "task": "busi", "arm": "uscl", "seed": 0}
    predictions = pd.DataFrame(rows).assign(fold=0, regime="linear", labels=labels)
    draw_cell(predictions, history(), bright_or_dark_store(groups=2, frames=1), tmp_path)
    assert [" ".join(title.split()) for title in titles] == [f"uscl on busi {evaluation}, seed 0, fold 0"] * 2


def title_of(figure):
    return figure.get_suptitle() or figure.axes[0].get_title()


def test_saving_makes_the_folder_and_closes_the_figure(tmp_path):
    save(learning_curve(history(), "mean Dice", "cost $5 or $x_{"), tmp_path / "new" / "curve.png")
    assert (tmp_path / "new" / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert plt.get_fignums() == []
