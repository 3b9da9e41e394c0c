"""What a person gives and a model cannot use: one error that names the file or the option."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from affine import Affine
from PIL import Image

from tasks.core.errors import LandloomError
from tasks.core.settings import ROOT, rooms
from tasks.generate import __main__ as entry
from tasks.generate.chosen import choose
from tests.generate.steering.asked import CORNER, PX, ask, raster
from tests.generate.test_draw import settle
from tests.generate.toys import sampler

pytestmark = pytest.mark.usefixtures("analytic")
FEET = "EPSG:2263"


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("inpaint", {"height": np.ones((8, PX))}, "16 × 8 pixels, and this model takes 16 × 16; give a raster of more"),
        ("inpaint", {"height": np.ones((2, PX, PX))}, "2 bands, and heights have one"),
        ("inpaint", {"height": np.full((PX, PX), np.nan)}, "every pixel is a void"),
        ("inpaint", {"transform": CORNER @ Affine.scale(2)}, "180 m a pixel, and this model takes 90 m; .*-tr 90 90"),
        ("inpaint", {"transform": CORNER @ Affine.rotation(20)}, "turned or no squares"),
        ("inpaint", {"crs": "EPSG:4326", "transform": Affine(0.001, 0, 8, 0, -0.001, 46)}, "counts in degree; warp it"),
        ("inpaint", {"crs": FEET}, "counts in US survey foot; warp it"),
        ("inpaint", {"crs": "EPSG:3857", "transform": Affine(90, 0, 9e5, 0, -90, 5.8e6)}, "90 m on the map is 62"),
        ("inpaint", {"crs": None}, "it has no CRS.*`gdal_edit.py -a_srs EPSG:CODE .*t.tif`"),
        ("inpaint", {"crs": 'LOCAL_CS["mine",UNIT["foot",0.3048]]'}, "counts in foot; give one in metres"),
        ("inpaint", {"unit": "ft"}, "its heights are in ft; convert them to metres"),
        ("upscale", {}, "90 m a pixel, and upscaling by 4 with this model takes 360 m; .*-tr 360 360"),
        (
            "upscale",
            {"transform": CORNER @ Affine.scale(4)},
            "16 × 16 pixels, and upscaling by 4 with this model takes 4 × 4; .*-srcwin",
        ),
        ("upscale", {"height": np.ones((4, 4))}, "90 m a pixel, and upscaling by 4 with this model takes 360 m"),
    ],
)
def test_terrains_that_do_not_fit_are_refused(root, tmp_path, ground, mask, kind, changes, words):
    height = np.asarray(changes.pop("height", ground), np.float32)
    path = raster(tmp_path / "t.tif", height, **changes)
    with pytest.raises(LandloomError, match=words):
        ask(root, tmp_path / "out", mask=mask if kind == "inpaint" else None, **{kind: path})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.zeros((8, 8), np.uint8), "8 × 8 pixels, and the mask of this model has 16 × 16"),
        (np.zeros((PX, PX), np.uint8), "every pixel is black, so that nothing is made"),
        (np.full((PX, PX), 255, np.uint8), "every pixel is white, so that nothing is kept"),
        (np.full((PX, PX, 3), (200, 60, 30), np.uint8), "a mask has no colours"),
        (np.dstack([np.zeros((PX, PX, 3), np.uint8), np.eye(PX, dtype=np.uint8) * 255]), "no transparent pixels"),
    ],
)
def test_masks_that_do_not_fit_are_refused(root, tmp_path, ground, picture, words):
    Image.fromarray(picture).save(tmp_path / "m.png")
    with pytest.raises(LandloomError, match=words):
        ask(root, tmp_path / "out", inpaint=raster(tmp_path / "t.tif", ground), mask=tmp_path / "m.png")


def test_other_files_that_cannot_be_used_are_named(root, tmp_path, ground):
    (tmp_path / "t.tif").write_text("no raster")
    whole = raster(tmp_path / "whole.tif", ground)
    Image.new("RGB", (PX, PX), "white").save(tmp_path / "empty.png")
    Image.new("RGB", (8, PX), (200, 60, 30)).save(tmp_path / "small.png")
    Image.new("RGB", (PX, PX), (1, 2, 3)).save(tmp_path / "strange.png")
    for given, words in (
        ({"inpaint": tmp_path / "t.tif"}, "t.tif: not a raster that can be read"),
        ({"inpaint": tmp_path / "absent.tif"}, "absent.tif: there is no such file"),
        ({"inpaint": whole}, "whole.tif: no pixel is a void, so nothing is to be made; say where with --mask"),
        ({"inpaint": whole, "mask": tmp_path / "absent.png"}, "absent.png: there is no such file"),
        ({"inpaint": whole, "mask": tmp_path / "t.tif"}, "t.tif: not a PNG that can be read"),
        ({"sketch": tmp_path / "empty.png"}, "empty.png: there is no line"),
        ({"sketch": tmp_path / "small.png"}, "8 × 16 pixels, and a sketch for this model has 16 × 16"),
        ({"sketch": tmp_path / "strange.png"}, "#010203.*#c83c1e ridge"),
    ):
        with pytest.raises(LandloomError, match=words):
            ask(root, tmp_path / "out", **given)


def test_a_model_without_a_condition_says_what_it_takes(tmp_path, root):
    sampler(tmp_path)
    with pytest.raises(LandloomError, match="consistency model was trained without the condition 'text', so --text"):
        ask(settle(tmp_path), text="high mountains")
    with pytest.raises(LandloomError, match="'labels', so --labels .* takes --inpaint, --sketch, --text and --upscale"):
        ask(root, labels="x.png")


def test_a_model_that_is_not_there_is_named_with_what_to_give(tmp_path, root):
    (tmp_path / "empty").mkdir()
    for name, words in (("none", "there is no such folder"), ("empty", "this folder has no config.json")):
        with pytest.raises(LandloomError, match=f"--model {tmp_path / name}: {words}; give a folder .* `pretrained`"):
            choose("toy", str(tmp_path / name), root)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["toy", "--text", "a", "--sketch", "a.png", "--sketch", "b.png"], "--sketch may be given once"),
        (["toy", "--mask", "m.png"], "--mask goes with --inpaint"),
        (["toy", "--count", "3"], "--count goes with --inpaint, --labels, --sketch, --text, --upscale and --model"),
        (["toy", "--guidance", "2"], "--guidance goes with"),
        (["toy", "--text", "a", "--guidance", "0.5"], "--guidance: numbers from 1 to 20"),
        (["toy", "--text", "a", "--count", "0"], "--count: a number from 1"),
        (["toy", "--text", "a", "--film"], "--text is not allowed with --film"),
    ],
)
def test_options_that_do_not_fit_each_other_are_told(arguments, said, capsys):
    with pytest.raises(SystemExit):
        entry.command(arguments)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("conditions", "refused"), [([], True), (["sketch"], True), (["text"], False)])
def test_prompts_need_a_method_that_learns_words(conditions, refused):
    terrain = yaml.safe_load((ROOT / "params.yaml").read_text())["datasets"]["terrain"]
    terrain["train"]["method"]["conditions"] = conditions
    terrain["generate"] |= {"prompts": ["high mountains"], "explore": {}}
    if not refused:
        assert rooms({"toy": terrain}, "toy")["generate"].prompts == ["high mountains"]
        return
    words = "datasets.toy.generate.prompts: train.method consistency has no condition text, so no words steer it"
    with pytest.raises(LandloomError, match=words):
        rooms({"toy": terrain}, "toy")


@pytest.mark.parametrize(("dataset", "product"), [("terrain", None), ("atlas", None), ("maps", "image")])
def test_only_samples_with_heights_are_drained(dataset, product):
    section = yaml.safe_load((ROOT / "params.yaml").read_text())["datasets"][dataset]
    section["generate"]["drain"] = True
    if product is None:
        assert rooms({"toy": section}, "toy")["generate"].drain
        return
    with pytest.raises(
        LandloomError, match=f"generate.drain: .* makes {product}, and only heights drain; leave it out"
    ):
        rooms({"toy": section}, "toy")
