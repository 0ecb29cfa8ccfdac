import pytest

from uscl.jobs.live_history import LiveHistory, clear


def test_rows_are_written_whole_with_the_columns_of_all(tmp_path):
    live = LiveHistory(tmp_path / "new", [{"epoch": 0, "loss": 0.1}])
    live.begin(fold=1)
    live.add({"epoch": 1, "loss": 1 / 3, "weight": 2.0})
    assert (tmp_path / "new/history.csv").read_text() == f"epoch,loss,weight,fold\n0,0.1,,\n1,{1 / 3},2.0,1\n"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["history.csv"]
    clear(tmp_path / "new")
    clear(tmp_path / "new")
    assert not any((tmp_path / "new").iterdir())


def test_the_history_of_an_older_attempt_is_replaced_at_the_start(tmp_path):
    LiveHistory(tmp_path, [{"epoch": 0}])
    LiveHistory(tmp_path)
    assert not (tmp_path / "history.csv").read_text().strip()


@pytest.mark.parametrize("folder", [None, "/dev/null/nothing"])
def test_a_history_that_cannot_be_written_fails_no_training(tmp_path, folder):
    live = LiveHistory(folder and tmp_path.joinpath(folder))
    live.add({"epoch": 0})
