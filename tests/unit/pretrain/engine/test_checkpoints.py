import logging

import pytest
import torch

from uscl.pretrain.engine import checkpoints


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def trained(seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
        optimizer = torch.optim.Adam(model.parameters())
        model(torch.rand(5, 3)).square().sum().backward()
    optimizer.step()
    return model, optimizer


def test_a_state_comes_back_bit_for_bit(tmp_path):
    model, optimizer = trained()
    history = [{"epoch": 0, "lr": 0.1, "loss": 1.25, "pairs": 7}]
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history, "seconds": 3.5}
    checkpoints.save(tmp_path / "new", 1, 0, "this run", state)
    found = checkpoints.latest(tmp_path / "new", "this run")
    assert (found["history"], found["seconds"]) == (history, 3.5)
    other_model, other_optimizer = trained(seed=1)
    other_model.load_state_dict(found["model"])
    other_optimizer.load_state_dict(found["optimizer"])
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, other_model.state_dict()[name])
    for number, moments in optimizer.state_dict()["state"].items():
        for name, tensor in moments.items():
            assert torch.equal(tensor, other_optimizer.state_dict()["state"][number][name])


def test_the_last_two_are_kept_and_the_newest_is_taken(tmp_path):
    for epochs, steps in ((0, 3), (1, 0), (9, 0), (10, 0), (10, 7)):
        checkpoints.save(tmp_path, epochs, steps, "this run", {"value": [epochs, steps]})
    kept = ["epochs000010-steps000000.pt", "epochs000010-steps000007.pt"]
    assert names(tmp_path) == kept
    assert checkpoints.latest(tmp_path, "this run") == {"value": [10, 7]}
    assert names(tmp_path) == kept
    checkpoints.save(tmp_path, 11, 0, "this run", {"value": [11, 0]})  # the end of the epoch comes after its steps
    assert checkpoints.latest(tmp_path, "this run") == {"value": [11, 0]}


def test_without_checkpoints_there_is_nothing_to_resume(tmp_path):
    assert checkpoints.latest(tmp_path, "this run") is None
    assert checkpoints.latest(tmp_path / "missing", "this run") is None


@pytest.mark.parametrize("part", [0.0, 0.001, 0.3, 0.99])
def test_a_cut_off_file_is_removed_and_the_one_before_it_taken(tmp_path, caplog, part):
    for epoch in (3, 4):
        checkpoints.save(tmp_path, epoch, 0, "this run", {"tensor": torch.full((1000,), float(epoch))})
    newest = tmp_path / "epochs000004-steps000000.pt"
    whole = newest.read_bytes()
    newest.write_bytes(whole[: int(part * len(whole))])
    with caplog.at_level(logging.WARNING):
        state = checkpoints.latest(tmp_path, "this run")
    assert torch.equal(state["tensor"], torch.full((1000,), 3.0))
    (message,) = caplog.messages
    assert message.startswith(f"{newest} can't be read (")
    assert message.endswith("): removed.")
    assert names(tmp_path) == ["epochs000003-steps000000.pt"]


def test_a_file_damaged_anywhere_is_not_accepted_as_whole(tmp_path):
    state = {"model": trained()[0].state_dict()}
    checkpoints.save(tmp_path, 0, 0, "this run", state)
    path = tmp_path / "epochs000000-steps000000.pt"
    whole = path.read_bytes()
    refused = 0
    for start in range(0, len(whole), 61):
        path.write_bytes(whole[:start] + bytes([whole[start] ^ 16]) + whole[start + 1 :])
        found = checkpoints.latest(tmp_path, "this run")
        assert (found is None) == (not path.exists())
        refused += found is None
        if found:  # a byte without meaning, between the entries
            assert all(torch.equal(tensor, state["model"][name]) for name, tensor in found["model"].items())
    assert refused > 20


def test_checkpoints_of_another_run_are_removed_and_not_taken(tmp_path, caplog):
    for epoch in (0, 1):
        checkpoints.save(tmp_path, epoch, 0, "old settings", {"value": epoch})
    with caplog.at_level(logging.WARNING):
        assert checkpoints.latest(tmp_path, "new settings") is None
    assert names(tmp_path) == []
    assert all(message.endswith("is from other settings, data or code: removed.") for message in caplog.messages)
    assert len(caplog.messages) == 2


def test_a_file_that_another_process_has_removed_meanwhile_is_passed_over(tmp_path, monkeypatch):
    checkpoints.save(tmp_path, 0, 0, "old settings", {"value": 0})
    load = torch.load

    def load_then_lose(path, **options):
        found = load(path, **options)
        path.unlink()
        return found

    monkeypatch.setattr(torch, "load", load_then_lose)
    assert checkpoints.latest(tmp_path, "new settings") is None


def test_a_failing_save_leaves_the_checkpoints_before_it_and_nothing_else(tmp_path):
    for epoch in (0, 1):
        checkpoints.save(tmp_path, epoch, 0, "this run", {"value": epoch})
    with pytest.raises(AttributeError, match="lambda"):
        checkpoints.save(tmp_path, 2, 0, "this run", {"value": lambda: None})
    assert names(tmp_path) == ["epochs000000-steps000000.pt", "epochs000001-steps000000.pt"]
    assert checkpoints.latest(tmp_path, "this run") == {"value": 1}


def test_a_finished_run_leaves_no_checkpoint_no_half_written_one_and_no_empty_folder(tmp_path):
    folder = tmp_path / "checkpoints"
    for epoch in (0, 1):
        checkpoints.save(folder, epoch, 0, "this run", {"value": epoch})
    (folder / ".4711.epochs000002-steps000000.pt").write_bytes(b"killed while writing")
    (folder / "history.csv").touch()
    checkpoints.clear(folder)
    assert not folder.exists()
    checkpoints.clear(folder)  # a run that finished before its first checkpoint


def test_other_files_in_the_folder_stay(tmp_path):
    checkpoints.save(tmp_path, 0, 0, "this run", {"value": 0})
    (tmp_path / "notes.txt").write_text("mine")
    checkpoints.clear(tmp_path)
    assert names(tmp_path) == ["notes.txt"]
