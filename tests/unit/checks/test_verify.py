from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from tiny import TinyEncoder

from uscl.base.errors import UserError
from uscl.checks import verify
from uscl.checks.verify import Named, listed, named, other_rows, same_weights

TABLE = pd.DataFrame({"run": ["pocus/linear/imagenet", "pocus/linear/imagenet", "busi/knn/simclr", None]})


def test_a_row_is_named_as_the_table_names_it():
    assert named("busi/knn/simclr", TABLE) == Named("busi", "knn", "simclr")


@pytest.mark.parametrize("text", [None, "busi/knn/uscl"])
def test_a_missing_row_is_refused_with_a_list_of_the_existing_ones(text):
    with pytest.raises(UserError, match=r"verify=NAME.*: pocus/linear/imagenet, busi/knn/simclr\.$"):
        named(text, TABLE)


def test_predictions_are_compared_to_the_byte_and_differences_counted_by_case(tmp_path):
    frame = pd.DataFrame({"case": ["a", "b", "c"], "score": [[0.1, 0.9], [0.5, 0.5], [0.2, 0.8]]})
    for name in ("old", "new"):
        frame.to_parquet(tmp_path / f"{name}.parquet")
    assert other_rows(tmp_path / "old.parquet", tmp_path / "new.parquet") == 0
    frame.at[1, "score"] = [0.5, np.nextafter(0.5, 1)]
    frame.to_parquet(tmp_path / "new.parquet")
    assert other_rows(tmp_path / "old.parquet", tmp_path / "new.parquet") == "1 of 3 cases"
    frame.iloc[:2].to_parquet(tmp_path / "new.parquet")
    assert other_rows(tmp_path / "old.parquet", tmp_path / "new.parquet") == "other cases"
    (tmp_path / "new.parquet").write_bytes(b"PAR1")
    assert other_rows(tmp_path / "old.parquet", tmp_path / "new.parquet") == "it can't be read"


def test_weights_are_the_same_bit_for_bit_or_not(tmp_path, monkeypatch):
    monkeypatch.setattr(verify, "read_encoder_file", lambda path: (tensors[path.name], {}))
    first = dict(TinyEncoder().state_dict())
    tensors = {"old": first, "same": {name: tensor.clone() for name, tensor in first.items()}}
    tensors["fewer"] = dict(list(first.items())[1:])
    name = next(iter(first))
    tensors["other"] = first | {name: torch.nextafter(first[name], first[name] + 1)}
    found = {new: same_weights(tmp_path / "old", tmp_path / new) for new in ("same", "fewer", "other")}
    assert found == {"same": True, "fewer": False, "other": False}


def test_a_study_that_cannot_be_computed_again_is_refused_with_the_reason(tmp_path, monkeypatch):
    failed = SimpleNamespace(returncode=1, stdout="Building\nConfig: no such arm.\n")
    monkeypatch.setattr(verify.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(UserError, match=r"could not be computed again.*Config: no such arm"):
        verify.recompute(Named("a", "knn", "b"), {}, [0], tmp_path / "Snakefile", 1, tmp_path / "scratch")


def test_many_differences_are_counted():
    assert listed(["a", "b"]) == "a; b"
    assert listed(list("abcdef")) == "a; b; c; d and 2 more differences"
