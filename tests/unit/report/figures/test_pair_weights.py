import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes
from scipy.stats import spearmanr

from uscl.pretrain.meta.exercised import Exercised
from uscl.report.figures.pair_weights import (
    frame_similarity,
    inconsistent,
    pair_weights_figure,
    sources,
    weight_difference,
)


def manifest(organs, second=np.nan):
    """Frames of which a share `second` shows what their video changes to."""
    return pd.DataFrame({"organ": organs, "state": 1 - np.asarray(second), "second_state": second})


def drawn(groups=20, pairs=8, difference=0.0, seed=0):
    """Pairs of patients who each have a weight level of their own; every other pair spans a change."""
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.normal(0.5, 0.1, groups), pairs)
    change = np.tile([True, False], groups * pairs // 2)
    weight = level + difference * change + rng.normal(0, 0.02, groups * pairs)
    names = np.repeat([f"p{k}" for k in range(groups)], pairs)
    table = pd.DataFrame({"group": names, "weight": weight, "distance": rng.random(len(names)), "row_a": 0, "row_c": 0})
    return table.assign(row_c=change.astype(int)), change


def test_a_pair_is_inconsistent_where_its_first_and_last_frame_show_other_organs():
    pairs = pd.DataFrame({"row_a": [0, 0, 2], "row_c": [1, 2, 3]})
    assert inconsistent(pairs, manifest(["lung", "lung", "liver", "liver"])).tolist() == [False, True, False]
    assert inconsistent(pairs, manifest([""] * 4)) is None


def test_a_pair_is_inconsistent_where_one_of_its_outer_frames_shows_what_the_video_changes_to():
    pairs = pd.DataFrame({"row_a": [0, 1, 2], "row_c": [1, 2, 3]})
    assert inconsistent(pairs, manifest(["lung"] * 4, [0.0, 0.4, 0.6, 1.0])).tolist() == [False, True, False]


def test_the_difference_by_hand():
    pairs = pd.DataFrame({"group": list("aabb"), "weight": [0.2, 0.4, 0.1, 0.7]})
    found = weight_difference(pairs, np.array([True, False, True, False]))
    assert found.mean == pytest.approx(0.15 - 0.55)
    # Patient a alone gives -0.2, patient b alone -0.6.
    assert (found.low, found.high) == pytest.approx((-0.6, -0.2))


def test_the_interval_covers_a_true_difference_and_excludes_zero_where_it_is_large():
    covered = [weight_difference(*drawn(difference=-0.01, seed=seed), draws=500) for seed in range(60)]
    assert 0.85 <= np.mean([found.low <= -0.01 <= found.high for found in covered]) <= 1
    large = weight_difference(*drawn(difference=-0.1))
    assert large.high < 0


def test_without_one_kind_there_is_no_difference():
    pairs, change = drawn()
    assert all(np.isnan(weight_difference(pairs, np.zeros_like(change))))


@pytest.mark.parametrize("organs", [["lung", "liver"], ["", ""]])
@pytest.mark.parametrize("datasets", [["pool", "pool"], ["one", "two"]])
def test_the_figure_shows_every_pair(organs, datasets):
    pairs, _ = drawn()
    frames = np.random.default_rng(0).integers(0, 255, (2, 8, 8), np.uint8)
    known = manifest(organs).assign(dataset=datasets, label=["a", ""])
    figure = pair_weights_figure(pairs, known, frames, "meta_uscl, seed 0")
    for axis in figure.axes[:2]:
        assert sum(len(cloud.get_offsets()) for cloud in axis.collections) == len(pairs)
        assert len(axis.collections) == (2 if organs[0] else 1)
    assert figure.axes[3].get_title() == ("by label" if datasets[0] == "pool" else "by data set")
    assert_legible(figure)
    plt.close(figure)


def of_sources(count):
    """Pairs, manifest and frames of so many data sets."""
    pairs, _ = drawn()
    names = [f"ultrasound_pool_{k}" for k in range(count)]
    known = manifest(["lung"] * count).assign(dataset=names, label="")
    row = np.arange(len(pairs)) % count
    pairs = pairs.assign(row_a=row, row_c=row[::-1])
    return pairs, known, np.random.default_rng(0).integers(0, 255, (count, 8, 8), np.uint8)


@pytest.mark.parametrize("count", [2, 4, 5])
def test_every_source_has_panels_of_its_own(count):
    pairs, known, frames = of_sources(count)
    figure = pair_weights_figure(pairs, known, frames, "meta_uscl, seed 0")
    panels = [axis for axis in figure.axes[4:] if axis.axison]
    assert len(panels) == 2 * count
    assert sum(len(axis.collections[0].get_offsets()) for axis in panels) == 2 * len(pairs)
    part = pairs[pairs["row_a"] == 0]
    expected = spearmanr(part["distance"], part["weight"]).statistic
    assert panels[0].get_title() == f"ultrasound_pool_0\nrank correlation {expected:+.2f}"
    assert_legible(figure)


def test_equal_figures_are_equal_bytes(tmp_path):
    assert_same_bytes(lambda: pair_weights_figure(*of_sources(2), "meta_uscl, seed 0"), tmp_path)


def test_equal_weights_are_drawn_and_have_no_rank_correlation():
    pairs, _ = drawn()
    known = manifest(["lung", "liver"]).assign(dataset="pool", label=["a", "b"])
    pairs = pairs.assign(weight=1.0, row_a=pairs["row_c"])
    figure = pair_weights_figure(pairs, known, np.zeros((2, 8, 8), np.uint8), "simclr, seed 0")
    assert figure.axes[4].get_title() == "a\nrank correlation undefined"
    assert_legible(figure)
    plt.close(figure)


def test_a_pair_is_of_the_source_of_its_first_frame():
    pairs = pd.DataFrame({"row_a": [0, 1, 1], "row_c": [0, 0, 0]})
    found = sources(pairs, pd.DataFrame({"dataset": ["p", "p"], "label": ["lung", ""]}))
    assert found.tolist() == ["lung", "unlabelled", "unlabelled"]


def test_similarity_is_the_correlation_of_the_pixels():
    frames = np.random.default_rng(0).integers(0, 255, (4, 6, 6), np.uint8)
    frames[2] = 7
    frames[3] = 255 - frames[0]
    # More pairs than are compared at once.
    found = frame_similarity(frames, np.zeros(1000, int), np.arange(1000) % 4).reshape(250, 4)
    assert (found == found[0]).all()
    found = found[0]
    expected = np.corrcoef(frames[0].ravel(), frames[1].ravel())[0, 1]
    np.testing.assert_allclose(found, [1, expected, 0, -1], atol=1e-6)


def test_of_a_weight_net_the_figure_says_what_became_of_it():
    rng = np.random.default_rng(0)
    pairs = pd.DataFrame({"group": "p", "row_a": 0, "row_c": 1, "distance": rng.random(40), "weight": rng.random(40)})
    store = manifest(["lung", "liver"]).assign(dataset="pool", label=["lung", "liver"])
    frames = rng.integers(0, 256, (2, 8, 8), dtype=np.uint8)
    for net in (
        Exercised(0.018, 0.0012, 0.97, 0.8),
        Exercised(3.0, 1.2, None, 1.0),
        Exercised(6e-5, 5.9e-5, -0.5, 0.7),
    ):
        figure = pair_weights_figure(pairs, store, frames, "meta_uscl, seed 0", net)
        assert_legible(figure)
        (text,) = [text.get_text() for text in figure.texts if "Verdict" in text.get_text()]
        figures = (
            f"{net.bound:.2g},",
            f"{net.distance:.2g}.",
            "undefined" if net.correlation is None else f"{net.correlation:+.3f}.",
        )
        assert all(part in text for part in (*figures, f"{net.effective:.3f}", net.verdict))
        plt.close(figure)
    without = pair_weights_figure(pairs, store, frames, "constant, seed 0")
    assert not any("Verdict" in text.get_text() for text in without.texts)
    plt.close(without)
