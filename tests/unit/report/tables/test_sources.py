import json

import pandas as pd

from uscl.jobs.outcome import write_done, write_failed
from uscl.report.tables.sources import by_evaluation, provenance, records_of


def record(arm, seed, commit="c1"):
    return {
        "name": f"busi/linear/{arm}/seed{seed}",
        "params": {"arm": arm, "task": "busi", "regime": "linear", "seed": seed},
        "commit": commit,
        "config_sha256": "k",
        "data_sha256": "d",
        "hardware": {"cpu": "A", "gpu": "none"},
    }


def test_each_evaluation_has_one_row_that_names_all_that_its_seeds_came_from():
    records = [record("simclr", 0), record("simclr", 1, "c2"), record("uscl", 0), record("simclr", 2)]
    found = provenance(records, {"busi": "2 pairs joined", "pocus": "none found"})
    assert found["arm"].tolist() == ["simclr", "uscl"]
    simclr, uscl = found.to_dict("records")
    assert (simclr["run"], simclr["seeds"], simclr["commit"]) == ("busi/linear/simclr", "0 1 2", "c1 / c2")
    assert (uscl["seeds"], uscl["commit"], uscl["cpu"], uscl["gpu"]) == ("0", "c1", "A", "none")
    assert set(found["leaks"]) == {"2 pairs joined"}


def test_an_arm_with_a_failed_run_is_missing_with_its_reason(tmp_path):
    paths = []
    for arm in ("a", "b"):
        folder = tmp_path / arm
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps({"name": arm}))
        write_done(folder, "k", ["run.json"]) if arm == "a" else write_failed(folder, "k", "NaN")
        paths.append(folder / "outcome.json")
    records, missing = records_of(paths, {("busi", "linear"): ["a", "b"]}, [0])
    assert records == [{"name": "a"}]
    assert missing == [("b", "busi", "linear", "seed 0: NaN")]


def test_every_evaluation_has_its_own_arms(tmp_path):
    places = [("busi", "linear", "a"), ("busi", "linear", "b"), ("busi", "finetune", "a")]
    for place in places:
        folder = tmp_path.joinpath(*place)
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({"name": "/".join(place)}))
        write_done(folder, "k", ["run.json"])
    paths = [tmp_path.joinpath(*place, "outcome.json") for place in places]
    records, missing = records_of(paths, {("busi", "linear"): ["a", "b"], ("busi", "finetune"): ["a"]}, [0])
    assert [record["name"] for record in records] == ["busi/linear/a", "busi/linear/b", "busi/finetune/a"]
    assert missing == []


def test_tables_of_all_evaluations_are_joined_with_their_names(tmp_path):
    for number in (0, 1):
        pd.DataFrame({"arm": ["a", "b"]}).to_csv(tmp_path / f"{number}.csv", index=False)
    found = by_evaluation({("busi", "linear"): tmp_path / "0.csv", ("pocus", "knn"): tmp_path / "1.csv"})
    assert found["task"].tolist() == ["busi", "busi", "pocus", "pocus"]
    assert found["regime"].tolist() == ["linear", "linear", "knn", "knn"]
