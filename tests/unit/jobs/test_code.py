import os
from pathlib import Path

import pytest

from uscl.jobs.code import fingerprint, imported_modules

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path):
    files = {
        "uscl/__init__.py": "",
        "uscl/a.py": "import numpy\nfrom uscl.sub import b",
        "uscl/sub/__init__.py": "",
        "uscl/sub/b.py": "def late():\n    from uscl.c import thing",
        "uscl/c.py": "import uscl.a",
        "uscl/unused.py": "",
        "script.py": "from uscl.a import x",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_imports_are_followed_through_packages_functions_and_circles(project):
    expected = ["uscl/__init__.py", "uscl/a.py", "uscl/c.py", "uscl/sub/__init__.py", "uscl/sub/b.py"]
    assert imported_modules(project, ["script.py"]) == expected


def test_a_module_that_is_named_counts_itself(project):
    assert "uscl/unused.py" in imported_modules(project, ["script.py", "uscl/unused.py"])


def test_scripts_rest_on_what_they_use_and_on_nothing_else():
    table = imported_modules(ROOT, ["workflow/scripts/report/table.py"])
    assert "uscl/report/tables/result_table.py" in table
    assert not any(name.startswith(("uscl/models/", "uscl/data/", "uscl/pretrain/")) for name in table)
    finetune = imported_modules(ROOT, ["workflow/scripts/evaluate/finetune.py", "uscl/evaluate/classification.py"])
    assert {"uscl/evaluate/finetune.py", "uscl/training/augment.py", "uscl/models/encoders.py"} <= set(finetune)
    assert "uscl/evaluate/segmentation.py" not in finetune
    assert not any(name.startswith(("uscl/pretrain/", "uscl/tracking/")) for name in finetune)


def test_a_fingerprint_follows_names_sizes_and_times(tmp_path):
    file = tmp_path / "deep" / "a.mp4"
    file.parent.mkdir()
    file.write_text("1")
    first = fingerprint(str(tmp_path))
    assert fingerprint(str(tmp_path)) == first
    os.utime(file, (1, 1))
    second = fingerprint(str(tmp_path))
    file.rename(file.with_name("b.mp4"))
    third = fingerprint(str(tmp_path))
    assert len({first, second, third}) == 3
    (tmp_path / ".timestamp").touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "index.csv").touch()
    (tmp_path / "README.md").touch()
    assert fingerprint(str(tmp_path)) == third
    (tmp_path / "nowhere.mp4").symlink_to(tmp_path / "gone")
    assert fingerprint(str(tmp_path)) != third
    assert fingerprint(str(tmp_path / "missing")) == fingerprint(str(tmp_path / "another"))
