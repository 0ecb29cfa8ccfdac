import math

import pytest
import torch

from uscl.pretrain.engine.collapse import alignment, rank_me, representation_health, uniformity, warnings, weight_health

HEALTHY = {
    "rank": 20.0,
    "alignment": 0.5,
    "uniformity": -2.0,
    "meta_loss": 1.0,
    "weight_mean": 0.5,
    "weight_sd": 0.1,
    "weight_entropy": 0.99,
    "weight_ess": 90.0,
}


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def unit(row):
    norm = math.sqrt(sum(x * x for x in row))
    return [x / norm for x in row]


def squared_distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(unit(a), unit(b), strict=True))


def test_the_rank_of_equal_singular_values_is_their_number():
    assert rank_me(torch.eye(6)) == pytest.approx(6)
    assert rank_me(torch.eye(3, 8) * 0.01) == pytest.approx(3)


def test_the_rank_of_one_direction_is_one_and_that_of_nothing_zero():
    assert rank_me(noise(10, 1) * noise(1, 4)) == pytest.approx(1, abs=1e-4)
    assert rank_me(torch.zeros(4, 3)) == 0


def test_the_rank_is_the_exponential_of_the_spectrums_entropy():
    spectrum = [5.0, 3.0, 2.0]
    left, right = (torch.linalg.qr(noise(n, 3, seed=n)).Q for n in (9, 4))
    expected = math.exp(-sum(s / 10 * math.log(s / 10) for s in spectrum))
    assert rank_me(left @ torch.diag(torch.tensor(spectrum)) @ right.T) == pytest.approx(expected, rel=1e-4)


def test_half_precision_has_a_rank_too():
    h = noise(8, 5).bfloat16()
    assert rank_me(h) == rank_me(h.float())


def test_alignment_equals_the_plain_loop():
    z1, z2 = noise(2, 5, 3)
    distances = [squared_distance(a, b) for a, b in zip(z1.tolist(), z2.tolist(), strict=True)]
    assert alignment(z1, z2) == pytest.approx(sum(distances) / 5, rel=1e-5)


def test_alignment_of_equal_and_of_opposite_views():
    z = noise(5, 3)
    assert alignment(z, 7 * z) == pytest.approx(0, abs=1e-6)
    assert alignment(z, -z) == pytest.approx(4)


def test_uniformity_equals_the_plain_loop():
    z = noise(6, 3)
    rows = z.tolist()
    potentials = [math.exp(-2 * squared_distance(rows[i], rows[k])) for i in range(6) for k in range(i)]
    assert uniformity(z) == pytest.approx(math.log(sum(potentials) / len(potentials)), rel=1e-5)


def test_uniformity_of_a_point_is_zero():
    assert uniformity(torch.ones(4, 3)) == pytest.approx(0, abs=1e-6)
    assert uniformity(torch.ones(1, 3)) == 0


def test_representation_health_is_of_representations_and_projections():
    h, z1, z2 = noise(10, 4), noise(5, 3, seed=1), noise(5, 3, seed=2)
    expected = {"rank": rank_me(h), "alignment": alignment(z1, z2), "uniformity": uniformity(z1)}
    assert representation_health(h, z1, z2) == expected


def test_weight_figures_by_hand():
    figures = weight_health(torch.tensor([0.1, 0.2, 0.3, 0.4]))
    entropy = -sum(w * math.log(w) for w in (0.1, 0.2, 0.3, 0.4)) / math.log(4)
    expected = {"weight_mean": 0.25, "weight_sd": math.sqrt(0.05 / 3), "weight_entropy": entropy, "weight_ess": 1 / 0.3}
    assert figures == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("weight", [1.0, 0.02])
def test_equal_weights_have_all_entropy_and_count_all_pairs(weight):
    figures = weight_health(torch.full((9,), weight))
    assert figures == pytest.approx({"weight_mean": weight, "weight_sd": 0, "weight_entropy": 1, "weight_ess": 9})


def test_one_dominating_weight_counts_one_pair():
    figures = weight_health(torch.tensor([0.9] + [1e-7] * 19))
    assert figures["weight_ess"] == pytest.approx(1, abs=1e-4)
    assert figures["weight_entropy"] < 0.01


def test_a_single_weight_has_no_spread():
    figures = weight_health(torch.tensor([0.4]))
    assert figures["weight_sd"] == 0
    assert figures["weight_ess"] == pytest.approx(1)


def test_a_healthy_epoch_gives_no_warning():
    assert warnings(HEALTHY, 100) == {}
    assert warnings(representation_health(noise(64, 16), noise(32, 8), noise(32, 8, seed=1)), 32) == {}


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"rank": 1.2}, "representations", "effective rank 1.20, uniformity -2.000"),
        ({"uniformity": -0.004}, "representations", "effective rank 20.00, uniformity -0.004"),
        ({"weight_mean": 0.002}, "saturation", "mean 0.0020"),
        ({"weight_mean": 0.9991}, "saturation", "mean 0.9991"),
        ({"weight_mean": float("nan")}, "saturation", "mean nan"),
        ({"weight_ess": 4.0}, "concentration", "4 % of them count effectively"),
    ],
)
def test_a_collapse_is_reported_and_nothing_else(change, kind, sentence):
    found = warnings(HEALTHY | change, 100)
    assert list(found) == [kind]
    assert sentence in found[kind]


def test_identical_representations_are_reported():
    same = torch.ones(8, 5)
    assert list(warnings(representation_health(same, same, same), 8)) == ["representations"]


def test_weights_that_are_not_learned_are_not_judged():
    figures = HEALTHY | weight_health(torch.ones(100))
    assert list(warnings(figures, 100)) == ["saturation"]
    del figures["meta_loss"]
    assert warnings(figures, 100) == {}
