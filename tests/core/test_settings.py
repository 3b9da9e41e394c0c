"""Each wrong parameter is reported in one line with its full path, before a stage runs."""

from __future__ import annotations

import pytest
import yaml

from models.consistency.params import Params as Consistency
from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT, load, room_params, stage_rooms, validate


@pytest.fixture
def tree(tmp_path):
    """A root with the real parameter file and the names of the real rooms."""
    for room in stage_rooms():
        (tmp_path / "tasks" / room).mkdir(parents=True)
        (tmp_path / "tasks" / room / "params.py").touch()

    def write(change=None, text=None):
        values = yaml.safe_load((ROOT / "params.yaml").read_text())
        if change:
            change(values)
        (tmp_path / "params.yaml").write_text(text if text is not None else yaml.safe_dump(values))
        return tmp_path

    return write


def test_the_committed_file_is_valid():
    assert "terrain" in load().datasets


@pytest.mark.parametrize(
    "change, path, reason",
    [
        (lambda v: v["datasets"]["terrain"]["select"].update(qouta=3), "datasets.terrain.select.qouta", "unknown key"),
        (lambda v: v["datasets"]["terrain"].update(train2={}), "datasets.terrain.train2", "unknown key"),
        (lambda v: v["datasets"]["terrain"].pop("select"), "datasets.terrain.select", "missing"),
        (lambda v: v["datasets"]["terrain"]["report"].pop("title"), "datasets.terrain.report.title", "missing"),
        (lambda v: v["datasets"]["terrain"]["project"].update(gsd="wide"), "datasets.terrain.project.gsd", "number"),
        (lambda v: v["datasets"]["terrain"]["project"].update(gsd=-30), "datasets.terrain.project.gsd", "greater"),
        (lambda v: v["datasets"]["terrain"]["train"].update(steps=0), "datasets.terrain.train.steps", "greater"),
        (lambda v: v["datasets"]["terrain"]["shard"].update(px=48), "datasets.terrain.shard.px", "divide"),
        (lambda v: v["compute"].update(workers=0), "compute.workers", "greater"),
        (lambda v: v["compute"].update(engine="threads"), "compute.engine", "match"),
        (lambda v: v.update(speed=1), "speed", "unknown key"),
        (lambda v: v.pop("seed"), "seed", "missing"),
    ],
)
def test_one_line_with_the_full_path(tree, change, path, reason):
    with pytest.raises(LandloomError) as error:
        load(tree(change))
    message = str(error.value)
    assert message.startswith(f"params.yaml: {path}: "), message
    assert reason in message and "\n" not in message


def test_an_export_must_suit_the_product_of_the_method(tree, monkeypatch):
    def few(values):
        values["datasets"]["terrain"]["generate"]["exports"] = ["geotiff"]

    root = tree(few)
    assert load(root, "terrain")
    monkeypatch.setattr(Consistency, "product", "image")
    with pytest.raises(LandloomError) as error:
        load(root, "terrain")
    assert str(error.value) == (
        "params.yaml: datasets.terrain.generate.exports: geotiff takes heights and painting, "
        "and train.method consistency makes image; leave it out"
    )
    assert load(root, "atlas")


@pytest.mark.parametrize("text", ["a: [1", "- 1\n- 2\n", "", "\x00"])
def test_not_a_parameter_file(tree, text):
    with pytest.raises(LandloomError, match=r"^params\.yaml: ") as error:
        load(tree(text=text))
    assert "\n" not in str(error.value)


def test_no_file(tmp_path):
    with pytest.raises(LandloomError, match="run from a Landloom checkout"):
        load(tmp_path)


BOUND = {"column": "rgb_std", "min": 20.0}
NESTED = [  # (room, key of the section, value, where the unknown key is, a key that is known there)
    ("select", "rules", [BOUND, BOUND | {"mni": 3}], "rules.1.mni", "column, min, max"),
    ("select", "rules", [{"any": [BOUND, {"colum": "relief", "min": 2}]}], "rules.0.any.1.colum", "column, min, max"),
    ("select", "rules", [{"any": [BOUND, BOUND], "min": 2}], "rules.0.min", "any"),
    ("generate", "explore", {"film": {"pionts": 4}}, "explore.film.pionts", "points, between"),
    ("generate", "settings", {"stl": {"side": 4}}, "settings.stl.side", "side_mm"),
    ("acquire", "source", {"kind": "stac", "colection": "a"}, "source.colection", "kind, url, collection"),
    ("acquire", "source", {"kind": "files", "overrides": {"a": {"csr": "x"}}}, "source.overrides.a.csr", "crs, bounds"),
]


@pytest.mark.parametrize(("room", "key", "value", "where", "known"), NESTED)
def test_an_unknown_key_names_the_known_ones_wherever_it_lies(room, key, value, where, known):
    section = yaml.safe_load((ROOT / "params.yaml").read_text())["datasets"]["terrain"][room] | {key: value}
    if room == "acquire" and value["kind"] == "files":
        section["source"]["paths"] = ["rasters"]
    with pytest.raises(LandloomError) as told:
        validate(room_params(room), section, f"datasets.terrain.{room}")
    assert f"datasets.terrain.{room}.{where}: unknown key; known here: {known}" in str(told.value)


def test_a_rule_in_words_is_told_how_a_rule_looks():
    with pytest.raises(LandloomError, match=r"select\.rules\.0: a rule must be a mapping, as {column"):
        validate(room_params("select"), {"rules": ["relief > 2"]}, "datasets.terrain.select")
