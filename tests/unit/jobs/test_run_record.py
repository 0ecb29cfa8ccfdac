import json
import subprocess
import sys

from uscl.jobs.run_record import RunRecord


def test_a_record_names_configuration_data_and_place(tmp_path):
    data = tmp_path / "manifest.csv"
    data.write_text("a")
    record = RunRecord("x", params={"lr": 0.1}, config={"seeds": [0]}, data=[data], tags={"arm": "simclr"})
    record.write(tmp_path / "run.json", folds=[1])
    written = json.loads((tmp_path / "run.json").read_text())
    assert written["name"] == "x"
    assert written["folds"] == [1]
    assert written["started"] <= written["ended"]
    assert written["peak_memory_mib"] > 1
    assert written["packages"]["torch"].startswith("2.")
    assert set(record.origin()) == {"name", "config_sha256", "data_sha256", "commit"}


def test_hashes_depend_on_settings_and_data(tmp_path):
    data = tmp_path / "manifest.csv"
    data.write_text("a")

    def hashes(**config):
        record = RunRecord("x", params={}, config=config, data=[data], tags={}).record
        return record["config_sha256"], record["data_sha256"]

    first = hashes(a=1, b=2)
    assert hashes(b=2, a=1) == first
    assert hashes(a=1, b=3)[0] != first[0]
    # The results folder and the tracking store change no result.
    assert hashes(a=1, b=2, results="elsewhere", tracking="none") == first
    data.write_text("b")
    assert hashes(a=1, b=2)[1] != first[1]


def test_a_record_needs_no_torch(tmp_path):
    code = "import sys; from uscl.jobs.run_record import hardware; print(hardware()['gpu'], 'torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["none", "False"]
