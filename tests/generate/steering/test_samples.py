"""Samples steered by words, sketches and terrains: from files to folders of exports, on an analytic model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from models.core.artifact import load_model
from tasks.core.dag import StageEntry
from tasks.core.errors import LandloomError
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage
from tasks.formats.tables.drawing import read_drawing
from tasks.generate import __main__ as entry
from tasks.generate.run import run
from tasks.generate.steering import kind as kinds
from tasks.generate.steering import make
from tasks.generate.steering.kind import Given
from tasks.generate.steering.kinds.sketch import LINES
from tasks.generate.steering.make import give_palette, steer
from tasks.generate.steering.rows import rows
from tasks.generate.steering.sheet import edges, sheet
from tasks.generate.terrain.rasterfiles import read_geotiff, write_geotiff
from tests.analytic.method import write_model
from tests.generate.steering.asked import CORNER, GSD, PX, UTM, ask, raster, sidecars
from tests.generate.test_draw import settle
from tests.generate.toys import ALL, params, sampler

pytestmark = pytest.mark.usefixtures("analytic")


def test_every_text_and_guidance_is_a_row_with_the_same_noise(root, tmp_path, capsys):
    texts = ["high mountains", "flat plains, glaciated"]
    folder = ask(root, tmp_path / "out", 3, (1.0, 4.0), text=texts)
    found = sidecars(folder)
    assert set(found) == {
        f"{stem}-g{strength}_{index:03d}"
        for stem in ("high_mountains", "flat_plains_glaciated")
        for strength in (1, 4)
        for index in range(3)
    }
    model = load_model(root / "data/toy/model")
    for text, stem in zip(texts, ("high_mountains", "flat_plains_glaciated"), strict=True):
        for strength in (1.0, 4.0):
            expected = model.sample(range(3), 3, 2, {"text": np.array([text] * 3, object)}, strength)
            for index in range(3):
                name = f"{stem}-g{strength:g}_{index:03d}"
                assert np.array_equal(read_geotiff(folder / f"{name}.tif")[0], expected[index])
                facts = found[name]
                assert (facts["text"], facts["guidance"], facts["index"]) == (text, strength, index)
                assert f"“{text}”" in facts["summary"]
                with rasterio.open(folder / f"{name}.tif") as source:
                    assert source.tags()["TEXT"] == text and source.tags()["GUIDANCE"] == str(strength)
    assert found["flat_plains_glaciated-g1_000"]["unknown_words"] == "glaciated"
    assert "“glaciated” in “flat plains, glaciated”: the model never saw this word" in capsys.readouterr().out
    with Image.open(folder / "overview.png") as sheet:
        assert sheet.height > sheet.width  # four rows of three


def test_the_command_makes_nine_terrains_of_a_text_with_every_export(tmp_path, capsys, monkeypatch):
    write_model(tmp_path / "data/toy/model", PX, GSD)
    root = settle(tmp_path, ALL)
    given = ["toy", "--text", "high mountains", "--seed", "7", "--count", "9", "--out", str(tmp_path / "out")]
    monkeypatch.setattr(steer, "__defaults__", (None, root))
    entry.command(given)
    assert f"[generate@toy] {tmp_path / 'out'}" in capsys.readouterr().out
    found = sidecars(tmp_path / "out")
    assert list(found) == [f"high_mountains_{index:03d}" for index in range(9)]
    for facts in found.values():
        assert set(facts["files"]) >= {"tif", "obj", "glb", "stl", "unreal.r16", "unity.raw", "heightmap.png"}
        assert (facts["text"], facts["seed"]) == ("high mountains", 7)


def test_texts_of_one_name_have_files_of_their_own(root, tmp_path):
    folder = ask(root, tmp_path / "out", text=["high mountains!", "high mountains?", ""])
    assert set(sidecars(folder)) == {"high_mountains_000", "high_mountains-2_000", "no_words_000"}


def test_a_sketch_is_drawn_on_its_blank_and_steers(root, tmp_path):
    palette = give_palette("toy", tmp_path / "palette", root)
    lines = (palette / "palette.gpl").read_text().splitlines()
    assert lines[-3:] == ["255 255 255\tnothing", "200  60  30\tridge", " 30  90 200\tvalley"]
    sheet = Image.open(palette / "blank.png").convert("RGB")
    assert sheet.size == (PX, PX)
    sheet.paste((200, 60, 30), (2, 3, 14, 4))
    sheet.paste((30, 90, 200), (2, 11, 14, 12))
    sheet.save(tmp_path / "my lines.png")
    folder = ask(root, tmp_path / "out", sketch=tmp_path / "my lines.png", text="flat plains")
    (facts,) = sidecars(folder).values()
    assert facts["sketch"] == "my lines.png" and len(facts["sketch_sha256"]) == 64 and facts["text"] == "flat plains"
    drawn = np.zeros((PX, PX), np.uint8)
    drawn[3, 2:14], drawn[11, 2:14] = 1, 2
    assert np.array_equal(read_drawing(folder / facts["files"]["sketch.png"]["name"], LINES).labels, drawn)
    given = {"sketch": drawn[None], "text": np.array(["flat plains"], object)}
    expected = load_model(root / "data/toy/model").sample([0], 3, 2, given)[0]
    assert np.array_equal(read_geotiff(folder / facts["files"]["tif"]["name"])[0], expected)


def test_inpainting_keeps_known_heights_and_their_place(root, tmp_path, ground, mask, capsys):
    folder = ask(root, tmp_path / "out", 2, inpaint=raster(tmp_path / "alp.tif", ground), mask=mask)
    made = np.asarray(Image.open(mask)) > 0
    assert f"{PX * PX - 35:,} pixels are kept, 35 are made" in capsys.readouterr().out
    for index in range(2):
        with rasterio.open(folder / f"alp_{index:03d}.tif") as source:
            height = source.read(1)
            assert source.crs == UTM and source.transform == CORNER
        assert np.array_equal(height[~made], ground[~made]) and not np.isclose(height[made], ground[made]).all()
        facts = sidecars(folder)[f"alp_{index:03d}"]
        assert (facts["inpaint"], facts["mask"], facts["made_pixels"]) == ("alp.tif", "mask.png", 35)
        assert facts["place"] == "generated within the ground of alp.tif"


def test_the_sheet_outlines_what_was_made_between_known_heights(root, tmp_path, ground, mask, monkeypatch):
    drawn = []
    monkeypatch.setattr(make, "sheet", lambda *given: drawn.append(sheet(*given)) or drawn[-1])
    path = raster(tmp_path / "alp.tif", ground)
    for count in (1, 2):
        ask(root, tmp_path / str(count), count, inpaint=path, mask=mask)
        axes = [axis for part in drawn.pop().subfigs for axis in part.axes if axis.images]
        assert len(axes) == 1 + count, "what was given is beside the samples"
        for axis in axes:
            side = axis.images[0].get_array().shape[0]
            ends = np.concatenate(axis.collections[-1].get_segments()) / side * PX
            across, down = (ends + 0.5 * PX / side).T
            assert np.allclose([across.min(), across.max(), down.min(), down.max()], [5, 12, 4, 9])
    ask(root, tmp_path / "words", 2, text="high mountains")
    assert not any(axis.collections for part in drawn.pop().subfigs for axis in part.axes)
    assert not drawn


def test_an_outline_runs_between_pixels_and_not_along_the_border():
    hole = np.zeros((3, 4), bool)
    hole[0, :2] = hole[2, 3] = True
    found = {tuple(map(tuple, side)) for side in edges(hole).astype(int).tolist()}
    assert found == {
        ((0, 1), (1, 1)),
        ((1, 1), (2, 1)),
        ((2, 0), (2, 1)),
        ((3, 2), (4, 2)),
        ((3, 2), (3, 3)),
    }


def test_given_heights_are_not_drained(tmp_path, ground, mask, capsys):
    write_model(tmp_path / "data/toy/model", PX, GSD)
    root = settle(tmp_path, ["geotiff"])
    settings = root / "params.yaml"
    settings.write_text(settings.read_text().replace("    generate:\n", "    generate:\n      drain: true\n"))
    ground[0:3, 0:3] -= np.float32(100) * (np.mgrid[0:3, 0:3] == 1).all(axis=0)  # a pit, which draining would fill
    folder = ask(root, tmp_path / "out", inpaint=raster(tmp_path / "alp.tif", ground), mask=mask)
    there = np.asarray(Image.open(mask)) == 0
    assert np.array_equal(read_geotiff(folder / "alp.tif")[0][there], ground[there])
    assert "given heights are kept, so nothing is drained" in capsys.readouterr().out
    (facts,) = sidecars(ask(root, tmp_path / "words", text="high mountains")).values()
    assert "drained_pools" in facts


def test_voids_are_made_without_a_mask(root, tmp_path, ground):
    ground[2:5, 2:5] = np.nan
    folder = ask(root, tmp_path / "out", inpaint=raster(tmp_path / "alp.tif", ground))
    height, there = read_geotiff(folder / "alp.tif")[0], np.isfinite(ground)
    assert np.isfinite(height).all() and np.array_equal(height[there], ground[there])


def test_a_product_of_ours_can_be_painted_into(root, tmp_path, ground, mask):
    write_geotiff(tmp_path / "mine.tif", ground, GSD, {})
    folder = ask(root, tmp_path / "out", inpaint=tmp_path / "mine.tif", mask=mask)
    assert read_geotiff(folder / "mine.tif")[1] == GSD


def test_upscaling_keeps_means_and_the_corner(root, tmp_path):
    coarse = np.linspace(100, 900, 16, dtype=np.float32).reshape(4, 4)
    wide = CORNER @ Affine.scale(4)
    folder = ask(root, tmp_path / "out", upscale=raster(tmp_path / "c.tif", coarse, transform=wide))
    with rasterio.open(folder / "c.tif") as source:
        height = source.read(1).astype(np.float64)
        assert source.transform == CORNER and source.crs == UTM
    assert np.allclose(height.reshape(4, 4, 4, 4).mean(axis=(1, 3)), coarse, atol=0.01)
    (facts,) = sidecars(folder).values()
    assert facts["upscale"] == "c.tif" and facts["upscale_factor"] == 4


def test_every_kind_fills_a_condition_of_its_own():
    records = [kinds.find(name) for name in kinds.names()]
    assert len({record.condition for record in records}) == len(records) >= 5


def test_guidance_is_for_rows_with_words():
    valley = {"sketch": [Given(np.zeros((PX, PX), np.uint8), "valley", {"sketch": "valley.png"})]}
    (row,) = rows(valley, {"sketch": "sketch"}, [3.0], 1, 0)
    assert row.guidance == 1.0 and "guidance" not in row.facts
    worded = valley | {"text": [Given("high mountains", "high", {"text": "high mountains"})]}
    (row,) = rows(worded, {"sketch": "sketch", "text": "text"}, [3.0], 1, 0)
    assert row.guidance == row.facts["guidance"] == 3.0


def generate(data: Path, **changes: Any) -> Path:
    entry_of_dag = StageEntry("generate", "toy", (), (), ())
    run(Stage(entry_of_dag, params(**changes), 1, Compute(engine="serial", workers=1), Run(), data.parents[1]))
    return data / "samples"


def test_the_stage_takes_prompts_in_turn(tmp_path):
    data = write_model(tmp_path / "data/toy/model", PX, GSD).parent
    prompts = ["high mountains", "flat  plains, snowy"]
    found = sidecars(generate(data, count=3, prompts=prompts, guidance=2.0))
    found.pop("index")
    assert [facts["text"] for facts in found.values()] == ["high mountains", "flat plains, snowy", "high mountains"]
    assert [facts["unknown_words"] for facts in found.values()] == ["", "snowy", ""]
    relief = [facts["height"]["high_m"] - facts["height"]["low_m"] for facts in found.values()]
    assert relief[0] > 1000 > 100 > relief[1] and found["toy_000"]["guidance"] == 2.0
    assert "“high mountains”" in found["toy_000"]["summary"]


def test_prompts_for_a_model_without_words_are_refused(tmp_path):
    with pytest.raises(LandloomError, match="generate.prompts: .*was trained without words"):
        generate(sampler(tmp_path), prompts=["high mountains"])
