import pandas as pd
import pytest

from uscl.pretrain.meta.exercised import Exercised, exercised

NOT = "weighting was not exercised: "
SAME = "weights, now or at the random start, are the same for all pairs"


def history(ess):
    epochs = range(len(ess))
    return pd.DataFrame(
        {
            "alpha_bound": [0.01 * (epoch + 1) for epoch in epochs],
            "alpha_distance": [0.004 * (epoch + 1) for epoch in epochs],
            "weight_ess": ess,
            "pairs": 10,
        }
    )


def test_the_figures_by_hand():
    pairs = pd.DataFrame({"weight": [0.1, 0.2, 0.3, 0.8], "start_weight": [0.4, 0.3, 0.2, 0.1]})
    found = exercised(history([9.0, 8.0, 5.0]), pairs)
    assert found.bound == pytest.approx(0.03)
    assert found.distance == pytest.approx(0.012)
    assert found.effective == pytest.approx(0.8)  # the median of 0.9, 0.8 and 0.5
    # Deviations -0.25, -0.15, -0.05, 0.45 and 0.15, 0.05, -0.05, -0.15: -0.11 / sqrt(0.29 * 0.05).
    assert found.correlation == pytest.approx(-0.11 / (0.29 * 0.05) ** 0.5)


def test_an_arm_without_a_weight_net_has_no_verdict():
    assert exercised(history([9.0]).drop(columns="alpha_distance"), pd.DataFrame({"weight": [1.0]})) is None


@pytest.mark.parametrize("constant", ["weight", "start_weight"])
def test_constant_weights_have_no_correlation(constant):
    pairs = pd.DataFrame({"weight": [0.4, 0.6], "start_weight": [0.4, 0.6]}).assign(**{constant: 0.5})
    found = exercised(history([8.0]), pairs)
    assert found.correlation is None
    assert not found.exercised
    assert found.fault == SAME


@pytest.mark.parametrize(
    ("correlation", "effective", "verdict"),
    [
        (0.2, 0.8, "weighting was exercised"),
        (-1.0, 0.8, "weighting was exercised"),
        (0.9, 0.99, "weighting was exercised"),
        (0.2, 0.9949, f"{NOT}weights are almost equal (effective share of the pairs 0.995)"),
        (0.95, 0.9949, f"{NOT}weights are almost equal (effective share of the pairs 0.995)"),
        (0.9012, 0.8, f"{NOT}weights have not left their random start (correlation +0.901)"),
        (None, 0.8, f"{NOT}{SAME}"),
    ],
)
def test_the_verdict(correlation, effective, verdict):
    found = Exercised(0.1, 0.1, correlation, effective)
    assert found.verdict == verdict
    assert found.exercised == (verdict == "weighting was exercised")
