"""Overlays: all valid, shown before they are written, comments kept, mistakes refused."""

from __future__ import annotations

import shutil

import pytest

from flows.scale import apply_scale, scales
from tasks.core.errors import LandloomError
from tasks.core.settings import PARAMS, ROOT, load, stage_rooms


@pytest.fixture
def root(tmp_path):
    shutil.copy(ROOT / PARAMS, tmp_path)
    shutil.copytree(ROOT / "infra" / "scales", tmp_path / "infra" / "scales")
    for room in stage_rooms():
        (tmp_path / "tasks" / room).mkdir(parents=True)
        (tmp_path / "tasks" / room / "params.py").touch()
    return tmp_path


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


def test_an_unknown_key_is_refused_and_nothing_written(root):
    before = (root / PARAMS).read_text()
    (root / "infra/scales/odd.yaml").write_text("datasets: {terrain: {train: {stepz: 5}}}\n")
    with pytest.raises(LandloomError, match=r"datasets\.terrain\.train\.stepz: params.yaml has no such key"):
        apply_scale("odd", write=True, root=root)
    (root / "infra/scales/odd.yaml").write_text("datasets: {terrain: {train: {steps: -5}}}\n")
    with pytest.raises(LandloomError, match=r"datasets\.terrain\.train\.steps: "):
        apply_scale("odd", write=True, root=root)
    with pytest.raises(LandloomError, match="no such scale; there are article, atlas, demo"):
        apply_scale("odder", write=True, root=root)
    assert (root / PARAMS).read_text() == before
