import os
import time

from uscl.jobs.clock import bring_back


def write(folder, name, at):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
    os.utime(path, (at, at))
    return path


def order(*paths):
    return sorted(paths, key=lambda path: path.stat().st_mtime)


def test_files_from_the_future_come_back_in_their_order_behind_the_others(tmp_path):
    now = time.time()
    old = write(tmp_path, "old", now - 500)
    recent = write(tmp_path, "recent", now - 5)
    later = write(tmp_path, "deep/later", now + 90_000)
    sooner = write(tmp_path, "sooner", now + 86_400)
    twin = write(tmp_path, "twin", now + 86_400)
    os.utime(tmp_path / "deep", (now - 400, now - 400))
    assert bring_back([tmp_path]) == 3
    assert order(later, sooner, recent, old) == [old, recent, sooner, later]
    assert sooner.stat().st_mtime == twin.stat().st_mtime
    assert later.stat().st_mtime <= time.time()
    assert old.stat().st_mtime == now - 500
    assert bring_back([tmp_path]) == 0


def test_without_a_file_from_the_future_no_time_changes(tmp_path):
    path = write(tmp_path, "now", time.time())
    before = path.stat().st_mtime_ns
    assert bring_back([tmp_path, tmp_path / "missing"]) == 0
    assert path.stat().st_mtime_ns == before


def test_what_mlflow_keeps_is_not_looked_at(tmp_path):
    write(tmp_path, "mlartifacts/model", time.time() + 9999)
    os.utime(tmp_path / "mlartifacts", (0, 0))
    assert bring_back([tmp_path]) == 0
