from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.acquire.common.area import Area, cell_box
from tasks.acquire.common.degree_cells import cell_corner, cell_name
from tasks.core.errors import LandloomError
from tests.acquire.stage import params

HERE = Path()


@given(st.integers(-90, 89), st.integers(-180, 179), st.integers(-2, 2))
def test_a_cell_is_named_by_its_corner(south, west, turns):
    assert cell_corner(cell_name(south, west + 360 * turns)) == (south, west)


@settings(max_examples=15)
@given(st.integers(-90, 89), st.integers(-180, 179))
def test_an_area_of_one_cell_is_that_cell(south, west):
    name = cell_name(south, west)
    area = Area.read([name], HERE)
    assert area.cells() == [name]
    assert area.searches() == [cell_box(name)]


def test_a_box_across_180_degrees():
    area = Area.read((179.0, -18.0, -179.0, -16.0), HERE)
    assert area.cells() == ["S18W180", "S18E179", "S17W180", "S17E179"]
    assert area.searches() == [(-180.0, -18.0, -179.0, -16.0), (179.0, -18.0, 180.0, -16.0)]
    assert area.intersects(179.2, -17, 179.4, -16.5)
    assert area.intersects(179.99, -17, -179.99, -16.5)
    assert not area.intersects(0, -17, 1, -16)


def test_half_a_pixel_over_the_edge_is_no_overlap():
    area = Area.read(["N46E008"], HERE)
    half = 0.5 / 1200
    assert area.intersects(8 - half, 46 - half, 9 + half, 47 + half)
    assert not area.intersects(9 - half, 46 - half, 10 + half, 47 + half)


def test_the_whole_earth_in_pieces():
    area = Area.read(None, HERE)
    assert len(area.cells()) == 180 * 360
    assert len(area.searches()) == 18 * 36
    assert area.intersects(-180.5, -90.5, 180.5, 90.5)


def test_geojson(tmp_path):
    ring = [[178, -18], [182, -18], [182, -16], [178, -16], [178, -18]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    document = {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": geometry, "properties": {}}]}
    (tmp_path / "fiji.geojson").write_text(json.dumps(document))
    assert Area.read("fiji.geojson", tmp_path).cells()[:4] == ["S18W180", "S18W179", "S18E178", "S18E179"]


def box_of(*corners, **more) -> str:
    ring = [[*corner] for corner in (*corners, corners[0])]
    return json.dumps({"type": "Polygon", "coordinates": [ring], **more})


EAST, WEST = 179.0, -179.0
ACROSS = [
    box_of((EAST, -18), (WEST, -18), (WEST, -16), (EAST, -16)),
    box_of((WEST, 60), (WEST, 70), (170, 70), (170, 60)),  # the other way round
    json.dumps({"type": "GeometryCollection", "geometries": [
        json.loads(box_of((8, 46), (9, 46), (9, 47))),
        json.loads(box_of((100, 5), (-100, 5), (-100, -5), (100, -5)))]}),
    json.dumps({"type": "Feature", "properties": {}, "geometry": {"type": "MultiPolygon", "coordinates": [
        [[[1, 1], [2, 1], [2, 2], [1, 1]]], [[[EAST, 1, 7.0], [WEST, 1, 7.0], [WEST, 2, 7.0], [EAST, 1, 7.0]]]]}}),
]  # fmt: skip


@pytest.mark.parametrize("text", ACROSS, ids=["east to west", "west to east", "in a collection", "with heights"])
def test_an_area_across_180_degrees_that_is_not_cut_is_refused(tmp_path, text):
    (tmp_path / "area.geojson").write_text(text)
    with pytest.raises(LandloomError, match=r"area\.geojson: an edge goes from .* which has two meanings") as told:
        Area.read("area.geojson", tmp_path)
    assert "\n" not in str(told.value)


def test_what_the_refusal_proposes_is_taken_as_it_says(tmp_path):
    wide = box_of((EAST, -18), (0, -18), (WEST, -18), (WEST, -16), (0, -16), (EAST, -16))
    for text, cells in ((box_of((EAST, -18), (181, -18), (181, -16), (EAST, -16)), 4), (wide, 716)):
        (tmp_path / "area.geojson").write_text(text)
        assert len(Area.read("area.geojson", tmp_path).cells()) == cells


def test_a_belt_around_the_earth_is_a_belt(tmp_path):
    (tmp_path / "belt.geojson").write_text(box_of((-180, 0), (180, 0), (180, 1), (-180, 1)))
    assert len(Area.read("belt.geojson", tmp_path).cells()) == 360


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4326"}},
        {"type": "name", "properties": {"name": "EPSG:4979"}},
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
        {"type": "EPSG", "properties": {"code": 4258}},
        None,
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_crs_that_says_longitude_and_latitude_and_a_byte_order_mark(tmp_path, crs, mark):
    text = mark + box_of((8, 46), (9, 46), (9, 47), (8, 47), crs=crs)
    (tmp_path / "area.geojson").write_text(text, encoding="utf-8")
    assert Area.read("area.geojson", tmp_path).cells() == ["N46E008"]


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "name", "properties": {"name": "EPSG:3857"}},
        {"type": "name", "properties": {"name": "EPSG:4807"}},  # grads from Paris
        {"type": "link", "properties": {"href": "http://example.org/crs"}},
        {"type": "name", "properties": {"name": "somewhere"}},
        "WGS 84",
    ],
)
def test_another_crs_is_refused(tmp_path, crs):
    (tmp_path / "area.geojson").write_text(box_of((8, 46), (9, 46), (9, 47), crs=crs))
    with pytest.raises(LandloomError, match="it has a crs"):
        Area.read("area.geojson", tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there is no file"),
        ("{", "is not GeoJSON"),
        ("[]", "is not GeoJSON"),
        ('{"type": "Polygon"}', "is not GeoJSON"),
        ('{"type": "Point", "coordinates": [1, 2]}', "holds no polygon"),
        ('{"type": "Polygon", "coordinates": [[[0,0],[500000,0],[500000,9],[0,0]]]}', "not in longitude and latitude"),
        ('{"type": "Polygon", "crs": {"name": "EPSG:3857"}, "coordinates": []}', "not in longitude and latitude"),
    ],
)
def test_a_bad_geojson_is_told_by_name(tmp_path, text, reason):
    if text is not None:
        (tmp_path / "area.geojson").write_text(text)
    with pytest.raises(LandloomError, match=reason) as told:
        Area.read("area.geojson", tmp_path)
    assert "area.geojson" in str(told.value)


@pytest.mark.parametrize(
    ("area", "reason"),
    [
        ([1, 2, 3], "four numbers"),
        ([10, 5, 20, 4], "south < north"),
        ([10, 5, 200, 6], "write west > east"),
        (["N46E008", "N99E000"], "no cell N99E000"),
        (["46N"], "no cell"),
        ([], "null means everything"),
    ],
)
def test_a_bad_area_is_told_by_its_rule(area, reason):
    with pytest.raises(ValidationError, match=reason):
        params("sample", area)


def test_a_small_area_at_the_edge_of_a_raster_counts():
    area = Area.read([8.001, 46.001, 8.003, 46.003], Path())
    assert area.intersects(8, 46, 9, 47) and not area.intersects(7, 46, 8, 47)
    assert area.searches() == [(8.001, 46.001, 8.003, 46.003)]
