"""A person's drawing: from the palette through a paint program's PNG to a folder of files, on a tiny real painter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image, ImageDraw

from models.core.artifact import load_model
from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5, file_sha256
from tasks.core.settings import ROOT
from tasks.formats.tables.drawing import read_drawing
from tasks.generate import __main__ as entry
from tasks.generate.folders import fill
from tasks.generate.steering.make import Wish, give_palette, steer
from tasks.generate.steering.pictures import shown, stem
from tasks.generate.terrain.rasterfiles import read_geotiff
from tests.generate.toys import ALL, CLASSES, NETWORK, SECTION, painter, sampler
from tests.models.settings import CONSISTENCY

COLORS = np.array([[each[part] for part in ("red", "green", "blue")] for each in CLASSES], np.uint8)


def settle(root: Path, exports: list[str] = ALL) -> Path:
    """A params.yaml in which the dataset `toy` generates `exports`."""
    whole = yaml.safe_load((ROOT / "params.yaml").read_text())
    sections = {**whole["datasets"]["terrain"], "generate": {**SECTION, "exports": exports}}
    (root / "params.yaml").write_text(yaml.safe_dump({**whole, "datasets": {"toy": sections}}))
    (root / "tasks").symlink_to(ROOT / "tasks")  # the rooms whose sections are checked
    return root


def paint(drawing: Path, out: Path | None, seed: int | None, root: Path, dataset: str = "toy") -> Path:
    return steer(dataset, Wish({"labels": [str(drawing)]}, {}, seed=seed), out, root)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    painter(folder)
    return settle(folder)


@pytest.fixture
def drawing(tmp_path) -> Path:
    """An island with a smoothed coast on 30 × 22 pixels, as RGB from a paint program."""
    big = Image.new("RGB", (120, 88), tuple(COLORS[0].tolist()))
    draw = ImageDraw.Draw(big)
    draw.ellipse([20, 10, 100, 80], fill=tuple(COLORS[1].tolist()))
    draw.ellipse([44, 28, 80, 60], fill=tuple(COLORS[2].tolist()))
    big.resize((30, 22), Image.Resampling.BICUBIC).save(tmp_path / "my island.png")
    return tmp_path / "my island.png"


def test_a_drawing_becomes_every_file_of_its_own_size(root, drawing, tmp_path, capsys):
    folder = paint(drawing, tmp_path / "out", 11, root)
    said = capsys.readouterr().out
    labels, changed = read_drawing(drawing, pd.DataFrame(CLASSES))
    assert changed > 20 and f"30 × 22 pixels, {changed} changed to the nearest class" in said
    assert "no multiples of 4: painted with 2 columns and 2 rows more" in said
    height, gsd = read_geotiff(folder / "my_island.tif")
    whole = np.pad(labels, ((0, 2), (0, 2)), mode="edge")
    painted = load_model(root / "data/toy/model").paint(whole[None], seed=11)
    assert np.array_equal(height, painted.height[0, :22, :30]) and gsd == 1000.0
    assert np.array_equal(np.asarray(Image.open(folder / "my_island.texture.png")), painted.texture[0, :22, :30])
    assert np.array_equal(read_drawing(folder / "my_island.labels.png", pd.DataFrame(CLASSES)).labels, labels)
    sidecar = json.loads((folder / "my_island.json").read_text())
    assert set(sidecar["files"]) >= {"tif", "obj", "mtl", "glb", "stl", "unreal.r16", "unity.raw", "heightmap.png"}
    assert sidecar["drawing_sha256"] == file_sha256(drawing) and sidecar["changed_pixels"] == changed
    assert (folder / "preview3d.png").is_file() and (folder / "overview.png").is_file()


def test_nothing_is_painted_over(drawing, tmp_path):
    painter(tmp_path / "root")
    root, out = settle(tmp_path / "root", ["geotiff"]), tmp_path / "out"
    first = paint(drawing, out, None, root)
    kept = dvc_md5(first)
    assert paint(drawing, out, SECTION["seed"], root) == first == out  # the same, so nothing to do
    assert paint(drawing, out, 12, root) == tmp_path / "out-2"
    assert paint(drawing, out, 12, root) == tmp_path / "out-2"
    assert dvc_md5(out) == kept != dvc_md5(tmp_path / "out-2")
    (tmp_path / "file").write_text("mine")
    assert paint(drawing, tmp_path / "file", None, root) == tmp_path / "file-2"
    assert (tmp_path / "file").read_text() == "mine"
    assert not [path for path in tmp_path.iterdir() if ".part" in path.name]


def test_the_palette_is_what_a_drawing_is_made_of(root, tmp_path):
    folder = give_palette("toy", tmp_path / "palette", root)
    assert {path.name for path in folder.iterdir()} == {"palette.png", "palette.gpl", "blank.png"}
    lines = (folder / "palette.gpl").read_text().splitlines()
    assert lines[0] == "GIMP Palette" and lines[1].startswith("Name: ")
    assert lines[lines.index("#") + 1 :] == [" 20  60 160\tsea", "230 200 120\tdesert", " 30 120  50\tforest"]
    with Image.open(folder / "blank.png") as blank:
        assert blank.mode == "P" and blank.size == (16, 16)
        assert blank.getpalette()[:9] == COLORS.ravel().tolist()
    picture = np.asarray(Image.open(folder / "palette.png").convert("RGB"))
    for color in COLORS:
        assert (picture == color).all(axis=-1).sum() > 500  # a colour picker finds it exactly
    # Paint with the swatches' colours, in a program that knows only RGB.
    sheet = Image.open(folder / "blank.png").convert("RGB")
    sheet.paste(tuple(COLORS[2].tolist()), (4, 4, 12, 12))
    sheet.save(tmp_path / "mine.png")
    assert paint(tmp_path / "mine.png", tmp_path / "painted", None, root).is_dir()


def test_the_default_place_is_named_after_the_drawing(root, drawing):
    assert paint(drawing, None, None, root) == root / "drawings/my_island"
    assert give_palette("toy", None, root) == root / "drawings/palette-toy"


@pytest.mark.parametrize(("file", "name"), [("..png", "drawing"), ("...png", "drawing"), ("-rf.png", "rf")])
def test_a_drawing_of_an_odd_name_becomes_the_same_files(file, name, root, drawing, tmp_path):
    odd = drawing.rename(tmp_path / file)
    folder = paint(odd, None, 11, root)
    assert folder.parent == root / "drawings" and folder.name in (name, f"{name}-2")  # the other name is taken
    sidecar = json.loads((folder / f"{name}.json").read_text())
    assert sidecar["drawing_sha256"] == file_sha256(odd) and (folder / f"{name}.tif").is_file()
    listed = {path.name for path in folder.iterdir()}
    assert {f"{name}.{suffix}" for suffix in sidecar["files"]} | {"overview.png"} <= listed
    assert not [path for path in root.iterdir() if ".part" in path.name]
    assert paint(odd, None, 11, root) == folder and {path.name for path in folder.iterdir()} == listed


def test_unknown_colours_stop_it_with_nothing_written(root, tmp_path):
    Image.new("RGB", (16, 16), (255, 0, 255)).save(tmp_path / "d.png")
    with pytest.raises(LandloomError, match=r"#ff00ff \(256 pixels.*#143ca0 sea"):
        paint(tmp_path / "d.png", tmp_path / "out", None, root)
    assert [path.name for path in tmp_path.iterdir()] == ["d.png"]


def test_a_model_without_classes_takes_no_drawing(tmp_path, drawing):
    sampler(tmp_path / "root")
    root = settle(tmp_path / "root")
    for call in (lambda: paint(drawing, None, None, root), lambda: give_palette("toy", None, root)):
        with pytest.raises(
            LandloomError,
            match="trained without the condition 'labels'.*takes nothing beside a seed",
        ):
            call()
    with pytest.raises(LandloomError, match="there is no dataset 'other'; there are toy"):
        paint(drawing, None, None, root, "other")


def test_a_sampler_with_labels_takes_drawings_of_its_own_size(tmp_path, drawing):
    sampler(tmp_path / "root", classes=CLASSES, method={**CONSISTENCY, "network": NETWORK, "conditions": ["labels"]})
    root = settle(tmp_path / "root")
    with pytest.raises(LandloomError, match="30 × 22 pixels, and this model takes 16 × 16 alone"):
        paint(drawing, None, None, root)
    half = np.zeros((16, 16), np.uint8)
    half[:, 8:] = 2
    Image.fromarray(COLORS[half]).save(tmp_path / "half.png")
    folder = paint(tmp_path / "half.png", tmp_path / "out", 5, root)
    expected = load_model(root / "data/toy/model").sample([0], seed=5, steps=2, conditions={"labels": half[None]})[0]
    assert np.array_equal(read_geotiff(folder / "half.tif")[0], expected)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["toy", "--out", "x"], 2, "--out goes with another option"),
        (["toy", "--palette", "--labels", "x.png"], 2, "--labels is not allowed with --palette"),
        (["toy", "--labels", "x.png", "--seed", "-1"], 2, "--seed: a number from 0"),
        (["nowhere", "--palette"], 1, "generate@nowhere: params.yaml: there is no dataset 'nowhere'"),
    ],
)
def test_commands_that_make_no_sense_are_told_so(arguments, code, said, capsys):
    with pytest.raises(SystemExit) as caught:
        entry.command(arguments)
    assert caught.value.code == code and said in capsys.readouterr().err


def test_what_has_no_class_is_painted_and_told(root, tmp_path, capsys):
    rgba = np.dstack([COLORS[np.full((16, 16), 1)], np.full((16, 16), 255, np.uint8)])
    rgba[:, :3, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "d.png")
    folder = paint(tmp_path / "d.png", tmp_path / "out", None, root)
    assert "48 pixels have no class" in capsys.readouterr().out
    with Image.open(folder / "d.labels.png") as labels:
        assert (np.asarray(labels)[:, :3] == 255).all() and (np.asarray(labels.convert("RGBA"))[:, :3, 3] == 0).all()


def test_a_folder_is_whole_or_not_there(tmp_path):
    def broken(target: Path) -> None:
        (target / "half").write_text("")
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        fill(tmp_path / "out", broken)
    assert not list(tmp_path.iterdir())
    (tmp_path / "a file").write_text("")
    with pytest.raises(LandloomError, match="no folder can be made here"):
        fill(tmp_path / "a file" / "out", broken)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("..png", "drawing"),
        ("...png", "drawing"),
        (".png", "png"),
        ("-rf.png", "rf"),
        ("a b/c.d.png", "c.d"),
        ("Über see.png", "Über_see"),
        ("no\udcff.png", "no"),
        ("$(x);`y`.png", "x_y"),
        ("é" * 100 + ".png", "é" * 75),
    ],
)
def test_a_drawing_of_any_name_has_a_folder_of_its_own(file, name):
    assert (stem(Path(file).stem) or "drawing") == name and shown(Path(file)).encode()
