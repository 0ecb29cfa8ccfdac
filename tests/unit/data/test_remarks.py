"""Problems of many files: what reaches the screen, and what a row of problems.csv says."""

import logging
from pathlib import Path

import pytest

from uscl.base.errors import UserError
from uscl.data.readers.shared.listing import Problem
from uscl.data.remarks import MOST_LINES, Remarks, one_verdict, shape


def warned(caplog, problems):
    found = Remarks("set", Path("data"), stop=False)
    found.add(problems)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        found.log()
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("truncated: 3 of 9 frames could be read", "truncated: 14 of 90 frames could be read"),
        ("the mask a.png has 3 x 4 pixels, its image 5 x 6", "the mask b c.tif has 9 x 4 pixels, its image 7 x 6"),
        (
            "the mask a.png: its values are 1, 2, so it is",
            "the mask b.png: its values are 0, 7.5, 9 and 3 more, so it is",
        ),
        ("the mask a.png: its values are #00ff00, #0000ff, so", "the mask b.png: its values are #12ab00, so"),
        ("a media file, but its ending .rm is not read here", "a media file, but its ending .m1v is not read here"),
        ("its frame x_frame1.png: empty file (0 bytes)", "its frame y.png: empty file (0 bytes)"),
    ],
)
def test_reasons_that_name_other_numbers_and_masks_are_alike(first, second):
    assert shape(first) == shape(second)


def test_other_reasons_are_not_alike():
    assert shape("only one frame") != shape("only one frame; uses 12 of 16 bits")


def test_hundreds_of_lines_never_reach_the_screen(caplog):
    kinds = [
        Problem(f"{kind}{number}.png", "kept", kind * 3) for kind in "abcdefghijklmnopqrstuvwxyz" for number in range(9)
    ]
    found = warned(caplog, [*kinds, *(Problem(f"{number}.txt", "left out", "no picture") for number in range(99))])
    assert found[0] == "set: kept 9 files, such as a0.png: aaa"
    assert found[MOST_LINES:] == [f"set: {26 - MOST_LINES} more kinds of problems: problems.csv names all"]
    assert {f"set: kept {problem.file}: {problem.reason}" for problem in kinds} <= set(caplog.messages)
    assert "set: left out 98.txt: no picture" in caplog.messages


def test_the_most_serious_and_frequent_come_first_and_the_set_has_no_name(caplog):
    found = warned(
        caplog,
        [
            Problem(".", "kept", "no patients"),
            Problem("a", "kept", "x"),
            Problem("b", "kept", "x"),
            Problem("c", "set aside", "y"),
        ],
    )
    assert found == ["set: set aside c: y", "set: kept 2 files, such as a: x", "set: no patients"]


def test_a_file_that_is_set_aside_stops_if_it_shall():
    found = Remarks("set", Path("data"), stop=True)
    found.add([Problem("a.mp4", "kept", "x"), Problem("b.txt", "left out", "y")])
    with pytest.raises(UserError, match=r"^data/c\.mp4 cannot be used: z\. Replace it, or set on_bad_video: skip\.$"):
        found.add([Problem("c.mp4", "set aside", "z")])


def test_a_file_has_one_verdict_with_its_most_serious_reasons():
    problems = [
        Problem("b", "kept", "x"),
        Problem("a", "kept", "x"),
        Problem("b", "set aside", "y"),
        Problem("a", "kept", "z"),
    ]
    assert one_verdict(problems) == [Problem("a", "kept", "x; z"), Problem("b", "set aside", "y")]
