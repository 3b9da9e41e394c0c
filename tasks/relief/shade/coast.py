"""Outlines of the land under maps in longitude and latitude, so that a person sees where on Earth something lies.

The outlines in `coast.json` are the countries of Natural Earth at 1:110 million (public domain), joined and rounded to
0.01°. They are for orientation only: a shore can lie kilometres off.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

_FILE = Path(__file__).with_name("coast.json")


def draw_coast(axis: Axes) -> None:
    """Draw the land's outlines inside the limits of `axis`, which stay. Longitudes may go beyond ±180."""
    west, east = axis.get_xlim()
    south, north = axis.get_ylim()
    lines = []
    for turn in (-360.0, 0.0, 360.0):
        for line in outlines():
            lon = line[:, 0] + turn
            if lon.max() >= west and lon.min() <= east and line[:, 1].max() >= south and line[:, 1].min() <= north:
                lines.append(np.column_stack([lon, line[:, 1]]))
    axis.add_collection(LineCollection(lines, colors="0.2", linewidths=0.7, zorder=2.5), autolim=False)
    axis.set(xlim=(west, east), ylim=(south, north))


@cache
def outlines() -> list[np.ndarray]:
    """Closed lines (N, 2) of longitude and latitude in degrees."""
    return [np.reshape(line, (-1, 2)) / 100 for line in json.loads(_FILE.read_text())["lines"]]
