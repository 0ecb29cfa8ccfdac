import math

import pytest

from uscl.report.tables.writing import grid, limits, mean_and_sd, p_value, points, span


def test_an_undefined_score_is_called_so():
    assert mean_and_sd(math.nan, math.nan, "dice") == "undefined"
    assert limits(math.nan, math.nan, "dice") == ""


def test_scores_are_in_percent_and_distances_in_pixels():
    assert mean_and_sd(0.714, 0.0333, "dice") == "71.4 ± 3.3"
    assert mean_and_sd(12.34, 1.0, "hd95") == "12.3 ± 1.0"
    assert limits(-0.0001, 0.5, "ece") == "[0.0, 50.0]"
    assert mean_and_sd(0.5, math.nan, "dice") == "50.0"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0499, "0.0499"),
        (0.04999, "0.04999"),
        (0.05, "0.05"),
        (0.0503, "0.05"),
        (0.00099, "< 0.001"),
        (0.0012, "0.0012"),
    ],
)
def test_a_p_is_never_rounded_across_five_percent(p, text):
    assert p_value(p) == text


def test_points_show_their_sign_and_never_a_negative_zero():
    assert [points(value, "+") for value in (0.0123, -0.0123, 0.0, -0.0)] == ["+1.2", "-1.2", "0.0", "0.0"]
    assert points(0.0003, "+") == "+0.03"


def test_spans_are_short():
    assert span(["1", "2", "9"]) == "1 to 9"


def test_a_grid_keeps_its_columns_in_line():
    assert grid(["a", "long"], [["wide", "x"]]).splitlines() == [
        "| a    | long |",
        "| ---- | ---- |",
        "| wide | x    |",
    ]
