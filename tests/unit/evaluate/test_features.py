import numpy as np
import torch
from stores import bright_or_dark_store

from uscl.augment import as_float
from uscl.device import start
from uscl.evaluate.features import frozen_features
from uscl.models.encoders import Encoder
from uscl.seeds import torch_stream


def test_features_are_those_of_the_encoder_at_rest_in_the_stores_order():
    store, fabric = bright_or_dark_store(groups=5), start("cpu", "32-true", threads=1)
    with torch_stream(0, "init"):
        encoder = Encoder("resnet18")
    found = frozen_features(encoder, store, fabric, batch_size=4)
    with torch.no_grad():
        expected = encoder.eval()(as_float(torch.from_numpy(store.frames)))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assert found.dtype == np.float32
