"""Models that come with the repository: whole, small, described, and no input of any stage."""

from __future__ import annotations

import re

import numpy as np
import pytest
from huggingface_hub import ModelCard

from flows.shipping.weights import MOST
from models.core.artifact import load_model
from models.core.record import methods
from tasks.core.dag import stage_entry, stage_names
from tasks.core.hashing import file_sha256
from tasks.core.settings import ROOT, read

SHELF = ROOT / "models/pretrained"
SHIPPED = sorted(path for path in SHELF.glob("*") if path.is_dir())


def test_no_stage_depends_on_them_and_they_are_no_method():
    """So an edit or a replacement of a model makes no stage stale, and bundles leave it out."""
    for dataset in read()["datasets"]:
        for room in stage_names(ROOT):
            for dep in stage_entry(room, dataset, ROOT).deps:
                place = ROOT / dep
                assert SHELF not in (place, *place.parents) and place not in SHELF.parents, dep
    assert SHELF.name not in methods() and not list(SHELF.rglob("*.py"))


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda path: path.name)
def test_each_is_whole_small_and_described(folder):
    assert {path.name for path in folder.iterdir()} == {"README.md", "config.json", "weights.safetensors"}
    assert (folder / "weights.safetensors").stat().st_size <= MOST
    card = ModelCard.load(folder / "README.md")
    assert {"license", "tags", "datasets", "metrics"} <= set(card.data.to_dict()) and card.data.eval_results
    assert file_sha256(folder / "weights.safetensors") in card.text, "the card tells of other weights"
    assert "public domain" in card.text.lower() or card.data.license != "apache-2.0"
    for heading in ("Use", "Data", "Training", "How good", "What it cannot do", "Licence"):
        assert f"\n## {heading}\n" in card.text


@pytest.mark.skipif(not (SHELF / "terrain").is_dir(), reason="no terrain model comes with this checkout")
def test_the_terrain_model_makes_land_from_a_seed_and_words():
    model = load_model(SHELF / "terrain", "cpu")
    words = np.array(["flat plains", "high mountains"] * 4, object)
    heights = model.sample(range(8), seed=7, conditions={"text": words}, guidance=2.0)
    assert heights.shape == (8, model.px, model.px) and np.isfinite(heights).all()
    relief = np.ptp(heights.reshape(8, -1), axis=1)
    assert np.median(relief[1::2]) > 4 * np.median(relief[::2]), "words choose relief"
    used = set(re.findall(r'--text "([^"]+)"', (ROOT / "README.md").read_text()))
    assert used and not {word for text in used for word in model.words.unknown(text)}, "the README asks what it knows"
