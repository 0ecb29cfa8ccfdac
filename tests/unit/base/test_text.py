from uscl.base.text import duration


def test_times_are_short():
    assert [duration(seconds, tenths=True) for seconds in (0.04, 99.4, 100, 5999, 6000)] == [
        "0.0 s",
        "99 s",
        "2 min",
        "100 min",
        "1.7 h",
    ]
