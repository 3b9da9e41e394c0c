"""Pictures through the whole stage: copies, crops and sheets on one side, sheets of what was dropped, no metres."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from tasks.core.hashing import dvc_md5
from tasks.formats.tables.scenes import write_layer
from tasks.formats.tables.tiles import read_tiles
from tasks.select.run import run
from tasks.select.structure import structure
from tests.select.small import add_photograph, scene_row, stage, write_table
from tests.select.test_matches import PX, picture

RULES = [
    {"column": "rgb_std", "min": 6},
    {"any": [{"column": "rgb_std", "min": 20}, {"column": "color_mean_green", "min": 42}]},
    {"column": "sharpness", "min": 2},
]


def layer(grey, tint=(1.0, 0.9, 0.7)):
    """A picture in some colour, with its mask."""
    color = np.stack([cv2.resize(grey, (PX, PX), interpolation=cv2.INTER_AREA) * band for band in tint])
    return np.concatenate([color, np.full((1, PX, PX), 255)]).astype(np.uint8)


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Sixteen photographs in two folders; copies, crops of others, three crops of one sheet, and bad ones."""
    root = tmp_path_factory.mktemp("album")
    folder, rows = root / "data" / "terrain", []

    def add(name, grey, source=None, **more):
        row = add_photograph(folder, name, layer(grey, more.pop("tint", (1.0, 0.9, 0.7))), **more)
        rows.append(row | {"sources": [source or name], "region": f"folder{len(rows) % 2}"})

    places = [picture(seed, 512) for seed in range(16)]
    for k, grey in enumerate(places):
        add(f"p{k:02}", grey)
    add("z0_copy", places[0][:, ::-1], tint=(0.8, 1.0, 0.9))
    add("z1_crop", places[1][100:420, 60:380])
    add("z2_crop_of_crop", places[1][140:400, 100:360])
    for k in range(3):
        add(f"sheet_{k}", places[2][60 * k : 60 * k + 350, 100:450], source="sheet")
    add("bad_blank", np.full((512, 512), 90, np.uint8), tint=(1.0, 1.0, 1.0))
    add("bad_sea", (picture(50, 512) // 6 + 8).astype(np.uint8), tint=(0.6, 0.8, 1.0))
    add("bad_blur", cv2.GaussianBlur(picture(51, 512), (0, 0), 12))
    write_table(folder, rows)
    return root


@pytest.fixture(scope="module")
def chosen(album):
    one = stage(album, px=PX, stride=PX, rules=RULES, quota=100)
    run(one)
    return one, read_tiles(one.dir / "tiles.parquet").set_index("scene")


def test_bad_pictures_have_their_reasons(chosen):
    _, tiles = chosen
    assert tiles.loc["bad_blank", "reason"] == "rgb_std < 6"
    assert tiles.loc["bad_sea", "reason"] == "rgb_std < 20 and color_mean_green < 42"
    assert tiles.loc["bad_blur", "reason"] == "sharpness < 2"
    assert tiles.loc["z0_copy", ["reason", "duplicate_of"]].tolist() == ["near-duplicate", "p00/00000_00000"]
    assert tiles["keep"].sum() == len(tiles) - 4


def test_groups_never_straddle_the_split(chosen):
    _, tiles = chosen
    kept = tiles[tiles["keep"]]
    assert (kept.groupby("block")["split"].nunique() == 1).all()
    assert tiles.loc[["p01", "z1_crop", "z2_crop_of_crop"], "block"].nunique() == 1
    assert tiles.loc[["p02", "sheet_0", "sheet_1", "sheet_2"], "block"].nunique() == 1
    assert kept["block"].nunique() == 16
    assert (kept["split"] == "val").sum() == round(0.25 * len(kept))


def test_pictures_show_what_was_dropped_and_speak_of_no_metres(chosen):
    one, _ = chosen
    folder = one.dir / "pictures" / "select"
    sheets = {path.stem: np.asarray(Image.open(path)) for path in folder.glob("dropped *.png")}
    assert set(sheets) == {
        "dropped near-duplicate",
        "dropped rgb_std-below-20-and-color_mean_green-below-42",
        "dropped rgb_std-below-6",
        "dropped sharpness-below-2",
    }
    assert sheets["dropped near-duplicate"].shape[1] > 2 * 128 and all(sheet.std() > 5 for sheet in sheets.values())
    assert {path.stem for path in folder.iterdir()} - set(sheets) == {"kept", "dropped", "histograms"}
    assert not [name for name in one.figures if "relief" in name or name.endswith(" m")]
    assert sum(count for name, count in one.figures.items() if name.startswith("colorfulness ")) > 0


def test_the_same_bytes_in_other_batches(album, chosen):
    one, _ = chosen
    before = {name: dvc_md5(one.dir / name) for name in ("tiles.parquet", "pictures/select")}
    again = stage(album, px=PX, stride=PX, rules=RULES, quota=100)
    again.compute = again.compute.model_copy(update={"workers": 9})
    run(again)
    assert {name: dvc_md5(one.dir / name) for name in before} == before and again.figures == one.figures


def test_balance_by_source_takes_some_of_each_sheet(album):
    one = stage(album, px=PX, stride=PX, rules=RULES, quota=16, balance_by=None, balance_each="source", val_share=0.0)
    run(one)
    assert read_tiles(one.dir / "tiles.parquet").query("keep")["block"].nunique() == 16


def test_a_copy_in_another_block_is_not_on_the_other_side(tmp_path):
    """Imagery with a place is split by block; the same picture at two far places may be in train and val."""
    folder, rows = tmp_path / "data" / "terrain", []
    places = [picture(seed, 512) for seed in range(6)]
    for k in range(12):
        row = scene_row(f"s{k:02}", (PX, PX), 40.0 + k, 11.0, gsd=10.0) | {"height": None}
        row |= {"color": f"scenes/s{k:02}.color.tif", "region": f"r{k % 6}"}
        grey = places[k % 6] if k < 6 else places[k % 6][30:430, 90:490]
        write_layer(folder / row["color"], layer(grey), row["crs"], None)
        rows.append(row)
    write_table(folder, rows)
    one = stage(tmp_path, px=PX, stride=PX, rules=[], quota=100, val_share=0.4)
    run(one)
    tiles = read_tiles(one.dir / "tiles.parquet")
    sides = tiles["split"].to_numpy(object).reshape(2, 6)
    assert {"train", "val"} == set(tiles["split"].dropna()) and (one.dir / "pictures/select/map.png").exists()
    both = [set(pair) for pair in sides.T.tolist()]
    assert {"train", "val"} not in both and (~tiles["keep"]).any()
    assert (tiles.loc[~tiles["keep"], "reason"] == "near-duplicate").all()


def measured(luma):
    """Structure of a grey picture, by name."""
    out = np.empty(7)
    structure(np.ascontiguousarray(luma), np.ascontiguousarray(luma.T), out)
    return dict(zip(("sharpness", "blocks", "text", "frame", "flat", "blurred", "seam"), out.tolist(), strict=True))


def test_structure_finds_what_its_names_say():
    image = cv2.resize(picture(7, 512), (PX, PX), interpolation=cv2.INTER_AREA)
    fine = measured(image)
    half = cv2.resize(cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA), (PX, PX))
    assert measured(half)["sharpness"] < 8 < fine["sharpness"] and measured(half)["blurred"] > 3 * fine["blurred"]
    jpeg = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 15])[1], cv2.IMREAD_GRAYSCALE)
    assert measured(jpeg)["blocks"] > 50 > 15 > fine["blocks"]
    seamed = np.clip(image // 2 + 60 + 12 * (np.arange(PX) > 99), 0, 255).astype(np.uint8)
    assert measured(seamed)["seam"] > 7 > measured(image // 2 + 60)["seam"]
    assert measured(seamed.T)["seam"] == measured(seamed)["seam"]
    missing = image.copy()
    missing[:64, :64] = missing[128:192, 64:128] = 200
    assert measured(missing)["flat"] - fine["flat"] == pytest.approx(2 / 16)
    framed = cv2.copyMakeBorder(image[:192, :192], 32, 32, 32, 32, cv2.BORDER_CONSTANT, value=0)
    assert measured(framed)["frame"] == pytest.approx(1 - (192 / 256) ** 2, abs=0.03) and fine["frame"] == 0
    text = np.full((PX, PX), 235, np.uint8)
    for row in range(12, PX, 14):
        cv2.putText(text, "Old Man of Storr, Isle of Skye 2358 ft", (2, row), cv2.FONT_HERSHEY_PLAIN, 0.8, 20)
    assert measured(text)["text"] > 0.6 > 0.3 > fine["text"]
    assert measured(np.full((PX, PX), 7, np.uint8)) == {
        "sharpness": 0, "blocks": 0, "text": 0, "frame": 1, "flat": 1, "blurred": 0, "seam": 0,
    }  # fmt: skip


@pytest.mark.parametrize("side", [40, 100, 255])
def test_structure_is_the_same_of_a_mirror_image_at_any_side(side):
    image = cv2.resize(picture(9), (side, side))
    one, other = measured(image), measured(image[::-1])
    for name in ("frame", "seam", "sharpness"):
        assert other[name] == pytest.approx(one[name], rel=0.05, abs=0.02)
