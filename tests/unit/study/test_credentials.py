import pytest
from studies import example, fault

from tests.text_settings import planted, text_settings, without_text, words
from uscl.study.contradictions import environment_fault
from uscl.study.validation import validated

SECRET = "hunter22secret"
PLANTED = f"https://me:{SECRET}@host/sets"
WAYS = text_settings()


def test_the_settings_that_take_text_are_found():
    found = {words(way) for way in WAYS}
    assert {"tracking_uri", "data_mirror", "data_root", "imagenet_weights.resnet18"} <= found
    assert {"methods.planted.simclr.init", "datasets.planted.busi.data_root", "primary.0.simclr.metric"} <= found
    assert {"tasks.planted.classification.margin.2.reason", "datasets.planted.image_folder.exclude.0"} <= found


@pytest.mark.parametrize("way", WAYS, ids=words)
def test_a_password_in_any_setting_is_refused_without_repeating_it(way):
    assert fault(without_text(example(), way)) is None
    sentence = fault(planted(example(), way, PLANTED))
    assert sentence is not None
    assert SECRET not in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("key", "way_out"),
    [
        ("tracking_uri", "put them into the environment as MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        ("data_mirror", "put them into ~/.netrc (machine HOST login USER password PASSWORD), which downloads read."),
        ("data_root", "remove it."),
    ],
)
@pytest.mark.parametrize("text", [PLANTED, f"https://me:pw/{SECRET}@host/sets", f"https://host/sets?sig={SECRET}"])
def test_where_a_password_belongs_instead_is_said(key, way_out, text):
    sentence = fault(example() | {key: text})
    assert f"Config: {key} holds a user, password or token, which would end up in records: {way_out}" in sentence
    assert SECRET not in sentence


def test_a_path_with_an_at_sign_is_no_address_with_credentials():
    assert fault(example() | {"data_root": "/mnt//me@home/data", "results": "out//a@b?key=1"}) is None


@pytest.mark.parametrize("address", ["file:///mnt/runs", "databricks", "postgresql://me:pw@host/db"])
def test_an_address_in_the_environment_is_asked_what_that_of_the_config_is(monkeypatch, address):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    sentence = environment_fault(validated(example()))
    assert "MLFLOW_TRACKING_URI in the environment must begin with https://, http:// or sqlite:///, not" in sentence
    assert "correct it or unset it." in sentence
    assert environment_fault(validated(example() | {"tracking": "none"})) is None
    assert environment_fault(validated(example() | {"tracking_uri": "https://host"})) is None


@pytest.mark.parametrize("address", ["", "http://me:password@host:5000", "sqlite:////mnt/mlflow.db"])
def test_the_environment_may_name_a_store_and_its_password(monkeypatch, address):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert environment_fault(validated(example())) is None
