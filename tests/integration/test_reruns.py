"""What is planned again in a finished study: what rests on an edit, whatever the time stamps, and nothing else."""

import os
import time
from contextlib import contextmanager

import pytest

from tests.integration.calls import CHECKOUT, planned

pytestmark = pytest.mark.e2e

WEEK_S = 7 * 24 * 3600
RESULTS = {"table": 1, "study_figures": 1, "report_page": 1}
OF_ALL_EVALUATIONS = {"score": 5, "draw": 5} | RESULTS
# An arm is evaluated on three tasks, on two of which with and without fine-tuning, and on one by the authors' protocol.
OF_ONE_ARM = {"features": 1, "probe": 2, "finetune": 3, "authors_protocol": 1, "representation_map": 2}
OF_ONE_ARM |= OF_ALL_EVALUATIONS
OF_ONE_PRETRAINING = {"check_study": 1, "pretrain": 1, "draw_pretraining": 1} | OF_ONE_ARM


@contextmanager
def edited(path, change, seconds=0):
    """A file of the project with other bytes and another time stamp, for a while; one that wasn't there is removed."""
    before = path.read_bytes() if path.exists() else None
    path.write_bytes(change(before or b""))
    if seconds:
        os.utime(path, (time.time() + seconds,) * 2)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)


def commented(content):
    return content + b"# edited\n"


def test_touching_every_file_of_the_project_reruns_nothing_with_or_without_tracking(project):
    for name in CHECKOUT:
        path = project / name
        for file in [path, *path.rglob("*")]:
            file.touch()
    assert planned(project, "--config", "tracking=none") == {}


def test_a_further_method_reader_and_regime_and_another_text_of_the_models_rerun_nothing(project):
    methods, readers = project / "uscl/pretrain/methods", project / "uscl/data/readers"
    photos = (methods / "imagenet.py").read_bytes().replace(b'"imagenet"', b'"photos"')
    further = (readers / "covid_blues.py").read_bytes()
    regime = (
        b'    + (Regime("centroid", "nearest mean", {"classification": "uscl.evaluate.knn:fit"}, trains=False),)\n}'
    )
    with (
        edited(methods / "photos.py", lambda _: photos),
        edited(readers / "further.py", lambda _: further),
        edited(project / "uscl/evaluate/regimes.py", lambda content: content.replace(b"    )\n}", b"    )\n" + regime)),
        edited(project / "uscl/study/schema.py", commented),
    ):
        assert b"centroid" in (project / "uscl/evaluate/regimes.py").read_bytes()
        assert planned(project) == {}


# Which scripts rest on which files: tests/unit/study/test_keys.py.
@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("uscl/pretrain/meta/hypergradient.py", OF_ONE_PRETRAINING),
        ("uscl/evaluate/segmentation.py", {"finetune": 5, "score": 1, "draw": 1} | RESULTS),
        ("workflow/scripts/report/table.py", RESULTS),
        ("uscl/evaluate/authors_protocol.py", {"authors_protocol": 5} | RESULTS),
    ],
)
def test_an_edited_file_that_is_dated_a_week_back_reruns_exactly_what_rests_on_it(project, file, expected):
    with edited(project / file, commented, -WEEK_S):
        assert planned(project) == expected


def test_an_edited_setting_reruns_its_arm(project):
    assert planned(project, "--config", "methods={simclr: {epochs: 3}}") == OF_ONE_PRETRAINING


def test_a_new_seed_trains_only_what_is_new(project):
    plan = planned(project, "--config", "seeds=[0,1]")
    assert (plan["finetune"], plan["probe"], plan["pretrain"], plan["published_encoder"]) == (15, 10, 4, 1)
    assert plan["split"] == 3  # the new training has its own folds
    assert not {"simulate", "extract_frames"} & set(plan)


def test_an_arm_may_start_from_the_encoder_of_another(project):
    init = "results/encoders/simclr/seed0/encoder.safetensors"
    plan = planned(project, "--config", f"methods={{warm: {{method: meta_uscl, epochs: 1, init: {init}}}}}")
    assert (plan["pretrain"], plan["finetune"], plan["probe"], plan["score"]) == (1, 3, 2, 5)


def test_after_all_that_nothing_is_to_be_done(project):
    assert planned(project) == {}
