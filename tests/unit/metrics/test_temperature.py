import numpy as np
import pytest
from scipy.special import softmax

from uscl.base.seeds import generator
from uscl.metrics.temperature import HIGHEST, LOWEST, best_temperature, scaled


def test_a_temperature_divides_logits():
    logits = generator(0, "logits").normal(size=(20, 3))
    for temperature in (0.3, 1, 4):
        found = scaled(softmax(logits, axis=1), temperature)
        np.testing.assert_allclose(found, softmax(logits / temperature, axis=1), rtol=1e-12)


@pytest.mark.parametrize("sureness", [0.5, 3.0])
def test_labels_drawn_from_the_probabilities_give_back_how_much_too_sure_a_model_is(sureness):
    random = generator(0, "labels")
    logits = random.normal(size=(20_000, 3)) * 2
    labels = (softmax(logits, axis=1).cumsum(axis=1) > random.random((len(logits), 1))).argmax(axis=1)
    assert best_temperature(labels, softmax(logits * sureness, axis=1)) == pytest.approx(sureness, rel=0.05)


def test_it_is_the_lowest_cross_entropy_on_a_grid():
    random = generator(1, "labels")
    labels, probabilities = random.integers(3, size=50), random.dirichlet(np.ones(3), size=50)
    grid = np.exp(np.linspace(np.log(LOWEST), np.log(HIGHEST), 2001))
    losses = [-np.log(scaled(probabilities, at)[np.arange(50), labels]).mean() for at in grid]
    assert best_temperature(labels, probabilities) == pytest.approx(grid[np.argmin(losses)], rel=0.01)


def test_a_part_without_an_error_and_probabilities_of_0_are_no_fault():
    right = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert LOWEST <= best_temperature(np.array([0, 1]), right) < 0.06
    wrong = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert LOWEST <= best_temperature(np.array([1, 1]), wrong) <= HIGHEST
