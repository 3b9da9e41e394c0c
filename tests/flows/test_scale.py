"""Overlays: all valid, shown before they are written, comments kept, mistakes refused, any value within reach."""

from __future__ import annotations

import shutil
import sys

import pytest

from flows.scale import apply_overlay, apply_scale, main, scales
from models.dcgan.params import halvings
from models.stylegan2.params import levels
from tasks.core import yaml12
from tasks.core.errors import LandloomError
from tasks.core.settings import PARAMS, ROOT, load, read, rooms, stage_rooms


@pytest.fixture
def root(tmp_path):
    shutil.copy(ROOT / PARAMS, tmp_path)
    shutil.copytree(ROOT / "infra" / "scales", tmp_path / "infra" / "scales")
    for room in stage_rooms():
        (tmp_path / "tasks" / room).mkdir(parents=True)
        (tmp_path / "tasks" / room / "params.py").touch()
    return tmp_path


def values(root):
    """Every dataset's values with their defaults."""
    datasets = read(root)["datasets"]
    return {name: rooms(datasets, name, root) for name in datasets}


def in_terrain(**rooms):
    return {"datasets": {"terrain": rooms}}


def test_the_committed_parameters_are_at_demo_scale(root):
    assert apply_scale("demo", write=False, root=root) == []


@pytest.mark.parametrize("name", [name for name in scales() if name != "demo"])
def test_every_scale_is_valid_and_shown_before_it_is_written(root, name):
    before = (root / PARAMS).read_text()
    found = apply_scale(name, write=False, root=root)
    assert found and (root / PARAMS).read_text() == before, "without --apply nothing is written"
    assert apply_scale(name, write=True, root=root) == found
    load(root)
    text = (root / PARAMS).read_text()
    assert "# metres a pixel, everywhere" in text, "comments stay"
    assert apply_scale(name, write=False, root=root) == []


def test_the_second_training_of_the_shipped_model_is_the_same_after_any_scale(root):
    apply_scale("pretrained_tuned", write=True, root=root)
    alone = values(root)["terrain"]
    apply_scale("demo", write=True, root=root)
    apply_scale("pretrained", write=True, root=root)
    apply_scale("pretrained_tuned", write=True, root=root)
    assert values(root)["terrain"] == alone


FITS = {
    "consistency": lambda method, px: method.network.sides(px),
    "terrain_gan": lambda method, px: method.check(px),
    "stylegan2": lambda _, px: levels(px),
    "dcgan": lambda _, px: halvings(px),
}
"""Each raises ValueError where the method's networks cannot have this side."""


@pytest.mark.parametrize("name", scales())
def test_the_networks_of_every_scale_fit_its_tiles(root, name):
    apply_scale(name, write=True, root=root)
    for params in values(root).values():
        method, px = params["train"].method, params["shard"].px
        FITS[method.name](method, px)


@pytest.mark.parametrize("name", [name for name in scales() if name != "demo"])
def test_the_demo_comes_back_after_every_scale(root, name):
    before = values(root)
    apply_scale(name, write=True, root=root)
    assert values(root) != before
    apply_scale("demo", write=True, root=root)
    assert values(root) == before


def test_an_unknown_key_is_refused_and_nothing_written(root):
    before = (root / PARAMS).read_text()
    (root / "infra/scales/odd.yaml").write_text("datasets: {terrain: {project: {gsdd: 5}}}\n")
    with pytest.raises(LandloomError, match=r"datasets\.terrain\.project\.gsdd: unknown key; known here: method, gsd"):
        apply_scale("odd", write=True, root=root)
    (root / "infra/scales/odd.yaml").write_text("datasets: {terrain: {train: {steps: -5}}}\n")
    with pytest.raises(LandloomError, match=r"datasets\.terrain\.train\.steps: "):
        apply_scale("odd", write=True, root=root)
    (root / "infra/scales/odd.yaml").write_text("datasets: {terain: {train: {steps: 5}}}\n")
    with pytest.raises(LandloomError, match=r"datasets\.terain: params.yaml has no such dataset; there are terrain"):
        apply_scale("odd", write=True, root=root)
    with pytest.raises(LandloomError, match="no such scale; there are aerial, article, atlas, demo"):
        apply_scale("odder", write=True, root=root)
    assert (root / PARAMS).read_text() == before


def test_a_value_that_is_not_written_down_can_be_set(root):
    overlay = in_terrain(project={"max_upsample": 3.0}, acquire={"source": {"planet_seed": 7}})
    found = apply_overlay(overlay, write=True, root=root)
    assert found == [
        ("datasets.terrain.project.max_upsample", 2.0, 3.0),
        ("datasets.terrain.acquire.source.planet_seed", 20, 7),
    ]
    now = values(root)["terrain"]
    assert now["project"].max_upsample == 3.0 and now["acquire"].source.planet_seed == 7
    assert now["acquire"].source.planet_cells, "the rest of the block stays"


def test_a_default_that_is_asked_for_changes_nothing(root):
    assert apply_overlay(in_terrain(project={"max_upsample": 2}, shard={"encoding": "raw"}), True, root) == []


def test_another_kind_replaces_the_block(root):
    (change,) = apply_overlay(in_terrain(acquire={"source": {"kind": "files", "paths": ["in"]}}), True, root)
    assert change[0] == "datasets.terrain.acquire.source"
    assert values(root)["terrain"]["acquire"].source.paths == ["in"]


def test_an_address_in_a_mapping_of_one_line_is_quoted(root):
    place = {"by": "polygons", "file": "https://example.org/a.gpkg", "sha256": "a" * 64, "columns": ["name: en"]}
    apply_overlay({"datasets": {"terrain": {"caption": {"method": {"place": place}}}}}, write=True, root=root)
    method = yaml12.load((root / "params.yaml").read_text())["datasets"]["terrain"]["caption"]["method"]
    assert method == {"name": "facts", "place": place}
    assert place["file"] == "https://example.org/a.gpkg"


def test_deep_defaults_are_set_one_by_one(root):
    features = {"sun_azimuth": 300.0, "weights": {"color": 1.0}}
    apply_overlay({"datasets": {"atlas": {"label": {"method": {"features": features}}}}}, write=True, root=root)
    now = values(root)["atlas"]["label"].method.features
    assert now.radii_px == (2, 5, 12) and now.sun_azimuth == 300.0
    assert now.weights == {"height": 0.4, "color": 1.0, "texture": 0.3, "lightness": 0.5}


def test_a_mistake_in_another_dataset_is_its_own(root):
    text = (root / PARAMS).read_text()
    (root / PARAMS).write_text(text.replace("scene_px: 1024", "scene_pix: 1024"))
    overlay = {"datasets": {"atlas": {"project": {"crops": 7}}}}
    assert apply_overlay(overlay, write=True, root=root) == [("datasets.atlas.project.crops", 600, 7)]
    with pytest.raises(LandloomError, match="scene_pix"):
        apply_overlay(in_terrain(project={"gsd": 60}), write=True, root=root)


@pytest.mark.parametrize("name", scales())
def test_changes_are_shown_in_yaml(root, name, monkeypatch, capsys):
    found = apply_scale(name, write=False, root=root)
    monkeypatch.setattr("flows.scale.ROOT", root)
    monkeypatch.setattr(sys, "argv", ["scale", name])
    main()
    lines = [line.partition(": ") for line in capsys.readouterr().out.splitlines() if " -> " in line]
    assert len(lines) == len(found)
    for (path, old, new), (shown_path, _, values) in zip(found, lines, strict=True):
        assert shown_path == path and [yaml12.load(text) for text in values.split(" -> ")] == [old, new]
