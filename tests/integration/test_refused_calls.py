"""What a call refuses, in one sentence; in a finished study nothing finished is lost by it."""

import json
import os
import time

import pytest

from tests.integration.calls import (
    copy_of_checkout,
    end_of,
    fails,
    hashes,
    planned,
    start,
    succeeds,
    tiny,
    write_study,
)

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """A project without results: none of the calls in it makes any."""
    return copy_of_checkout(tmp_path_factory.mktemp("projects") / "new")


def test_a_typing_error_in_the_config_is_one_sentence(new):
    printed = fails(new, "--config", "sedes=[1]")
    assert "unknown key 'sedes' at the top level; did you mean 'seeds'?" in printed


def test_missing_imagenet_weights_stop_the_study_before_anything_runs(new, tmp_path):
    offline = {"TORCH_HOME": str(tmp_path / "hub"), "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    printed = fails(new, "--config", "encoder=resnet18", **offline)
    assert "The ImageNet weights of resnet18 can't be downloaded" in printed
    assert "imagenet_weights: {resnet18: PATH}" in printed
    assert not (new / "results/raw").exists()


def test_of_several_calls_at_once_one_works_and_loses_nothing(project, new):
    before = hashes(project / "results")
    figure = "figures/overview.png"
    calls = [start(project, "--cores", "1", "--force", "--", f"results/{figure}") for _ in range(3)]
    mark = project / "results/.call.json"
    while not mark.exists():
        assert any(call.poll() is None for call in calls)
        time.sleep(0.02)
    results = project / "results"
    calls.append(start(new, "--cores", "1", "--config", f"results={results}", "--", f"{results}/{figure}"))
    ends = [end_of(call) for call in calls]
    (holder,) = (call.pid for call, end in zip(calls, ends, strict=True) if end.returncode == 0)
    for end in ends:
        assert "Traceback" not in end.stdout
        if end.returncode:
            assert f"results is in use by another call, process {holder} on " in end.stdout
            assert "--unlock" in end.stdout
    assert not mark.exists()
    assert not (new / "results/figures").exists()
    assert hashes(project / "results") == before
    assert planned(project) == {}


def test_what_is_refused_in_a_finished_study_trains_nothing_again(project, tmp_path):
    runs = ("frames", "encoders", "cells", "authors_protocol")
    before = hashes(project / "results", *runs)
    wrong = tmp_path / "wrong.safetensors"
    wrong.write_text("no encoder")
    printed = fails(project, "--config", f"methods={{wrong: {{method: simclr, epochs: 1, init: {wrong}}}}}")
    assert "wrong.safetensors" in printed
    printed = fails(project, "--config", "splits={folds: 15}")
    assert "`splits: folds` is 15" in printed
    assert "too few groups" in printed
    study = tiny()
    study["datasets"]["sim_breast"] = {"reader": "udiat_b", "data_root": str(tmp_path / "unmounted")}
    printed = fails(project, study=write_study(tmp_path / "study.yaml", study))
    assert f"Data set 'sim_breast': there is no folder {tmp_path / 'unmounted'}" in printed
    failing_gate(project)
    assert hashes(project / "results", *runs) == before
    # The original config: the gate and the checks alone, and then nothing more.
    assert planned(project) == {"gate": 1, "check_study": 1}
    succeeds(project)
    assert planned(project) == {}


def failing_gate(project):
    """The gate is gone, and the verdict of the audit is now against the study."""
    (project / "results/audit/passed.txt").unlink()
    verdict = project / "results/audit/verdict.json"
    content, stamp = verdict.read_bytes(), verdict.stat()
    record = verdict.with_name("audit.provenance.json").rename(verdict.with_name("audit.provenance.aside"))
    verdict.write_text(json.dumps(json.loads(content) | {"passed": False}))
    os.utime(verdict, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert "between training and test data" in fails(project)
    verdict.write_bytes(content)
    os.utime(verdict, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    record.rename(verdict.with_name("audit.provenance.json"))
