"""Names that other programs read as something else: text stays text in every table, page and store, or is refused."""

import csv
from pathlib import Path

import pytest

from tests.chaos.cut_off import last_lines
from tests.chaos.mlflow_content import content
from tests.chaos.paths import DATABASE
from tests.chaos.project import checkout, snakemake
from tests.chaos.studies import picture, stopped, study, write
from uscl.base.tables import read_csv

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]
ARMS = ["NA", "true", "007"]
CLASSES = ["NA", "007", "B-line (mild)", ">=3", "=1+1", "Ärzte/50 %_$x$", 'O\'Neill "x" <b>', "x" * 200]
TASK, DATASET, STUDY = "1e3", "null", "007"
REFUSED = ["__proto__", "B line", "v1.2", "Ärzte", "a'b", 'a"b', "a/b", "a" * 65, "", "=1", "a-b"]


def hostile(folder: Path) -> Path:
    """A study of pictures whose names are all read as something else somewhere."""
    pictures = {f"{number:02d}.png": picture(number) for number in range(4 * len(CLASSES))}
    write(folder / "own", pictures)
    with (folder / "own/labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["file", "label"])
        rows.writerows((name, CLASSES[number % len(CLASSES)]) for number, name in enumerate(sorted(pictures)))
    return study(
        folder,
        study=STUDY,
        tracking="mlflow",
        datasets={DATASET: {"kind": "image_csv", "data_root": str(folder / "own")}, "sim_lung": None},
        tasks={"only": {TASK: {"kind": "classification", "dataset": DATASET, "regimes": ["linear"]}}},
        methods={"only": {arm: {"method": "imagenet"} for arm in ARMS}},
        reference="007",
        primary=[{"arm": "NA", "reference": "007", "task": TASK, "regime": "linear", "metric": "macro_f1"}],
    )


def test_arms_classes_tasks_and_studies_that_look_like_something_else(folder: Path) -> None:
    """Tables, claims, figures, pages, LaTeX and MLflow have all of them, by these names."""
    project = checkout(folder / "project")
    run = snakemake(project, study=hostile(folder))
    assert run.returncode == 0, last_lines(run.stdout, 20)
    results = project / "results"
    table, claims = (read_csv(results / f"{name}.csv") for name in ("table", "claims"))
    assert list(dict.fromkeys(table["arm"])) == ARMS
    assert set(table["task"]) == {TASK}
    assert {f"f1_{name}" for name in CLASSES} <= set(table["metric"])
    assert set(claims["arm"]) | {"007"} == set(ARMS)
    assert table["mean"].notna().all()
    assert {path.name for path in (results / f"figures/{TASK}-linear/cells").iterdir()} == {f"{a}-seed0" for a in ARMS}
    for page in ("report.html", "table.html", "claims.html", "table.md", "claims.md", "table.tex"):
        text = (results / page).read_text(encoding="utf-8")
        absent = [arm for arm in ARMS if arm not in text.replace("\\_", "_").replace("\\", "")]
        assert not absent, f"{page} lacks {absent}"
        assert "<b>" not in text.replace("</b>", "<b>") or 'O\'Neill "x" <b>' not in text, f"{page} isn't escaped"
    runs = content(project / DATABASE)
    assert {f"pretrain/{arm}/seed0" for arm in ARMS} <= runs.keys()
    assert {f"{TASK}/linear/{arm}/seed0" for arm in ARMS} <= runs.keys()
    assert {found["status"] for found in runs.values()} == {"FINISHED"}
    assert "Not in MLflow" not in run.stdout
    again = snakemake(project, "sync_tracking", study=folder / "study.yaml")
    assert " 0 runs logged" in again.stdout, last_lines(again.stdout)


@pytest.mark.chaos_short
@pytest.mark.parametrize("key", ["methods", "tasks", "datasets"])
def test_names_that_no_file_can_have_are_refused_at_once(folder: Path, key: str) -> None:
    """One sentence says which characters a name may have."""
    project = checkout(folder / "project")
    for name in REFUSED[:: 1 if key == "methods" else 4]:
        stopped(project, study(folder, **{key: {name: {"method": "imagenet"}}}), "can't be a name in", "-n")
