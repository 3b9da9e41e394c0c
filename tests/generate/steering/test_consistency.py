"""The same on a small real model of `consistency`, untrained: what is given reaches it, and what it keeps is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine

from models.core.artifact import load_model, save_model
from tasks.core.errors import LandloomError
from tasks.generate.steering import make
from tasks.generate.steering.sheet import sheet
from tasks.generate.terrain.rasterfiles import read_geotiff
from tests.generate.steering.asked import CORNER, PX, ask, raster, sidecars
from tests.generate.test_draw import settle
from tests.models.consistency.worded import made as worded_method


@pytest.fixture(scope="module")
def worded(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("worded")
    method, _, _, config = worded_method()
    folder = root / "data/toy/model"
    folder.mkdir(parents=True)
    save_model(folder, config, torch.nn.ModuleDict({name: method.networks[name] for name in method.ema}))
    return settle(root, ["geotiff"])


def test_words_and_guidance_reach_the_model(worded, tmp_path, capsys):
    folder = ask(worded, tmp_path / "out", guidance=(1.0, 2.0), text=["High mountains. The slopes face west.", "Karst"])
    found = sidecars(folder)
    assert {facts["unknown_words"] for facts in found.values()} == {"", "karst"}
    assert "“karst” in “Karst”: the model never saw this word" in capsys.readouterr().out
    ask(worded, tmp_path / "silent", text=" ")
    assert "--text has no words, so the seed alone decides" in capsys.readouterr().out
    with pytest.raises(LandloomError, match="guidance 5: it must be at least 1 and at most 4"):
        ask(worded, tmp_path / "more", guidance=(5.0,), text="High mountains.")


def test_where_nothing_is_asked_the_sidecar_says_whose_caption_a_sample_has(worded, tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(make, "sheet", lambda *given: titles.extend(given[0]) or sheet(*given))
    model = load_model(worded / "data/toy/model")
    alone = list(sidecars(ask(worded, tmp_path / "alone", count=3)).values())
    assert [facts["caption_near"] for facts in alone] == model.captions_near(range(3), 3)
    assert all("text" not in facts for facts in alone)
    texts = list(sidecars(ask(worded, tmp_path / "words", text=["", "Low hills."])).values())
    assert [(facts["text"], facts.get("caption_near")) for facts in texts] == [
        ("Low hills.", None),
        ("", alone[0]["caption_near"]),
    ]
    with rasterio.open(tmp_path / "alone/noise_001.tif") as source:
        assert source.tags()["CAPTION_NEAR"] == alone[1]["caption_near"]
    assert [title for title, _ in titles] == ["nothing asked", "no words", "“Low hills.”"]


def test_known_heights_and_block_means_are_kept(worded, tmp_path, ground, mask):
    folder = ask(
        worded, tmp_path / "out", inpaint=raster(tmp_path / "alp.tif", ground), mask=mask, text="High mountains."
    )
    height = read_geotiff(next(folder.glob("*.tif")))[0]
    there = np.ones((PX, PX), bool)
    there[4:9, 5:12] = False
    assert np.array_equal(height[there], ground[there]) and np.isfinite(height).all()
    coarse = ground.reshape(4, 4, 4, 4).mean(axis=(1, 3)).astype(np.float32)
    path = raster(tmp_path / "coarse.tif", coarse, transform=CORNER @ Affine.scale(4))
    height = read_geotiff(ask(worded, tmp_path / "up", upscale=path) / "coarse.tif")[0].astype(np.float64)
    off = np.abs(height.reshape(4, 4, 4, 4).mean(axis=(1, 3)) - coarse)
    assert off.max() <= 0.001 * np.ptp(ground)
