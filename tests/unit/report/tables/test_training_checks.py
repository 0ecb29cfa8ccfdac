import numpy as np
import pandas as pd
import pytest

from uscl.jobs.outcome import write_done, write_failed
from uscl.report.tables.training_checks import Checked, checked_trainings, remarks_of_arms, remarks_of_pairs

AT_CHANCE = "at chance: training loss 4.10, chance 4.14"
EQUAL = "weights are almost equal (effective share of the pairs 0.999)"


def trained(folder, loss=3.0, ess=None):
    """A finished training with this loss, and weights of this effective share of the pairs."""
    folder.mkdir(parents=True)
    history = {"loss": [loss], "chance_loss": 4.14, "ideal_loss": 2.24, "validation_loss": 2.0, "movement": 0.1}
    history |= {"validation_chance_loss": 2.5, "start_loss": 4.14, "pairs": 100, "uniformity": -2.0}
    if ess is not None:
        history |= {"weight_ess": 100 * ess, "alpha_distance": 0.1, "alpha_bound": 0.2}
    random = np.random.default_rng(0)
    pairs = pd.DataFrame({"weight": random.random(9), "start_weight": random.random(9)})
    pd.DataFrame(history).to_csv(folder / "history.csv", index=False)
    pairs.to_csv(folder / "pairs.csv", index=False)
    write_done(folder, "key", ["history.csv", "pairs.csv"])


@pytest.fixture
def outcomes(tmp_path):
    """Two seeds of four arms: one at chance once, one whose weights are equal, one published, one that failed."""
    trained(tmp_path / "simclr/seed0")
    trained(tmp_path / "simclr/seed1", loss=4.1)
    for seed in (0, 1):
        trained(tmp_path / f"meta/seed{seed}", ess=0.999)
        (tmp_path / f"imagenet/seed{seed}").mkdir(parents=True)
        write_done(tmp_path / f"imagenet/seed{seed}", "key", [])
        (tmp_path / f"failed/seed{seed}").mkdir(parents=True)
        write_failed(tmp_path / f"failed/seed{seed}", "key", "diverged")
    return [tmp_path / f"{arm}/seed{seed}/outcome.json" for arm in ARMS for seed in (0, 1)]


ARMS = ["simclr", "meta", "imagenet", "failed"]


def test_every_training_is_checked_from_its_files(outcomes):
    found = checked_trainings(outcomes, ARMS, [0, 1])
    assert found == {"simclr": Checked(2, [AT_CHANCE], []), "meta": Checked(2, [], [EQUAL, EQUAL])}


def test_an_arm_is_remarked_on_with_the_number_of_its_faulty_trainings(outcomes):
    assert remarks_of_arms(checked_trainings(outcomes, ARMS, [0, 1])) == {
        "simclr": [f"in 1 of 2 trainings {AT_CHANCE}"],
        "meta": [f"weighting was not exercised: in 2 of 2 trainings {EQUAL}"],
    }


def test_a_claim_about_an_arm_at_chance_says_so(outcomes):
    checked = checked_trainings(outcomes, ARMS, [0, 1])
    methods = {"simclr": "simclr", "imagenet": "imagenet", "meta": "meta_uscl"}
    found = remarks_of_pairs([("simclr", "imagenet"), ("meta", "imagenet")], checked, methods)
    assert found == {("simclr", "imagenet"): f"simclr is in 1 of 2 trainings {AT_CHANCE}"}


def test_a_comparison_of_weightings_says_if_none_was_exercised(outcomes):
    checked = checked_trainings(outcomes, ARMS, [0, 1])
    methods = {"meta": "meta_uscl", "constant": "meta_uscl"}
    assert remarks_of_pairs([("meta", "constant")], checked, methods) == {
        ("meta", "constant"): f"weighting was not exercised in meta: in 2 of 2 trainings {EQUAL}"
    }
