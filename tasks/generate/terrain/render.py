"""Renderer of a textured mesh. It uses a depth buffer; light comes from the north-west, as in all other pictures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates

from tasks.generate.terrain.glb import Glb

SUN = (315.0, 45.0)  # azimuth, altitude, in degrees, as in tasks/relief/shade/hillshade.py
SKY = (238, 241, 245)
SMOOTH = 2  # pixels drawn for each pixel of the picture, each way
MARGIN = 1.04
AT_ONCE = 1_000_000  # pixels of bounding boxes per step; bounds memory


class Camera(NamedTuple):
    """A parallel view. The camera is at `azimuth` (degrees from north) and `altitude` (degrees above the horizon)."""

    azimuth: float = 205.0
    altitude: float = 35.0


def render(mesh: Glb, width: int = 720, camera: Camera = Camera()) -> np.ndarray:  # noqa: B008 (a constant)
    """Render a picture, uint8 (height, `width`, 3). The mesh fills the picture."""
    right, up, towards = _axes(camera)
    centred = mesh.positions.astype(np.float64) - mesh.positions.mean(axis=0, dtype=np.float64)
    flat = np.stack([centred @ right, -(centred @ up)], axis=1)
    low, high = flat.min(axis=0), flat.max(axis=0)
    step = max(float(high[0] - low[0]) * MARGIN / (width * SMOOTH), 1e-12)
    size = (max(1, int(np.ceil((high[1] - low[1]) * MARGIN / step))), width * SMOOTH)
    middle = (low + high) / 2
    pixels = (flat - middle) / step + np.array([size[1], size[0]]) / 2
    triangle, shares = _visible(pixels, centred @ towards, mesh.faces, size)
    hit = triangle >= 0
    corners, weights = mesh.faces[triangle[hit]], shares[hit]
    picture = np.full((*size, 3), SKY, np.float64)
    picture[hit] = _texels(mesh, corners, weights) * _light(mesh, corners, weights)[:, None]
    whole = Image.fromarray(np.rint(np.clip(picture, 0, 255)).astype(np.uint8))
    return np.asarray(whole.resize((width, max(1, size[0] // SMOOTH)), Image.Resampling.BOX))


def _direction(azimuth: float, altitude: float) -> np.ndarray:
    """Unit vector to a point in the sky; x is east, y is up, z is south."""
    a, e = np.radians(azimuth), np.radians(altitude)
    return np.array([np.cos(e) * np.sin(a), np.sin(e), -np.cos(e) * np.cos(a)])


def _axes(camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    towards = _direction(*camera)
    right = np.cross([0.0, 1.0, 0.0], towards)
    right /= np.linalg.norm(right)
    return right, np.cross(towards, right), towards


def _visible(
    pixels: np.ndarray, depth: np.ndarray, faces: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest front face at each pixel, int64 (H, W), -1 without a face, and the weights of its corners (H, W, 3).

    Triangles with bounding boxes of similar size are drawn together. One step covers all pixels of their boxes.
    """
    nearest = np.full(size[0] * size[1], -np.inf)
    triangle = np.full(size[0] * size[1], -1)
    shares = np.zeros((size[0] * size[1], 3))
    corners = pixels[faces]  # (m, 3, 2)
    (ax, ay), (bx, by), (cx, cy) = (corners[:, k].T[..., None] for k in range(3))
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    first = np.floor(corners.min(axis=1)).astype(int)
    extent = np.maximum(np.ceil(corners.max(axis=1)).astype(int) - first, 1)
    powers = np.ceil(np.log2(extent)).astype(int)
    front = area[:, 0] < 0  # y runs down, so the corners of front faces run clockwise
    for wide, tall in np.unique(powers[front], axis=0):
        group = np.flatnonzero(front & (powers == (wide, tall)).all(axis=1))
        down, right = np.indices((2**tall, 2**wide)).reshape(2, -1)
        for who in np.array_split(group, -(-len(group) * len(down) // AT_ONCE)):
            x, y = first[who, :1] + right, first[who, 1:] + down
            px, py = x + 0.5 - ax[who], y + 0.5 - ay[who]
            b = (px * (cy - ay)[who] - py * (cx - ax)[who]) / area[who]
            c = ((bx - ax)[who] * py - (by - ay)[who] * px) / area[who]
            inside = (np.minimum(b, c) >= -1e-9) & (b + c <= 1 + 1e-9)
            inside &= (x >= 0) & (y >= 0) & (x < size[1]) & (y < size[0])
            weights = np.stack([1 - b - c, b, c], axis=-1)[inside]
            place, owner = (y * size[1] + x)[inside], np.broadcast_to(who[:, None], x.shape)[inside]
            z = (depth[faces[owner]] * weights).sum(axis=1)
            closer = np.flatnonzero(z > nearest[place])
            order = closer[np.argsort(z[closer], kind="stable")]  # the nearest is written last
            nearest[place[order]], triangle[place[order]] = z[order], owner[order]
            shares[place[order]] = weights[order]
    return triangle.reshape(size), shares.reshape(*size, 3)


def _texels(mesh: Glb, corners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The texture at each point, float64 (n, 3), interpolated linearly between pixel centres."""
    u, v = (mesh.uv[corners].astype(np.float64) * weights[..., None]).sum(axis=1).T
    at = [v * mesh.texture.shape[0] - 0.5, u * mesh.texture.shape[1] - 0.5]
    channels = np.moveaxis(mesh.texture.astype(np.float64), -1, 0)
    return np.stack([map_coordinates(channel, at, order=1, mode="nearest") for channel in channels], axis=-1)


def _light(mesh: Glb, corners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Light by Lambert's law on smoothed normals. The sky lights the shadows. Level ground keeps its colour."""
    normals = (mesh.normals[corners].astype(np.float64) * weights[..., None]).sum(axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    sun = np.clip(normals @ _direction(*SUN), 0, 1)
    return 0.45 + 0.55 * sun / np.sin(np.radians(SUN[1]))
