import copy

import pytest
from studies import ROOT, example

from uscl.base.errors import UserError
from uscl.study import keys
from uscl.study.study import Study

GREY = {"mean": [0.2], "std": [0.3]}


def study(frame_size=64, encoder="resnet18", more=None, **arm):
    config = copy.deepcopy(example()) | {"frame_size": frame_size, "encoder": encoder} | (more or {})
    config["methods"]["simclr"] |= arm
    return Study.from_config(config, ROOT)


def test_an_arm_has_the_encoder_of_the_study_unless_it_names_its_own():
    found = study(encoder="timm/resnet50")
    assert found.architectures == ["timm/resnet50"]
    assert not any(found.remarks("simclr"))


def with_own(name, **more):
    config = copy.deepcopy(example()) | {"frame_size": 64, "encoder": "resnet18"} | more
    config["methods"]["simclr"]["encoder"] = name
    return config


def test_encoders_differ_by_arm():
    found = Study.from_config(with_own("timm/vit_tiny_patch16_224"), ROOT)
    assert found.architectures == [*dict.fromkeys(map(found.architecture, found.arms))]
    assert set(found.architectures) == {"resnet18", "timm/vit_tiny_patch16_224"}
    assert found.remarks("simclr")[-1] == "encoder timm/vit_tiny_patch16_224, not the study's resnet18"
    assert found.start("simclr") is None  # the untrained arm has another encoder


def test_a_transformer_takes_the_stored_frames_unless_its_arm_has_a_size():
    found = Study.from_config(with_own("timm/vit_tiny_patch16_224"), ROOT)
    assert (found.input_size("simclr"), found.input_size("imagenet")) == (64, None)
    assert found.method_settings("simclr")["input_size"] == 64
    assert "input_size" not in found.method_settings("meta_uscl")
    assert study(input_size=96).input_size("simclr") == 96


def test_the_table_remarks_on_the_input_of_an_arm():
    assert study(input_size=96).remarks("simclr") == ("frames of 64 pixels resized to 96",)
    (remark,) = study(input_size=160).remarks("simclr")
    assert remark == "frames of 64 pixels resized to 160, more than twice the stored size"
    (remark,) = study(mean=[0.1, 0.2, 0.3], std=[0.3, 0.3, 0.25]).remarks("simclr")
    assert remark == "3 input channels normalised by 0.1 / 0.3, 0.2 / 0.3, 0.3 / 0.25"


def test_what_an_arm_has_of_its_own_is_in_its_key_and_only_then():
    usual = study()
    assert usual.own_input("simclr") == {}
    others = [
        study(input_size=96),
        study(mean=[0.1] * 3, std=[0.3] * 3),
        Study.from_config(with_own("timm/resnet18"), ROOT),
    ]
    found = {keys.encoder_key(each, "simclr", 0) for each in (usual, *others)}
    assert len(found) == 4
    assert {keys.encoder_key(each, "imagenet", 0) for each in (usual, *others)} == {
        keys.encoder_key(usual, "imagenet", 0)
    }


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (
            with_own("timm/vit_small_patch14_dinov2"),
            "methods.simclr: timm/vit_small_patch14_dinov2 takes sizes that are a multiple of its patch of 14 pixels,"
            " not 64: set its `input_size` to 56 or 70.",
        ),
        (with_own("timm/resnet5o"), "methods.simclr.encoder: Unknown encoder 'timm/resnet5o'; did you mean"),
        (
            with_own("torchvision/resnet50"),
            "torchvision/resnet50 can't segment in tasks.segmentation: torchvision gives no feature maps",
        ),
        (with_own("timm/xcit_nano_12_p16_224"), "not of xcit."),
        (with_own("resnet18", encoder="resnet81"), "encoder: Unknown encoder 'resnet81': choose one of resnet18, "),
    ],
)
def test_an_encoder_that_can_not_be_had_is_refused_when_the_study_is_planned(config, sentence):
    with pytest.raises(UserError) as caught:
        Study.from_config(config, ROOT)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("arm", "sentence"),
    [
        (GREY, "methods.simclr: resnet18 takes three channels"),
        ({"mean": [0.2]}, "methods.simclr needs both `mean` and `std`"),
        ({"mean": [0.2] * 2, "std": [0.2] * 2}, "needs one number or three"),
        ({"mean": [0.2], "std": [0]}, "must be more than 0"),
        ({"input_size": 8}, "methods.simclr.input_size must be at least 16, not 8."),
    ],
)
def test_an_input_that_can_not_be_is_refused(arm, sentence):
    with pytest.raises(UserError) as caught:
        study(**arm)
    assert sentence in str(caught.value)
