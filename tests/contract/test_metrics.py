"""What every metric of the registry must declare, and that both its forms agree."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from rescored import random_cases, random_images, random_structures, resampled

from uscl.base.seeds import generator
from uscl.metrics.registry import (
    CLASSIFICATION,
    KINDS,
    METRICS,
    SEGMENTATION,
    Metric,
    lower_is_better,
    metric_named,
    metrics_of,
    names,
    primary,
    title,
)
from uscl.metrics.scores import scores
from uscl.metrics.weights import Drawn
from uscl.stats.panel import to_panel
from uscl.stats.panel_scores import scorer

KIND_OF = {random_cases: "classification", random_images: "segmentation", random_structures: "segmentation"}


@pytest.mark.parametrize("make", KIND_OF)
@pytest.mark.parametrize("seed", range(6))
def test_both_forms_of_every_metric_agree_on_resampled_cases(make, seed):
    random, kind = generator(seed, "forms"), KIND_OF[make]
    cases = make(random, arms=["a"], folds=1, seeds=1, groups=4 + 3 * seed)
    groups = sorted(cases["group"].unique())
    weights = random.multinomial(len(groups), np.ones(len(groups)) / len(groups), size=8)
    panel = to_panel(cases, kind)
    of_draws = scorer(panel)(Drawn(weights.astype(float)))[:, 0, 0]
    for draw, weight in enumerate(weights):
        drawn = resampled(cases, dict(zip(groups, weight, strict=True)))
        of_cell = scores(drawn, kind)
        assert list(of_cell) == panel.metrics
        for place, (name, value) in enumerate(of_cell.items()):
            assert of_draws[place, draw] == pytest.approx(value, abs=1e-12, nan_ok=True), name
            low, high = metric_named(name).limits
            assert np.isnan(value) or low <= value <= high, name


def test_every_metric_has_a_name_of_its_own_a_title_a_kind_and_a_direction():
    assert len({metric.name for metric in METRICS}) == len({metric.title for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.title
        assert metric.kind in KINDS
        assert isinstance(metric.lower_is_better, bool)
        assert metric.name.isidentifier()
    for kind in KINDS:
        assert {primary(kind)} == {metric.name for metric in METRICS if metric.kind == kind and metric.primary}


def test_all_scores_of_images_are_metrics_of_each_structure_too():
    whole = [metric.name for metric in METRICS if metric.kind == SEGMENTATION]
    of_images = [metric.name for metric in METRICS if metric.of_images]
    panel = to_panel(random_structures(generator(0, "structures")), SEGMENTATION)
    assert panel.metrics == whole + [f"{name}_{end}" for end in ("nerve", "vessel") for name in of_images]
    assert names(SEGMENTATION, []) == ["dice", "median_dice", "iou", "hd95", "zero_dice_share"]


def test_a_metric_of_a_class_is_known_by_its_name_and_titled_with_the_class():
    for metric in metrics_of(CLASSIFICATION, by_class=True):
        assert metric_named(f"{metric.name}_benign") is metric
        assert title(f"{metric.name}_benign") == f"{metric.title} of benign"


def test_an_unknown_metric_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"There is no metric 'kappa': choose one of accuracy, .*zero_dice_share"):
        metric_named("kappa")
    with pytest.raises(ValueError, match="There is no metric 'speed'"):
        lower_is_better("speed")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("of_cell", r"^Metric 'kappa' declares no of_cell: add the function to its entry\.$"),
        ("of_draws", r"^Metric 'kappa' declares no of_draws: add the function to its entry\.$"),
    ],
)
def test_an_incomplete_metric_is_refused_with_what_it_lacks(part, message):
    forms = {"of_cell": len, "of_draws": len}
    del forms[part]
    with pytest.raises(ValueError, match=message):
        Metric(name="kappa", title="Cohen's kappa", kind=CLASSIFICATION, lower_is_better=False, **forms)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "regression"}, "Metric 'accuracy' is of kind 'regression': choose classification or segmentation"),
        ({"title": ""}, "Metric 'accuracy' has no title"),
    ],
)
def test_a_wrong_entry_is_refused_with_the_reason(change, message):
    with pytest.raises(ValueError, match=message):
        replace(METRICS[0], **change)


def test_the_registry_is_light_to_import():
    heavy = "{'torch', 'pandas', 'sklearn', 'scipy', 'mlflow'}"
    command = f"import sys, uscl.metrics.registry; sys.exit(', '.join({heavy} & set(sys.modules)) or None)"
    ended = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
