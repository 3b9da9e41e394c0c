"""A person's map of words: what is read of it, what is told, and the world that it makes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from affine import Affine

from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256
from tasks.generate import __main__ as main
from tasks.generate.world.files import georeference
from tasks.generate.world.text_map import read_text_map
from tests.generate.steering.asked import CORNER, raster
from tests.generate.world.places import collection, feature, ring, written
from tests.generate.world.test_command import ask

SQUARE = ring(0, -3000, 3000, -500)
BORDER = feature("High mountains.", ring(2000, -9000, 9000, 9000))


def read(path):
    return read_text_map(path, "hills", *georeference(90.0, None))


def test_a_part_across_a_border_has_the_bits_of_the_whole(checkout, tmp_path):
    places = written(tmp_path / "places.geojson", BORDER, feature("High glaciers", SQUARE))
    asked = ("--text", "Low hills.", "--text-map", str(places), "--seed", "5")
    whole = ask(checkout, "--world", "60x40", *asked, "--out", str(tmp_path / "w"))
    part = ask(checkout, "--window", "13,9,30,20", *asked, "--out", str(tmp_path / "p"))
    with rasterio.open(whole / "places.tif") as one, rasterio.open(part / "places.tif") as other:
        assert np.array_equal(one.read(1)[9:29, 13:43], other.read(1))
        assert one.tags()["TEXT_MAP_SHA256"] == file_sha256(places)
    facts = json.loads((whole / "places.json").read_text())
    assert facts["text"] == "Low hills." and facts["text_map"] == "places.geojson"
    assert facts["text_map_sha256"] == file_sha256(places)
    assert facts["texts"] == [
        {"text": "High mountains.", "unknown_words": ""},
        {"text": "High glaciers", "unknown_words": "glaciers"},
    ]


def test_the_command_tells_unknown_words_and_polygons_elsewhere(checkout, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(main.worlds.make, "__defaults__", (checkout,))
    places = written(tmp_path / "places.geojson", feature("Icy glaciers", ring(0, 500, 900, 900)))
    asked = ("--guidance", "2", "--steps", "1", "--text-map", str(places))
    main.command(["toy", "--window", "5,6,7,8", *asked, "--out", str(tmp_path / "w")])
    said = capsys.readouterr().out
    assert "“icy”, “glaciers” in “Icy glaciers”: the model never saw these words" in said
    assert "lies in this rectangle, which has x from 450 to 1080 m and y from -1260 to -540 m" in said
    with pytest.raises(SystemExit):
        main.command(["toy", "--text-map", str(places)])
    assert "--text-map goes with --world or --window" in capsys.readouterr().err


def test_words_of_a_map_hold_on_a_map_of_heights_in_its_coordinates(checkout, tmp_path):
    rows, cols = np.mgrid[0:6, 0:20].astype(np.float32)
    coarse = raster(tmp_path / "plan.tif", 2000 + 300 * rows - 100 * cols, transform=CORNER @ Affine.scale(4))
    with rasterio.open(coarse) as given:
        west, south, east, north = given.bounds
        code = given.crs.to_epsg()
    square = feature("High mountains.", ring((west + east) / 2, south, east, north))
    named = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{code}"}}
    places = written(tmp_path / "places.geojson", square, crs=named)
    asked = ("--world", "--upscale", str(coarse), "--steps", "1", "--seed", "5")
    found = ask(checkout, *asked, "--text-map", str(places), "--out", str(tmp_path / "w"))
    plain = ask(checkout, *asked, "--out", str(tmp_path / "plain"))
    with rasterio.open(found / "places.tif") as made, rasterio.open(plain / "plan.tif") as other:
        assert made.crs == other.crs and made.bounds == other.bounds
        changed = made.read(1) != other.read(1)
        assert changed[:, -8:].any() and not changed[:, :8].any()
    places = written(tmp_path / "odd.geojson", square, crs={"type": "name", "properties": {"name": "EPSG:2056"}})
    with pytest.raises(LandloomError, match="its member crs says EPSG:2056"):
        ask(checkout, "--world", "--upscale", str(coarse), "--text-map", str(places), "--out", str(tmp_path / "no"))


def test_texts_are_plain_and_rings_that_cross_themselves_are_areas(tmp_path):
    bow = [[0, 0], [2000, 2000], [2000, 0], [0, 2000], [0, 0]]
    found = read(written(tmp_path / "a.geojson", feature(" high \n mountains", bow), feature("", SQUARE)))
    assert found.texts == ("high mountains", "") and found.words.texts == ("hills", "high mountains", "")
    assert found.words.at(np.array([-11.0, -2.0]), np.array([20.0, 11.0])).tolist() == [1, 0]


@pytest.mark.parametrize(
    "document, message",
    [
        ("{", "not GeoJSON: Expecting property name"),
        ([], "not a GeoJSON FeatureCollection"),
        (feature("hills", SQUARE), "not a GeoJSON FeatureCollection"),
        (collection(), "it has no features"),
        (collection(feature("hills", SQUARE), {"type": "Feature"}), "feature 2 has no geometry"),
        (collection(feature("hills", [0, 0], [9000, 0], kind="LineString")), "feature 1 is a LineString, and words"),
        (collection(feature("hills", "far")), "feature 1 is not a Polygon"),
        (
            collection(feature("hills", [[0, 0], [9000, 0], [float("nan"), 9], [0, 0]])),
            "a coordinate is not a finite",
        ),
        (collection(feature("hills", [[0, 0], [9000, 0], [0, 0], [0, 0]])), "feature 1 has no area"),
        (collection(feature(None, SQUARE)), "feature 1 has no property `text`"),
        (collection(feature(7, SQUARE)), "feature 1 has no property `text`"),
        (collection({**feature("hills", SQUARE), "properties": None}), "feature 1 has no property `text`"),
        (collection(feature("hills", ring(7, 46, 8, 47))), "its coordinates look like degrees"),
        (
            collection(
                feature("hills", SQUARE), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
            ),
            "its member crs says urn:ogc:def:crs:OGC:1.3:CRS84, and the world's coordinate system is “Generated plane",
        ),
        (collection(feature("hills", SQUARE), crs="odd"), 'its member crs says "odd"'),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(tmp_path, document, message):
    path = tmp_path / "places.geojson"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    with pytest.raises(LandloomError, match=message) as told:
        read(path)
    assert str(told.value).startswith(f"{path}: ") and "\n" not in str(told.value)


def test_a_file_that_is_not_there_and_one_that_is_no_text(tmp_path):
    with pytest.raises(LandloomError, match="there is no such file"):
        read(tmp_path / "none.geojson")
    (tmp_path / "binary.geojson").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(LandloomError, match="not GeoJSON"):
        read(tmp_path / "binary.geojson")
