"""The map of tiles by verdict: labels that do not overlap, and the coast where the ground is the Earth's."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pytest
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from shapely.geometry import box

from tasks.relief.shade.coast import outlines
from tasks.select.params import Params
from tasks.select.pictures import tile_map


def grid(lat: float, lon: float, side: float, rows: int = 8, procedural: bool = False) -> list[dict]:
    """Tiles of one area, `side` degrees wide, in `rows` rows of 8."""
    step = side / 8
    return [
        {"scene": f"{lat} {lon}", "lat": lat + step * row, "lon": lon + step * col, "gsd": step * 111e3 / 64}
        | {"split": "train", "reason": None, "procedural": procedural, "geometry": box(0, 0, 1, 1)}
        for row in range(rows)
        for col in range(8)
    ]


AREAS = [(36.6, -84.2, 0.3, 8), (-33.91831, 151.18217, 0.02, 8), (60.12, -179.9, 1, 8), (71.5, 25.1, 0.004, 40)]


@pytest.mark.parametrize("count", [1, 4])
def test_labels_of_ticks_do_not_overlap(count):
    rows = [row for lat, lon, side, tall in AREAS[-count:] for row in grid(lat, lon, side, tall)]
    figure = tile_map(gpd.GeoDataFrame(rows, geometry="geometry", crs=4326), Params(px=64, stride=64))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = [axis for axis in figure.axes if axis.axison]
    assert len(drawn) == count
    for axis in drawn:
        for along, (low, high) in ((axis.xaxis, axis.get_xlim()), (axis.yaxis, axis.get_ylim())):
            places = zip(along.get_ticklocs(), along.get_ticklabels(), strict=True)
            labels = [label.get_window_extent() for place, label in places if low <= place <= high]
            assert labels and not any(one.overlaps(other) for one, other in pairwise(labels))


def test_the_coast_is_drawn_on_the_earth_and_not_on_a_computed_planet():
    rows = [*grid(43.0, 3.0, 3), *grid(36.0, 14.0, 3, procedural=True)]  # the shores of Languedoc and of Sicily
    figure = tile_map(gpd.GeoDataFrame(rows, geometry="geometry", crs=4326), Params(px=64, stride=64))
    drawn = {
        axis.get_title(loc="left")[:5]: [kind for kind in axis.collections if isinstance(kind, LineCollection)]
        for axis in figure.axes
    }
    assert {name: len(found) for name, found in drawn.items()} == {"37.3°": 0, "44.3°": 1}
    lines = drawn["44.3°"][0].get_segments()
    assert lines and any((line[:, 0] > 3).any() and (line[:, 1] < 44).any() for line in lines)


@pytest.mark.parametrize(
    "lon, lat, land",
    [(8.2, 46.8, True), (-100, 40, True), (135, -25, True), (0, -85, True), (-40, 72, True)]
    + [(-30, 40, False), (18, 38, False), (-140, 0, False), (51, 42, False)],
)
def test_the_outlines_hold_the_land_of_the_earth(lon, lat, land):
    lines = outlines()
    assert all((line[0] == line[-1]).all() and len(line) > 3 for line in lines)
    inside = [shapely.Polygon(line).contains(shapely.Point(lon, lat)) for line in lines]
    assert np.sum(inside) % 2 == land  # a lake's shore, such as the Caspian's, lies within that of its land
