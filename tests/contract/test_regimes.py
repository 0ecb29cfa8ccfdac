"""Every regime of the schema has a function of its own for each kind of task that it is for; an unknown one is an
error."""

import inspect

import pytest

from uscl.base.errors import UserError
from uscl.base.lookup import function_at
from uscl.evaluate.regimes import REGIMES, fit_of

PLACES = [(regime.name, kind, place) for regime in REGIMES.values() for kind, place in regime.fits.items()]


@pytest.mark.parametrize(("name", "kind", "place"), PLACES)
def test_a_regime_has_a_fit_that_takes_what_its_jobs_hand_over(name, kind, place):
    names = list(inspect.signature(function_at(place)).parameters)
    if REGIMES[name].trains:
        assert names[:5] == ["encoder", "store", "cases", "fold", "fabric"]
        assert {"stream", "report", "keep", "epochs", "batch_size", "lr", "weight_decay"} <= set(names)
    else:
        assert names == ["features", "cases", "fold", "keep", "temperature_scaling"]
    assert REGIMES[name].title


def test_no_two_regimes_have_the_same_fit():
    places = [place for _, _, place in PLACES]
    assert len(set(places)) == len(places)
    functions = [function_at(place) for place in places]
    assert all(a is not b for i, a in enumerate(functions) for b in functions[:i])


def test_an_unknown_regime_or_kind_is_an_error_and_never_another_regime():
    with pytest.raises(UserError, match=f"There is no regime 'nothing': choose one of {', '.join(REGIMES)}"):
        fit_of("nothing", "classification")
    with pytest.raises(UserError, match="The regime knn is not for segmentation: it is for classification"):
        fit_of("knn", "segmentation")
