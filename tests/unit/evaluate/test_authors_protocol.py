import numpy as np

from uscl.evaluate.authors_protocol import BestOnTest


def test_the_first_epoch_of_the_highest_test_accuracy_is_kept():
    epochs = iter(np.array([[[0.9, 0.1], [0.9, 0.1]], [[0.9, 0.1], [0.2, 0.8]], [[0.6, 0.4], [0.4, 0.6]]]))
    best = BestOnTest(lambda: next(epochs), np.array([0, 1]))
    for _ in range(3):
        best()
    assert best.probabilities.tolist() == [[0.9, 0.1], [0.2, 0.8]]
