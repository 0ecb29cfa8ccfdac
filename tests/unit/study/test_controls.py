"""The controls study: its settings, its three pools, and the page about it."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from benchmarks.controls import METRIC, SHOWN, TRUTH, alike, compared, conclusion, counts, mean, verdict_on, weights_of
from uscl.study.study import Study

ROOT = Path(__file__).parents[3]
CONTROLS = "config/controls.yaml"


def study(*changes):
    """The controls study with settings as `--config` gives them."""
    config = yaml.safe_load((ROOT / CONTROLS).read_text(encoding="utf-8"))
    for key, value in (change.split("=", 1) for change in changes):
        update_config(config, {key: yaml.safe_load(value)})
    return Study.from_config(config, ROOT)


def test_the_pools_of_make_controls_differ_in_their_share_of_inconsistent_videos_alone():
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    (command,) = re.findall(r"--configfile config/controls\.yaml --config \\\n(.*?) \|\|", recipe)
    percents = re.search(r"for percent in ([\d ]+); do", recipe)[1].split()
    pools = []
    for percent in percents:
        found = study(*shlex.split(command.replace("$$percent", percent)))
        assert f"controls: $(READY)\n\tfor percent in {' '.join(percents)}" in recipe
        assert found.results == f"results/controls-{percent}"
        pools.append(found.data.simulation("pool"))
        assert (pools[-1].pop("inconsistent"), pools[-1]["change"]) == (int(percent) / 100, "class")
        assert (pools[-1]["dropout"], pools[-1]["freeze"]) == (0, 0)
    assert pools == [pools[0]] * 3
    assert percents == ["0", "25", "50"]


def test_all_arms_have_the_same_videos_steps_and_start_and_differ_in_their_weights():
    found = study()
    start, *arms = (found.method_settings(arm) for arm in found.arms)
    assert {found.init(arm) for arm in found.arms} == {"random"}
    assert sorted(settings.pop("weights") for settings in arms) == sorted(
        ["constant", "temporal", "oracle", "oracle_shuffled", "anti_oracle", "learned", "learned", "shuffled"]
    )
    rates = dict(zip(found.pretrained, [settings.pop("meta")["lr"] for settings in arms], strict=True))
    assert rates.pop("meta_uscl_fast") == rates.pop("shuffled") > 6e-5
    assert set(rates.values()) == {6e-5}
    assert arms == [arms[0]] * len(arms)
    assert all(start[key] == arms[0][key] for key in ("epochs", "batch_size", "batchnorm", "remainder"))


def test_the_study_makes_every_comparison_that_the_page_shows():
    found = study()
    assert set(SHOWN) <= {tuple(pair) for pair in found.comparisons}
    assert {(each["arm"], each["reference"]) for each in found.primary} <= set(SHOWN)
    assert all(each["metric"] == METRIC for each in found.primary)


def claims(*rows):
    """Comparisons by arm, reference, task and verdict; those without a verdict are secondary."""
    table = pd.DataFrame(rows, columns=["arm", "reference", "task", "verdict"])
    return table.assign(
        primary=table["verdict"] != "", metric=METRIC, difference=0.1, ci_low=0.05, ci_high=0.15, p=0.02
    )


NET = [("meta_uscl_fast", "constant", "a", "not shown"), ("meta_uscl_fast", "constant", "b", "worse")]


def test_a_pool_in_which_the_truth_wins_nothing_says_nothing_about_weighting():
    found = conclusion(claims((*TRUTH, "a", "not shown"), (*TRUTH, "b", "worse"), *NET))
    assert "can't show what weighting is worth" in found
    assert "meta_uscl" not in found


def test_where_the_truth_wins_the_page_says_what_the_weight_net_wins():
    found = conclusion(claims(*NET, (*TRUTH, "a", "better"), (*TRUTH, "b", "better, by less than 5 points")))
    assert found == (
        "`oracle` is better than `oracle_shuffled` on a and b. `meta_uscl_fast` is worse than `constant` on b."
    )
    nothing = verdict_on("x", "y", {"a": "no claim", "b": "equal within 5 points"})
    assert nothing == "`x` is not shown to differ from `y`."


def test_a_row_of_the_page_has_both_scores_and_an_arm_that_failed_has_none():
    arms = ["oracle", "oracle_shuffled", "constant"]
    table = pd.DataFrame({"task": "a", "arm": arms, "metric": METRIC, "mean": [0.5, 0.4, 0.3]})
    other = table.assign(metric="accuracy", mean=0.9)
    head, _, *rows = compared(claims((*TRUTH, "a", "better")), pd.concat([table, other])).splitlines()
    assert len(rows) == 1
    cells = dict(zip(split(head), split(rows[0]), strict=True))
    assert cells == {
        "task": "a",
        "comparison": "oracle - oracle_shuffled",
        "first": "50.0",
        "second": "40.0",
        "difference": "+10.0",
        "95 % CI": "[5.0, 15.0]",
        "p": "0.02",
        "verdict": "better",
    }


def split(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize("net", [True, False])
def test_of_a_trainings_weights_the_page_tells_how_they_treat_inconsistent_pairs(net):
    losses = {"loss": 1.0, "chance_loss": 3.0, "ideal_loss": 0.5, "start_loss": 3.0, "validation_loss": 1.0}
    history = pd.DataFrame(losses | {"validation_chance_loss": 2.0, "movement": 0.2, "pairs": 4}, index=range(3))
    history["uniformity"], history["weight_ess"] = -2.0, [4.0, 3.0, 2.0]
    pairs = pd.DataFrame({"row_a": [0, 0, 1, 2], "row_c": [1, 2, 2, 3], "weight": [0.8, 0.2, 0.4, 1.0]})
    if net:
        history["alpha_distance"] = history["alpha_bound"] = 0.1
        pairs["start_weight"] = 1 - pairs["weight"]
    state = np.array([1.0, 0.9, 0.2, 0.0])
    manifest = pd.DataFrame({"organ": "lung", "state": state, "second_state": 1 - state})
    found = weights_of(history, pairs, manifest)
    assert found.pop("start") == (pytest.approx(-1) if net else None)
    assert found == {
        "equal": False,
        "ess": 0.75,
        "inconsistent": pytest.approx(0.3 / 0.9),
        "exercised": True if net else None,
        "learned": True,
    }
    assert weights_of(history.drop(columns="weight_ess"), pairs, manifest) == {}
    still = weights_of(history, pairs, manifest.assign(second_state=0.0))
    assert np.isnan(still["inconsistent"])
    assert weights_of(history, pairs.assign(weight=0.5), manifest)["equal"]


def test_arms_with_equal_weights_are_said_to_differ_by_luck():
    means = [("a", "busi", 0.52), ("b", "busi", 0.58), ("c", "busi", 0.9)]
    table = pd.DataFrame([(*row, "macro_f1") for row in means], columns=["arm", "task", "mean", "metric"])
    (sentence,) = alike(["a", "b"], table)
    assert "the weights of `a` and `b` are all equal" in sentence
    assert "by 6.0 points on busi" in sentence
    assert alike(["a"], table) == []


def test_what_no_training_has_is_left_blank():
    assert (mean(pd.Series([0.25, 0.5])), mean(pd.Series([None, None]))) == ("0.38", "")
    assert (counts(pd.Series([True, False])), counts(pd.Series([None, None]))) == ("1 of 2", "")
