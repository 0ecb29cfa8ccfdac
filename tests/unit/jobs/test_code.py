import ast
import os
import time
from pathlib import Path

import pytest

from uscl.jobs import code
from uscl.jobs.code import code_hash, direct_imports, imported_files

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
    expected = {"uscl/__init__.py", "uscl/a.py", "uscl/c.py", "uscl/sub/__init__.py", "uscl/sub/b.py"}
    assert imported_files(project, ("script.py",)) == expected


def fresh_hash(project, *files):
    """The hash as a new process computes it."""
    for function in (code_hash, direct_imports, code.file_hash, code.module_files):
        function.cache_clear()
    return code_hash(project, *files)


def test_the_hash_depends_on_the_content_of_imported_files_and_not_on_time_stamps(project):
    before = fresh_hash(project, "script.py")
    for name in ("script.py", "uscl/sub/b.py", "uscl/unused.py"):
        os.utime(project / name, (time.time() + 60, time.time() + 60))
    assert fresh_hash(project, "script.py") == before
    (project / "uscl/unused.py").write_text("x = 1")
    assert fresh_hash(project, "script.py") == before
    assert fresh_hash(project, "script.py", "uscl/unused.py") != before
    (project / "uscl/c.py").write_text("import uscl.a  # edited")
    week = time.time() - 7 * 24 * 3600
    os.utime(project / "uscl/c.py", (week, week))
    assert fresh_hash(project, "script.py") != before


def imports_by_the_parser(path):
    """A slow reference: the imports that Python's own parser finds."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.split(".")[0] == "uscl":
                found.update(code.module_files(ROOT, name))
    return found


def test_imports_are_found_as_the_parser_finds_them():
    files = [*ROOT.glob("uscl/**/*.py"), *ROOT.glob("workflow/scripts/**/*.py")]
    names = [str(path.relative_to(ROOT)) for path in files]
    assert len(names) > 200
    assert {name: direct_imports(ROOT, name) for name in names} == {name: imports_by_the_parser(name) for name in names}


def test_scripts_depend_on_what_they_use_and_on_nothing_else():
    table = imported_files(ROOT, ("workflow/scripts/report/table.py",))
    assert "uscl/report/tables/result_table.py" in table
    of_data = {name for name in table if name.startswith("uscl/data/")}
    assert of_data == {"uscl/data/__init__.py", "uscl/data/units.py"}  # how groups are counted in words
    assert not any(name.startswith(("uscl/models/", "uscl/pretrain/methods/")) for name in table)
    # What the tables say of a training, from its history.
    of_trainings = {name for name in table if name.startswith("uscl/pretrain/") and not name.endswith("__init__.py")}
    assert of_trainings == {"uscl/pretrain/engine/learned.py", "uscl/pretrain/meta/exercised.py"}
    finetune = imported_files(ROOT, ("workflow/scripts/evaluate/finetune.py", "uscl/evaluate/classification.py"))
    assert {"uscl/evaluate/finetune.py", "uscl/training/augment.py", "uscl/models/encoders.py"} <= set(finetune)
    assert "uscl/evaluate/segmentation.py" not in finetune
    assert not any(name.startswith(("uscl/pretrain/", "uscl/tracking/", "uscl/study/")) for name in finetune)
    # Adding a regime or a metric must not repeat any training.
    assert not {"uscl/evaluate/regimes.py", "uscl/metrics/registry.py"} & finetune
