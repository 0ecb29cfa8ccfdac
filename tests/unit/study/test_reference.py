import json
from pathlib import Path

from uscl.pretrain.methods import methods
from uscl.study import reference
from uscl.study.schema import StudySettings

ROOT = Path(__file__).parents[3]


def test_every_key_is_described():
    undescribed = [key for key, _, _, meaning in reference.keys(StudySettings) if not meaning.strip("* :")]
    assert undescribed == []


def test_every_setting_of_every_method_is_in_the_table():
    table = reference.table()
    for method in methods().values():
        assert all(f"`methods.NAME.{name}`" in table for name in method.settings.model_fields)


def test_a_default_is_the_one_that_the_models_take():
    rows = {key: default for key, _, default, _ in reference.keys(StudySettings)}
    assert rows["draws"] == "`10000`"
    assert rows["study"] == "-"


def test_the_committed_reference_is_that_of_the_models():
    assert (ROOT / "config/README.md").read_text().endswith(reference.table())
    schema = json.loads((ROOT / "workflow/schemas/config.schema.json").read_text())
    assert schema == json.loads(reference.schema())
