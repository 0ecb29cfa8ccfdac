import pytest
from legible import assert_legible, assert_same_bytes
from matplotlib.colors import to_rgb

from uscl.report.figures.style import BLUE, GREEN, ORANGE, arm_styles, plt, save, save_both, wrapped


def drawn():
    """A figure with all that identifiers and layout could make differ: markers, hatches, clipping, a legend."""
    figure, axis = plt.subplots(layout="constrained")
    for place, (arm, style) in enumerate(arm_styles([f"arm{place}" for place in range(9)]).items()):
        axis.plot([0, 1], [place, place + 1], color=style.colour, marker=style.marker, ls=style.linestyle, label=arm)
        axis.bar(place, 1, color=style.colour, hatch=style.hatch)
    axis.set(title="costs $5", xlim=(0.5, 8))
    axis.legend()
    return figure


def test_eight_arms_differ_in_every_part():
    looks = list(arm_styles([f"arm{place}" for place in range(8)]).values())
    for part in zip(*looks, strict=True):
        assert len(set(part)) == 8


def test_more_arms_differ_as_a_whole():
    looks = list(arm_styles([f"arm{place}" for place in range(64)]).values())
    assert len({(look.colour, look.marker) for look in looks}) == 64
    assert looks[8].colour == looks[0].colour
    assert looks[8].marker != looks[0].marker


def test_the_style_depends_on_the_place():
    assert arm_styles(["a", "b", "c"])["c"] == arm_styles(["x", "y", "c", "z"])["c"]
    assert [style.colour for style in arm_styles("abc").values()] == [BLUE, ORANGE, GREEN]


def test_neighbours_differ_in_grey():
    greys = [sum(to_rgb(style.colour)) / 3 for style in arm_styles("abcdefgh").values()]
    looks = list(arm_styles("abcdefgh").values())
    # If two greys are close, marker and line distinguish the arms.
    for one in range(8):
        for other in range(one):
            assert abs(greys[one] - greys[other]) > 0.2 or looks[one][1:] != looks[other][1:]


def test_names_break_where_they_have_parts():
    assert wrapped("simclr", 10) == "simclr"
    assert wrapped("meta_uscl from-imagenet", 10) == "meta_uscl \nfrom-\nimagenet"
    assert wrapped("x" * 25, 10) == "\n".join(["x" * 10, "x" * 10, "x" * 5])
    assert wrapped("meta_uscl_resnet50", 12).replace("\n", "") == "meta_uscl_resnet50"


def test_both_files_are_the_same_bytes_every_time(tmp_path):
    assert_same_bytes(drawn, tmp_path)


def test_a_figure_can_be_saved_again(tmp_path):
    figure = drawn()
    for name in ("first", "again"):
        save_both(figure, tmp_path / name)
    for suffix in ("png", "svg"):
        assert (tmp_path / f"first.{suffix}").read_bytes() == (tmp_path / f"again.{suffix}").read_bytes()


def test_text_in_the_svg_is_text_and_neither_file_has_a_date(tmp_path):
    save_both(drawn(), tmp_path / "new" / "v1.5")
    svg = (tmp_path / "new" / "v1.5.svg").read_text()
    assert ">costs $5</text>" in svg
    assert "dc:date" not in svg
    assert (tmp_path / "new" / "v1.5.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["v1.5.png", "v1.5.svg"]
    assert plt.get_fignums() == []


def test_save_writes_the_path_it_is_given(tmp_path):
    save(drawn(), tmp_path / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]


def test_the_check_of_legibility_finds_what_it_looks_for():
    for place, size, message in ((1.2, 9, "clipped"), (0.5, 5, "small"), (0.5, 9, "lies on")):
        figure = plt.figure(figsize=(4, 3))
        figure.text(0.5, 0.5, "first")
        figure.text(place, 0.5, "second", fontsize=size)
        with pytest.raises(AssertionError, match=message):
            assert_legible(figure)
