import json
from random import Random

import pandas as pd
import pytest
from flipped import flip

from uscl.data.splits import Fold
from uscl.evaluate.cell import Cell, run_cell
from uscl.evaluate.finished_folds import FinishedFold, FinishedFolds
from uscl.jobs.live_history import LiveHistory

CELL = Cell("simclr", "busi", "finetune", 100, 0)
FOLDS = [Fold([0, 1], [2], [3]), Fold([2, 3], [0], [1]), Fold([1, 2], [3], [0])]


def run_fold(fold, stream):
    predictions = pd.DataFrame({"case": [f"c{row}" for row in fold.test], "p_a": [1 / (3 + row) for row in fold.test]})
    history = pd.DataFrame(
        {"epoch": [0, 1], "validation_score": [0.1, 1 / 3], "chosen": [False, True], "note": [stream[1], None]}
    )
    return predictions, history


def failing_at(fold_number):
    def run(fold, stream):
        if stream[1].endswith(f"fold{fold_number}"):
            raise KeyboardInterrupt
        return run_fold(fold, stream)

    return run


def never(fold, stream):
    raise AssertionError(f"{stream} was run again")


def test_an_interrupted_cell_resumes_after_its_finished_folds_with_the_same_result(tmp_path):
    whole = run_cell(CELL, run_fold, FOLDS)
    with pytest.raises(KeyboardInterrupt):
        run_cell(CELL, failing_at(2), FOLDS, FinishedFolds(tmp_path, "a"))
    seen = []

    def rest(fold, stream):
        seen.append(stream)
        return run_fold(fold, stream)

    resumed = run_cell(CELL, rest, FOLDS, FinishedFolds(tmp_path, "a"))
    assert seen == [(0, "busi/fold2")]
    pd.testing.assert_frame_equal(resumed.predictions, whole.predictions)
    assert resumed.history.to_csv() == whole.history.to_csv()
    assert resumed.images == whole.images
    assert len(resumed.times) == 3


def test_the_live_history_has_all_folds_with_their_starts_and_changes_nothing(tmp_path):
    finished, live = FinishedFolds(tmp_path, "a"), LiveHistory(tmp_path)

    def reporting(fold, stream):
        predictions, history = run_fold(fold, stream)
        if stream[1] == "busi/fold2":
            assert list(pd.read_csv(tmp_path / "history.csv")["fold"]) == [0, 0, 1, 1]
        for row in history.drop(columns="chosen").to_dict("records"):
            live.add(row)
        return predictions, history

    with pytest.raises(KeyboardInterrupt):
        run_cell(CELL, failing_at(1), FOLDS, finished)
    evaluated = run_cell(CELL, reporting, FOLDS, finished, live)
    written = pd.read_csv(tmp_path / "history.csv")
    assert list(written["started"]) == [times["started"] for times in evaluated.times for _ in range(2)]
    table = written.drop(columns="started").to_csv()
    assert table == evaluated.history.drop(columns="chosen").to_csv()
    assert evaluated.history.to_csv() == run_cell(CELL, run_fold, FOLDS).history.to_csv()


def test_folds_of_other_settings_are_not_used(tmp_path):
    run_cell(CELL, run_fold, FOLDS, FinishedFolds(tmp_path, "a"))
    assert FinishedFolds(tmp_path, "b").find(0) is None
    run_cell(CELL, never, FOLDS, FinishedFolds(tmp_path, "a"))


@pytest.mark.parametrize("file", ["fold.json", "predictions.parquet", "history.parquet"])
def test_a_damaged_fold_is_evaluated_again(tmp_path, file):
    finished = FinishedFolds(tmp_path, "a")
    predictions, history = run_fold(FOLDS[0], (0, "busi/fold0"))
    finished.keep(0, FinishedFold(predictions, history, {"started": 1.0, "ended": 2.0}))
    assert finished.find(0).times == {"started": 1.0, "ended": 2.0}
    path = tmp_path / "fold0" / file
    path.write_bytes(path.read_bytes()[:-9])
    assert finished.find(0) is None


def test_no_flipped_bit_of_a_fold_goes_unnoticed(tmp_path):
    finished, random = FinishedFolds(tmp_path, "a"), Random(1)
    predictions, history = run_fold(FOLDS[0], (0, "busi/fold0"))
    finished.keep(0, FinishedFold(predictions, history, {"started": 1.0, "ended": 2.0}))
    for path in sorted((tmp_path / "fold0").iterdir()):
        whole = path.read_bytes()
        for _ in range(60):
            flip(path, random.randrange(8 * len(whole)))
            found = finished.find(0)
            assert found is None or found.predictions.equals(predictions)
            assert found is None or path.name == "fold.json"
            path.write_bytes(whole)
    assert finished.find(0) is not None


def test_a_fold_without_its_last_file_is_not_finished(tmp_path):
    finished = FinishedFolds(tmp_path, "a")
    finished.keep(0, FinishedFold(*run_fold(FOLDS[0], (0, "x")), {"started": 1.0, "ended": 2.0}))
    fold = json.loads((tmp_path / "fold0/fold.json").read_text())
    assert fold["identity"] == "a"
    (tmp_path / "fold0/fold.json").unlink()
    assert finished.find(0) is None


def test_a_finished_cell_removes_its_folds(tmp_path):
    finished = FinishedFolds(tmp_path / "cell", "a")
    run_cell(CELL, run_fold, FOLDS, finished)
    finished.clear()
    finished.clear()
    assert not (tmp_path / "cell").exists()


def test_another_stream_of_an_arm_gives_other_random_numbers_in_every_fold():
    def streams_of(number):
        seen = []

        def recorded(fold, stream):
            seen.append(stream)
            return run_fold(fold, stream)

        run_cell(CELL, recorded, FOLDS, stream=number)
        return seen

    usual, twin = streams_of(0), streams_of(1)
    assert [purpose for _, purpose in usual] == [purpose for _, purpose in twin]
    assert {seed for seed, _ in usual} == {CELL.seed}
    assert len({seed for seed, _ in twin}) == 1
    assert CELL.seed not in {seed for seed, _ in twin}


def test_every_arm_has_the_same_batches_and_head():
    seen = {}
    for arm in ("simclr", "meta_uscl"):

        def recorded(fold, stream, arm=arm):
            seen.setdefault(arm, []).append(stream)
            return run_fold(fold, stream)

        run_cell(CELL._replace(arm=arm), recorded, FOLDS)
    assert seen["simclr"] == seen["meta_uscl"]
