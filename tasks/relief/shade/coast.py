"""Outlines of the land under maps in longitude and latitude, so that a person sees where on Earth something lies.

The outlines are Natural Earth's at 1:110 million (public domain), which come with pyogrio as a part of its own tests.
They are for orientation only: a shore can lie kilometres off.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

_FILE = "tests/fixtures/naturalearth_lowres/naturalearth_lowres.shp"


def draw_coast(axis: Axes) -> None:
    """Draw the land's outlines inside the limits of `axis`, which stay. Longitudes may go beyond ±180."""
    west, east = axis.get_xlim()
    south, north = axis.get_ylim()
    lines = []
    for turn in (-360.0, 0.0, 360.0):
        for line in _outlines():
            lon = line[:, 0] + turn
            if lon.max() >= west and lon.min() <= east and line[:, 1].max() >= south and line[:, 1].min() <= north:
                lines.append(np.column_stack([lon, line[:, 1]]))
    axis.add_collection(LineCollection(lines, colors="0.2", linewidths=0.7, zorder=2.5), autolim=False)
    axis.set(xlim=(west, east), ylim=(south, north))


@cache
def _outlines() -> list[np.ndarray]:
    """Closed lines (N, 2) of longitude and latitude; none where the installed pyogrio has no such file."""
    import pyogrio
    import shapely

    path = Path(pyogrio.__file__).parent / _FILE
    if not path.exists():
        return []
    land = shapely.union_all(pyogrio.read_dataframe(path, columns=[]).geometry.to_numpy())
    return [shapely.get_coordinates(ring) for part in land.geoms for ring in (part.exterior, *part.interiors)]
