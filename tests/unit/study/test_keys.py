"""What the jobs of the tiny study rest on: an edited file re-runs these, and nothing else."""

from pathlib import Path

import pytest
import yaml

from uscl.jobs.code import imported_files
from uscl.study import keys
from uscl.study.study import Study

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "workflow/scripts"
# By keys of their own, or no job of the study.
OTHER = ["pretrain/pretrain.py", "pretrain/published_encoder.py", "evaluate/finetune.py", "evaluate/probe.py"]
OTHER += ["data/extract_frames.py", "checks/check_study.py", "checks/verify.py", "checks/doctor.py"]
OTHER += ["checks/preflight.py", "report/sync_tracking.py"]
PRETRAINED = {"encoder simclr", "encoder uscl", "encoder meta_uscl"}
FROM_POOL = PRETRAINED | {"encoder untrained"}


@pytest.fixture(scope="module")
def study():
    return Study.from_config(yaml.safe_load((ROOT / "tests/integration/tiny.yaml").read_text()), ROOT)


@pytest.fixture
def files(study, monkeypatch):
    """The files that each job of the study rests on."""
    monkeypatch.setattr(keys, "code_hash", lambda root, *files: imported_files(root, files) | set(files))
    scripts = [str(path.relative_to(SCRIPTS)) for path in SCRIPTS.glob("*/*.py")]
    found = {script: keys.code(study, script) for script in scripts if script not in OTHER}
    found |= {f"encoder {arm}": keys.encoder_code(study, arm) for arm in study.arms}
    found |= {f"frames {dataset}": keys.reader_code(study, dataset) for dataset in study.datasets}
    found |= {f"{task} {regime}": keys.evaluation_code(study, task, regime) for task, regime, _ in study.evaluations}
    return found | {"check_study": keys.checks_code(study)}


@pytest.mark.parametrize(
    ("file", "jobs"),
    [
        ("uscl/report/tables/claims.py", {"report/table.py", "report/study_figures.py", "report/report_page.py"}),
        (
            "uscl/stats/bootstrap.py",
            {
                *("statistics/score.py", "statistics/score_draws.py", "statistics/score_external.py"),
                "statistics/operating_points.py",
            },
        ),
        ("uscl/report/figures/training.py", {"pretrain/draw_pretraining.py", "report/draw.py"}),
        ("uscl/pretrain/methods/imagenet.py", {"encoder imagenet"}),
        ("uscl/models/imagenet.py", {"check_study", "encoder imagenet"} | FROM_POOL),
        ("uscl/pretrain/methods/untrained.py", {"check_study", "encoder untrained"}),
        ("uscl/pretrain/methods/simclr.py", {"check_study", "encoder simclr"}),
        ("uscl/pretrain/pairs/pool.py", {"check_study"} | FROM_POOL),
        ("uscl/pretrain/meta/hypergradient.py", {"check_study", "encoder meta_uscl"}),
        ("uscl/pretrain/engine/loop.py", {"check_study"} | PRETRAINED),
        ("uscl/evaluate/segmentation.py", {"segmentation finetune"}),
        ("uscl/evaluate/classification.py", {"pocus finetune", "busi last_block"}),
        ("uscl/evaluate/knn.py", {"busi knn"}),
        ("uscl/evaluate/authors_protocol.py", {"evaluate/authors_protocol.py"}),
        ("uscl/report/tables/authors_protocol.py", {"report/table.py"}),
        ("uscl/evaluate/probe.py", {"pocus linear", "busi knn"}),
        ("uscl/data/readers/busi.py", {"frames sim_breast"}),
        ("workflow/scripts/audit/gate.py", {"audit/gate.py"}),
        ("uscl/data/readers/covid_blues.py", set()),
        ("uscl/tracking/mirror.py", set()),
        ("uscl/evaluate/regimes.py", set()),
        ("uscl/study/schema.py", set()),
        ("uscl/pretrain/methods/__init__.py", set()),
    ],
)
def test_a_job_rests_on_the_files_that_it_uses_alone(files, file, jobs):
    assert (ROOT / file).is_file()
    assert {job for job, rests_on in files.items() if file in rests_on} == jobs
