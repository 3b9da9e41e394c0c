import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pydantic import ValidationError

from tasks.caption.params import Facts, Params
from tasks.caption.sheet import choose
from tasks.core.errors import LandloomError
from tasks.core.settings import Compute
from tasks.formats.tables.captions import read_captions
from tasks.formats.tables.tiles import read_tiles, write_tiles
from tasks.relief.ground_facts import FLAT_DEG, LOOKUP_PX
from tests.caption.small import caption, grow


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    root = tmp_path_factory.mktemp("caption")
    data = grow(root)
    (data / "figures.json").write_text(json.dumps(caption(root).figures))
    return data


def test_landforms_of_captions_are_those_that_evaluate_measures():
    """The parameters name the numbers themselves: an import of the measurements would load libraries of numbers."""
    defaults = Facts(name="facts")
    assert (defaults.lookup_px, defaults.flat_deg) == (LOOKUP_PX, FLAT_DEG)


def test_every_kept_tile_and_no_other_has_a_caption(done):
    captions, tiles = read_captions(done / "captions.parquet"), read_tiles(done / "tiles.parquet")
    assert list(captions.index) == sorted(tiles["key"][tiles["keep"]])
    assert (
        (captions["method"] == "facts").all() and captions["model"].isna().all() and (captions["cost_usd"] == 0).all()
    )
    assert json.loads((done / "metrics" / "caption.json").read_text()) == {"captions": len(captions)}
    figures = json.loads((done / "figures.json").read_text())
    assert figures["captions"] == len(captions) == 10
    assert figures["words_mean"] == pytest.approx(captions["text"].str.split().str.len().mean(), abs=0.01)


def test_facts_are_those_of_the_ground(done):
    facts = read_captions(done / "captions.parquet")["facts"].map(json.loads)
    assert facts["measured/00000_00000"]["aspect"] == "east", "the plane falls to the east"
    assert facts["measured/00000_00096"]["grain"] == "north to south", "the trough does"
    assert facts["measured/00000_00128"]["sea_share"] == pytest.approx(0.5, abs=0.05)
    assert facts["measured/00000_00000"]["place"] == {"lat": 46.0, "lon": 8.1, "zone": "the northern mid-latitudes"}


def test_computed_ground_says_so_and_claims_no_place(done):
    captions = read_captions(done / "captions.parquet")
    for key, row in captions.iterrows():
        facts = json.loads(row["facts"])
        assert facts["procedural"] == ("procedurally generated" in row["text"].lower()) == key.startswith("planet")
        assert facts["place"] is None or key.startswith("measured")


def test_a_photograph_has_no_relief(done):
    row = read_captions(done / "captions.parquet").loc["photo/00000_00000"]
    facts = json.loads(row["facts"])
    assert facts["stated"] == {"date": "1908", "language": ["ger"], "title": "Am Gletscher"}
    assert facts["place"] is facts["side_km"] is facts["subject"] is None and "relief_m" not in facts
    assert facts["palette"] and 0.4 < facts["brightness"] < 0.6
    assert row["text"].startswith("A picture of unknown place and scale, ")


def test_the_sheet_is_drawn(done):
    with Image.open(done / "pictures" / "caption" / "sheet.png") as sheet:
        assert min(sheet.size) > 1000 and np.asarray(sheet.convert("L")).std() > 10


@pytest.mark.parametrize("measured, computed", [(40, 40), (3, 40), (40, 0), (0, 5), (2, 2)])
def test_the_sheet_shows_measured_and_computed_ground(measured, computed):
    keys = [f"t{number:03}" for number in range(measured + computed)]
    tiles = pd.DataFrame({"key": keys, "procedural": [number >= measured for number in range(len(keys))]})
    captions = pd.DataFrame({"key": keys, "facts": [json.dumps({"relief_m": number}) for number in range(len(keys))]})
    chosen = choose(tiles, captions)
    assert chosen["key"].is_unique and len(chosen) == min(12, len(keys))
    assert (~chosen["procedural"]).sum() == min(measured, max(6, 12 - computed))


def test_the_same_bytes_again_and_from_two_processes(done, tmp_path):
    data = grow(tmp_path)
    caption(tmp_path, Compute(engine="processes", workers=2))
    for name in ("captions.parquet", "metrics/caption.json", "pictures/caption/sheet.png"):
        assert (data / name).read_bytes() == (done / name).read_bytes(), name


def test_none_leaves_an_empty_table(tmp_path):
    data = grow(tmp_path)
    caption(tmp_path, method={"name": "none"})
    assert read_captions(data / "captions.parquet").empty
    assert (data / "pictures" / "caption").is_dir()


def test_nothing_kept_is_an_empty_table_too(tmp_path):
    data = grow(tmp_path)
    tiles = read_tiles(data / "tiles.parquet")
    tiles["keep"] = False
    write_tiles(tiles, data / "tiles.parquet")
    caption(tmp_path)
    assert read_captions(data / "captions.parquet").empty


def test_heights_without_a_scale_are_refused_by_name(tmp_path):
    data = grow(tmp_path, gsd=None)
    with pytest.raises(LandloomError, match="measured/00000_00000 has heights but no GSD"):
        caption(tmp_path)
    assert not (data / "captions.parquet").exists()


def test_a_missing_scene_file_is_told_by_name(tmp_path):
    data = grow(tmp_path)
    (data / "scenes" / "measured.height.tif").unlink()
    with pytest.raises(LandloomError, match=r"measured\.height\.tif"):
        caption(tmp_path)


@pytest.mark.parametrize(
    "section",
    [
        {"method": "facts"},
        {"method": {"name": "poems"}},
        {"method": {"name": "facts", "lookup_px": 1}},
        {"method": {"name": "facts", "drop_share": 1.5}},
        {"method": {"name": "facts", "tone": "warm"}},
        {"method": {"name": "none", "lookup_px": 12}},
    ],
)
def test_impossible_parameters_are_refused(section):
    with pytest.raises(ValidationError):
        Params.model_validate(section)
