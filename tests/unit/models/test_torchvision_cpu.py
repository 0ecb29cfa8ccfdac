import importlib
import sys
import types

import pytest

from uscl.models.torchvision_cpu import ensure_torchvision


def test_torchvision_timm_and_smp_import():
    import segmentation_models_pytorch  # noqa: F401
    import timm  # noqa: F401
    import torchvision
    from torchvision.transforms import v2  # noqa: F401

    assert torchvision.models.resnet18(weights=None).fc.out_features == 1000


def test_other_import_errors_are_not_hidden(monkeypatch):
    def broken(name):
        raise RuntimeError(f"disk on fire at {name}")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(RuntimeError, match="disk on fire at torchvision"):
        ensure_torchvision()


def test_a_working_torchvision_is_left_alone(monkeypatch):
    working = types.ModuleType("torchvision")
    monkeypatch.setitem(sys.modules, "torchvision", working)
    ensure_torchvision()
    assert sys.modules["torchvision"] is working
