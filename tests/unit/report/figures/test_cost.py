import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes

from uscl.report.figures.cost import cost_and_score, total_costs

ARMS = ["random", "imagenet", "simclr", "uscl", "simclr_ppi", "meta_uscl"]
LONG = [*ARMS, "meta_uscl_resnet50_shuffled", "simclr_ppi_no_colour_jitter"]


def table(arms=ARMS, tasks=("pocus", "segmentation")):
    """The mean grows by 0.02 from arm to arm."""
    rows = [
        (arm, task, "finetune", "dice" if task == "segmentation" else "macro_f1", 0.2 + 0.02 * place)
        for task in tasks
        for place, arm in enumerate(arms)
    ]
    frame = pd.DataFrame(rows, columns=["arm", "task", "regime", "metric", "mean"])
    # The table has cost columns of its own.
    return frame.assign(ci_low=frame["mean"] - 0.05, ci_high=frame["mean"] + 0.05, pretraining_images=-1)


def costs(rows, pretraining=100.0, finetuning=20.0):
    """Pretraining costs nothing for the first two arms, and more from arm to arm for the others."""
    frame = rows[["arm", "task", "regime"]].copy()
    arms = list(dict.fromkeys(frame["arm"]))
    factor = frame["arm"].map(lambda arm: max(arms.index(arm) - 1, 0))
    frame = frame.assign(pretraining_s=2 * pretraining * factor, finetuning_s=2 * finetuning)
    frame = frame.assign(pretraining_cpu_s=pretraining * factor, finetuning_cpu_s=finetuning)
    return frame.assign(pretraining_images=(1000 * pretraining * factor).astype(int), finetuning_images=1000)


def bars(axis):
    return [[round(bar.get_width(), 6) for bar in part] for part in axis.containers]


def names(axis):
    return [label.get_text() for label in axis.get_yticklabels()]


def test_the_cheapest_arm_is_on_top_and_bars_add_fine_tuning_to_pretraining():
    rows = table(ARMS[::-1])
    figure = cost_and_score(rows, costs(table()), ARMS)
    time, images, pocus, segmentation = figure.axes[:4]
    assert names(time) == ARMS
    assert names(images) == [""] * 6
    assert bars(time) == [[0, 0, 100, 200, 300, 400], [40] * 6]  # two tasks
    assert bars(images)[1] == [2000] * 6
    assert time.get_title() == "cost: CPU time"
    assert time.get_xlabel() == "all trainings (s)"
    marks = [line.get_xdata()[0] for line in pocus.lines if line.get_marker() not in ("None", "")]
    assert marks == pytest.approx(list(100 * (0.3 - 0.02 * np.arange(6))))
    assert pocus.get_xlabel() == "macro-F1 (%)"
    assert segmentation.get_title() == "segmentation, finetune"
    assert [axis.axison for axis in figure.axes] == [True] * 4 + [False] * 2


def test_all_panels_of_a_metric_have_one_scale():
    figure = cost_and_score(table(tasks=("pocus", "busi")), costs(table(tasks=("pocus", "busi"))), ARMS)
    pocus, busi = figure.axes[2:4]
    assert pocus.get_xlim() == busi.get_xlim()


def test_with_a_gpu_time_is_that_on_the_clock():
    figure = cost_and_score(table(), costs(table()), ARMS, gpu=True)
    assert bars(figure.axes[0]) == [[0, 0, 200, 400, 600, 800], [80] * 6]
    assert figure.axes[0].get_title() == "cost: time"


def test_totals_are_by_arm_and_only_of_the_tasks_that_are_shown():
    found = total_costs(costs(table(tasks=("pocus",))), [*ARMS, "another"])
    assert found.loc["simclr", ["pretraining_cpu_s", "finetuning_cpu_s"]].tolist() == [100, 20]
    assert found.loc["another"].isna().all()


def test_an_arm_without_score_or_cost_is_called_so():
    rows = table(tasks=("pocus",))
    rows.loc[rows["arm"] == "uscl", ["mean", "ci_low", "ci_high"]] = np.nan
    known = costs(rows)
    figure = cost_and_score(rows, known[known["arm"] != "simclr"], ARMS)
    time, _, pocus = figure.axes
    assert names(time)[-1] == "simclr"
    assert [text.get_text() for text in time.texts] == ["unknown"]
    assert [(text.get_text(), text.get_position()[1]) for text in pocus.texts] == [
        ("missing", names(time).index("uscl"))
    ]
    assert_legible(figure)


@pytest.mark.parametrize(
    ("arms", "pretraining"),
    [(ARMS[:2], 0), (ARMS, 0.5), (LONG, 86_000), ([f"meta_uscl_variant_{k}" for k in range(40)], 40_000_000)],
)
def test_all_texts_can_be_read(arms, pretraining):
    rows = table(arms, ("pocus", "busi", "segmentation"))
    assert_legible(cost_and_score(rows, costs(rows, pretraining), arms))


def test_equal_figures_are_equal_bytes(tmp_path):
    rows = table(ARMS[:3], ("pocus",))
    assert_same_bytes(lambda: cost_and_score(rows, costs(rows), ARMS[:3]), tmp_path)


def test_an_unknown_cost_is_named_and_its_arm_comes_last():
    rows = table()
    found = costs(rows).astype({"pretraining_images": float, "finetuning_images": float})
    parts = ["pretraining_s", "pretraining_cpu_s", "pretraining_images"]
    found.loc[found["arm"] == "random", parts] = np.nan
    found.loc[found["arm"] == "imagenet", [*parts, *(name.replace("pretrain", "finetun") for name in parts)]] = np.nan
    time = cost_and_score(rows, found, ARMS).axes[0]
    assert names(time) == ["simclr", "uscl", "simclr_ppi", "meta_uscl", "random", "imagenet"]
    assert [(text.get_text(), text.get_position()[1]) for text in time.texts] == [
        ("pretraining unknown", 4),
        ("unknown", 5),
    ]
