import pytest

from uscl.audit.names import meaningful, plain, series_of


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("Pneu_northumbria_0409_set4_vid2", "pneu-northumbria-0409-set4"),
        ("Reg_pat3Image_134811", "reg-pat3"),
        ("patient_10_clip7", "patient-10"),
        ("video12", ""),
        ("IMG_0001", ""),
        ("Cov-Atlas", ""),
        ("benign (433)", ""),
    ],
)
def test_a_series_is_the_name_before_the_number_of_a_clip(name, series):
    assert series_of(plain(name)) == series


@pytest.mark.parametrize("name", ["image-1", "frame12", "video", "scan-0007", "lung-3", "a1"])
def test_generic_names_are_not_meaningful(name):
    assert not meaningful(plain(name))
    assert meaningful(plain(f"Northumbria {name}"))
