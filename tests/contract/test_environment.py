"""The lock files fix versions and files, name what the library imports, and are what every way to install takes."""

import re
import subprocess
import sys
import tomllib
import urllib.error
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from requirements import lock

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-cuda.lock", "requirements-dev.lock"]


def locked(file="requirements.lock"):
    return [pin.partition(";")[0] for pin in lock.pins(ROOT / file)]


def hashes(file):
    """The hashes of every package in a lock file."""
    found = {}
    for line in (ROOT / file).read_text().splitlines():
        if "==" in line and not line.startswith("#"):
            name = line.partition("==")[0]
            found[name] = []
        elif line.startswith("    --hash=sha256:"):
            found[name].append(line.removesuffix(" \\").removeprefix("    --hash=sha256:"))
    return found


def names(requirements):
    return {normal(re.split(r"[<>=!~\[ ]", requirement)[0]) for requirement in requirements}


def declared():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_conda_users_get_the_locked_versions():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == ["-r requirements-cuda.lock"]
    assert "python=3.11" in environment["dependencies"]


@pytest.mark.parametrize("file", LOCKS)
def test_every_version_is_exact_and_names_no_build(file):
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-]+==[0-9][A-Za-z0-9.]*", line) for line in locked(file))
    assert locked(file) == sorted(locked(file), key=str.lower)


@pytest.mark.parametrize("file", LOCKS)
def test_every_package_has_hashes(file):
    found = hashes(file)
    assert len(found) == len(locked(file))
    for name, of_package in found.items():
        assert of_package, name
        assert of_package == sorted(set(of_package)), name
        assert all(re.fullmatch("[0-9a-f]{64}", each) for each in of_package), name


def test_what_a_cuda_build_needs_is_for_linux_and_comes_on_top():
    text = (ROOT / "requirements-cuda.lock").read_text()
    assert text.count("-r requirements.lock\n") == 1
    assert text.count('; platform_system == "Linux"') == len(locked("requirements-cuda.lock"))
    assert names(locked()).isdisjoint(names(locked("requirements-cuda.lock")))


@pytest.mark.parametrize("package", ["torch", "torchvision"])
def test_the_hashes_of_torch_are_those_of_the_index_and_of_the_cpu_builds(package):
    version = next(pin.partition("==")[2] for pin in locked() if pin.startswith(f"{package}=="))
    listed, cpu = hashes("requirements.lock")[package], lock.files_of(package, lock.cpu_wheels(), version)
    assert len(cpu) > 5
    try:
        index = lock.files_of(package, lock.release(package), version)
    except (urllib.error.URLError, TimeoutError) as error:
        assert {file.sha256 for file in cpu} < set(listed)
        pytest.skip(f"the package index can't be reached ({error})")
    assert len(index) > 8
    assert {file.sha256 for file in (*index, *cpu)} == set(listed)


def test_hashes_are_written_again_without_a_trace_of_the_old_ones(monkeypatch):
    files = ["a-1.0-py3-none-any.whl", "a-1.0.tar.gz", "a-2.0-py3-none-any.whl", "b_c-2-cp311-cp311-win_amd64.whl"]
    monkeypatch.setattr(lock, "release", lambda name: [lock.File(file, f"{name}{k}") for k, file in enumerate(files)])
    text = '# a==0\n-r x\na==1 \\\n    --hash=sha256:00\nB.c==2.0; python_version > "3"\n'
    expected = (
        "# a==0\n-r x\na==1 \\\n    --hash=sha256:a0\n"
        'B.c==2.0; python_version > "3" \\\n    --hash=sha256:B.c3 \\\n    --hash=sha256:cpu\n'
    )
    found = lock.with_hashes(text, [lock.File("b_c-2.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl", "cpu")])
    assert found == expected
    assert lock.with_hashes(found, [lock.File("b_c-2.0+cpu-cp312-cp312-manylinux_2_28_x86_64.whl", "cpu")]) == found
    with pytest.raises(SystemExit, match=r"The index has no file of a 3 for pip to install: correct the line\."):
        lock.with_hashes("a==3\n")


def test_everything_the_package_declares_is_locked():
    assert names(declared()["project"]["dependencies"]) <= names(locked())


def test_what_only_developers_need_is_locked_apart():
    groups = declared()["dependency-groups"]
    wanted = names(entry for group in groups.values() for entry in group if isinstance(entry, str))
    assert wanted <= names(locked("requirements-dev.lock"))
    assert names(locked()).isdisjoint(names(locked("requirements-dev.lock")))


def test_the_lock_of_developers_is_complete_but_for_what_lightly_asks_for():
    """It is installed with --no-deps, so pip would not add what is missing."""
    everything = [*locked(), *locked("requirements-dev.lock")]
    missing = {}
    for name in names(everything) - {"lightly"}:
        needed = map(Requirement, distribution(name).requires or [])
        wanted = {normal(one.name) for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})}
        missing[name] = wanted - names(everything) - {"pip", "setuptools", "wheel"}
    assert not {name: wanted for name, wanted in missing.items() if wanted}
    code = (
        "import sys, uscl.models.torchvision_cpu, lightly.loss, lightly.models.modules;"
        " print([name for name in ('hydra', 'omegaconf', 'pytorch_lightning') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_one_version_is_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    (newest, *_) = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    version = declared()["project"]["version"]
    assert citation["version"] == citation["preferred-citation"]["version"] == version
    assert newest == version or newest.startswith(f"{version} (")
    assert f"version = {{{version}}}" in (ROOT / "docs/index.md").read_text()


def test_the_container_is_made_from_the_lock_with_its_python():
    text = (ROOT / "Dockerfile").read_text()
    assert "FROM python:3.11-" in text
    assert "--no-deps --require-hashes --requirement requirements-cuda.lock" in text
