"""Label: a dataset without labels has an empty class card, and no other method is claimed."""

from __future__ import annotations

import pytest

from tasks.dag import StageEntry
from tasks.errors import LandloomError
from tasks.formats.labels import SCHEMA, read_classes
from tasks.hashing import dvc_md5
from tasks.label.params import Params
from tasks.label.run import run
from tasks.settings import Compute, validate
from tasks.stage import Stage
from tasks.tracking import Run


def test_none_writes_an_empty_card_and_nothing_else(tmp_path):
    entry = StageEntry("label", "terrain", (), (), ())
    stage = Stage(entry, Params(method="none"), 20, Compute(engine="serial", workers=1), Run(), tmp_path)
    labels = tmp_path / "data" / "terrain" / "labels"
    labels.mkdir(parents=True)
    (labels / "old.tif").write_bytes(b"from an earlier method")
    run(stage)
    card = read_classes(labels)
    assert len(card) == 0 and list(card.columns) == SCHEMA.names
    assert [path.name for path in labels.iterdir()] == ["classes.parquet"]
    first = dvc_md5(labels)
    run(stage)
    assert dvc_md5(labels) == first


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"method": "clusters"}, r"datasets\.terrain\.label\.method: input should be 'none'"),
        ({}, "label.method: this key is missing"),
        ({"method": "none", "classes": 7}, "label.classes: unknown key"),
    ],
)
def test_what_does_not_exist_is_refused(section, message):
    with pytest.raises(LandloomError, match=message):
        validate(Params, section, "datasets.terrain.label")
