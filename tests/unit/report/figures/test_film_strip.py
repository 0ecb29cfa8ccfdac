import numpy as np
import pandas as pd
import pytest
from legible import assert_legible, assert_same_bytes

from uscl.report.figures.film_strip import choose_videos, film_strip
from uscl.report.figures.style import plt


@pytest.fixture
def pool():
    manifest = pd.DataFrame({"row": range(30), "video": np.repeat(["u", "v", "w"], 10), "frame": np.tile(range(10), 3)})
    manifest = manifest.assign(frame=[*range(9, -1, -1), *range(10), *range(10)])  # u lies backwards in the store
    rows = [("u", 9, 5, 1, 0.2), ("u", 8, 7, 6, 0.4), ("v", 10, 12, 19, 0.9), ("w", 20, 21, 22, 0.5)]
    return manifest, pd.DataFrame(rows, columns=["video", "row_a", "row_b", "row_c", "weight"])


def test_highest_median_and_lowest_mean_weight_are_chosen_in_time_order(pool):
    manifest, pairs = pool
    strips = choose_videos(pairs, manifest)
    assert [(strip.rank, strip.video) for strip in strips] == [("highest", "v"), ("median", "w"), ("lowest", "u")]
    assert strips[2].rows.tolist() == list(range(9, -1, -1))
    assert [strip.video for strip in choose_videos(pairs[pairs["video"] == "w"], manifest)] == ["w"]


def test_a_pair_is_drawn_over_its_frames_places(pool):
    manifest, pairs = pool
    figure = film_strip(np.zeros((30, 8, 8), np.uint8), choose_videos(pairs, manifest), "meta_uscl, seed 0")
    lines = figure.axes[5].lines
    assert [line.get_xdata().tolist() for line in lines[::3]] == [[0, 8], [1, 3]]
    assert [line.get_xdata().tolist() for line in lines[1::3]] == [[0, 8], [1, 3]]
    assert [line.get_xdata() for line in lines[2::3]] == [[4], [2]]
    assert_legible(figure)


def test_equal_figures_are_equal_bytes(pool, tmp_path):
    manifest, pairs = pool
    strips = choose_videos(pairs, manifest)[:1]
    assert_same_bytes(lambda: film_strip(np.zeros((30, 8, 8), np.uint8), strips, "seed 0"), tmp_path)


def test_a_pair_out_of_the_order_of_time_is_drawn_over_all_its_frames(pool):
    columns = {"row_a": [15, 15], "row_b": [11, 11], "row_c": [13, 13], "weight": [0.5, 0.6]}
    pairs = pd.DataFrame({"video": ["v", "v"], **columns})
    figure = film_strip(np.zeros((30, 8, 8), np.uint8), choose_videos(pairs, pool[0]), "uscl, seed 0")
    axis = figure.axes[1]
    assert [np.asarray(line.get_xdata()).tolist() for line in axis.lines[:3]] == [[1, 5], [5, 3], [1]]
    assert axis.texts[0].xy == (5, 0)  # the weight comes after the line
    plt.close(figure)


@pytest.mark.parametrize("count", [1, 5, 12, 13, 50, 333])
def test_pairs_are_drawn_under_their_frames(count):
    manifest = pd.DataFrame({"row": range(count), "video": "u", "frame": range(count)})
    pairs = pd.DataFrame({"video": ["u"], "row_a": [0], "row_b": [0], "row_c": [count - 1], "weight": [0.5]})
    figure = film_strip(np.zeros((count, 8, 8), np.uint8), choose_videos(pairs, manifest), "meta_uscl, seed 0")
    figure.draw_without_rendering()
    film, lines = figure.axes
    # Within half of what a picture is wide, also after the layout.
    assert len(film.texts) == min(count, 12)
    for text in film.texts:
        drawn = film.transData.transform((text.xy[0], 0))[0]
        expected = lines.transData.transform((int(text.get_text()), 0))[0]
        picture = np.diff(film.transData.transform([(0, 0), (max(count, 12) / 12, 0)])[:, 0]).item()
        assert abs(drawn - expected) <= 0.5 * picture
    assert_legible(figure)
    plt.close(figure)


def test_a_video_of_one_frame_and_equal_weights_are_drawn(pool):
    manifest = pool[0].iloc[:1]
    pairs = pd.DataFrame({"video": ["u"], "row_a": [0], "row_b": [0], "row_c": [0], "weight": [1.0]})
    figure = film_strip(np.zeros((1, 8, 8), np.uint8), choose_videos(pairs, manifest), "simclr, seed 0")
    assert len(figure.axes) == 2
    assert figure.axes[0].get_title() == "u"  # neither a rank nor a weight
    assert not figure.axes[1].texts
    assert_legible(figure)
    plt.close(figure)
