"""Triangles from heights: an open surface for display, and a closed block for 3D printing.

A vertex is the centre of a pixel. The axes are those of the GeoTIFF: x to the east, y to the north, z up. The origin
is the terrain's south-west corner. The corners of every triangle run counterclockwise when seen from outside.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tasks.core.errors import LandloomError
from tasks.generate.exports import stl
from tasks.generate.params import Mesh, Scale
from tasks.generate.terrain.resample import resample

FRAME = "metres from the south-west corner, times the scale: x east, y up, -z north; a vertex is a pixel's centre"


class Surface(NamedTuple):
    """Vertices float64 (n, 3), faces int64 (m, 3), and texture coordinates float64 (n, 2), v up from the south edge."""

    vertices: np.ndarray
    faces: np.ndarray
    uv: np.ndarray


def surface(height: np.ndarray, gsd: float, scale: Scale, mesh: Mesh) -> Surface:
    """The surface of heights float32 (H, W), in (scaled) metres. The first vertex is in the north-west.

    Raises:
        LandloomError: the terrain is one pixel wide and has no surface.
    """
    (rows, cols), metres = height.shape, thinned(height, mesh)
    down, right = np.linspace(0, rows - 1, metres.shape[0]), np.linspace(0, cols - 1, metres.shape[1])
    east, north = np.meshgrid(gsd * (right + 0.5), gsd * (rows - 0.5 - down))
    ground = np.stack([east * scale.horizontal, north * scale.horizontal, metres * np.float64(scale.vertical)], axis=-1)
    u, v = np.meshgrid((right + 0.5) / cols, 1 - (down + 0.5) / rows)
    return Surface(ground.reshape(-1, 3), _quads(*metres.shape), np.stack([u, v], axis=-1).reshape(-1, 2))


def block(height: np.ndarray, gsd: float, scale: Scale, mesh: Mesh, size: stl.Settings) -> tuple[Surface, float]:
    """A solid in millimetres with a flat base on z = 0, and the number of metres per millimetre.

    The longer side becomes `side_mm`, and the lowest point lies `base_mm` above the base.
    """
    top = surface(height - height.min(), gsd, scale, mesh)
    vertices = top.vertices - [*top.vertices[:, :2].min(axis=0), 0]
    metres = float(vertices[:, :2].max()) / size.side_mm
    vertices = vertices / metres + [0, 0, size.base_mm]
    rim = _rim(*thinned(height, mesh).shape)
    below = vertices[rim] * [1, 1, 0]
    middle = below.max(axis=0) / 2
    count, last = len(vertices), len(vertices) + len(rim)
    here = np.arange(len(rim))
    there = np.roll(here, -1)
    corners = (count + here, count + there, rim[there]), (count + here, rim[there], rim)
    walls = [np.stack(three, axis=1) for three in corners]
    floor = np.stack([np.full(len(rim), last), count + there, count + here], axis=1)
    faces = np.concatenate([top.faces, *walls, floor])
    return Surface(np.concatenate([vertices, below, middle[None]]), faces, top.uv), metres


def no_surface(height: np.ndarray) -> str | None:
    """The reason why heights (H, W) have no surface, or None."""
    rows, cols = height.shape
    return f"{rows} × {cols} pixels have no surface" if min(rows, cols) < 2 else None


def thinned(height: np.ndarray, mesh: Mesh) -> np.ndarray:
    """The heights that become vertices. Larger terrains are resampled to `max_px` on the longer side."""
    if (reason := no_surface(height)) is not None:
        raise LandloomError(reason)
    share = mesh.max_px / max(height.shape)
    return height if share >= 1 else resample(height, *(max(2, round(side * share)) for side in height.shape))


def _quads(rows: int, cols: int) -> np.ndarray:
    """Two triangles for each square of four neighbours; their front faces up."""
    index = np.arange(rows * cols).reshape(rows, cols)
    nw, ne, sw, se = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    return np.stack([nw, sw, ne, ne, sw, se], axis=1).reshape(-1, 3)


def _rim(rows: int, cols: int) -> np.ndarray:
    """Indices of the outermost vertices, counterclockwise when seen from above, each vertex once."""
    index = np.arange(rows * cols).reshape(rows, cols)
    south, east, north, west = index[-1, :-1], index[:0:-1, -1], index[0, :0:-1], index[:-1, 0]
    return np.concatenate([south, east, north, west])
