import numpy as np
import pandas as pd

from uscl.stats.holm import holm


def test_a_family_of_four_by_hand():
    # 0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 x 1 raised to the one before.
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


def test_nan_stays_and_is_not_counted():
    np.testing.assert_allclose(holm(pd.Series([np.nan, 0.01, 0.04], index=[5, 5, 9])), [np.nan, 0.02, 0.04])
    assert np.isnan(holm(np.array([np.nan]))).all()
    assert len(holm(np.array([]))) == 0


def test_no_p_is_above_1():
    np.testing.assert_allclose(holm(np.array([0.6, 0.9, 0.6])), [1, 1, 1])
