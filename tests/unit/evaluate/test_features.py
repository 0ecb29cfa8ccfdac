import numpy as np
import pytest
import torch
from stores import bright_or_dark_store

from uscl.base.errors import UserError
from uscl.base.seeds import torch_stream
from uscl.evaluate.features import frozen_features
from uscl.models.encoder import Encoder
from uscl.training.augment import as_float
from uscl.training.device import start


def test_features_are_those_of_the_frozen_encoder_in_the_stores_order():
    store, fabric = bright_or_dark_store(groups=5), start("cpu", "32-true", threads=1)
    with torch_stream(0, "init"):
        encoder = Encoder("resnet18")
    found = frozen_features(encoder, store, fabric, batch_size=4)
    with torch.no_grad():
        expected = encoder.eval()(as_float(torch.from_numpy(store.frames)))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assert found.dtype == np.float32


def test_an_encoder_whose_features_overflow_is_refused():
    store, fabric = bright_or_dark_store(groups=2), start("cpu", "32-true", threads=1)
    encoder = Encoder("resnet18")
    torch.nn.init.constant_(encoder.backbone.layer4[1].bn2.bias, 1e38)
    with pytest.raises(
        UserError, match=r"features of 6 of 6 frames are NaN, infinite or too large, such as those of v0#0"
    ):
        frozen_features(encoder, store, fabric)
