"""The faults find and end all processes that they start."""

import os
import subprocess

from tests.chaos.processes import MARK, kill_all, marked


def test_processes_are_found_by_their_mark_alone(tmp_path):
    with subprocess.Popen(["sleep", "600"], env=os.environ | {MARK: str(tmp_path)}) as process:
        assert [found.pid for found in marked(str(tmp_path))] == [process.pid]
        assert marked(f"{tmp_path}-another") == []
        kill_all(str(tmp_path))
        assert process.wait() != 0
