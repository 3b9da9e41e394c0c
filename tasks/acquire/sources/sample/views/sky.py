"""The sky: its colour from horizon to zenith, the sun's glow, and clouds on a ceiling."""

from __future__ import annotations

import numpy as np

from tasks.acquire.sources.sample.ground.noise import mix, point_noise, ramp
from tasks.acquire.sources.sample.views.camera import Camera
from tasks.acquire.sources.sample.views.kinds import Light

_CEILING = 2600.0  # metres above the camera


def sky(camera: Camera, light: Light, sun: tuple[float, float, float], cover: float, seed: int) -> np.ndarray:
    """Colour of the sky behind every pixel, float32 (H, W, 3); below the horizon it stays that of the horizon.

    Args:
        cover: share of the sky that is cloud, about.
    """
    rows = max(int(camera.row) + 1, 1)
    up = ((camera.row - np.arange(rows) - 0.5) / camera.focal).astype(np.float32)[:, None]
    across = ((np.arange(camera.width) + 0.5 - camera.width / 2) / camera.focal).astype(np.float32)[None, :]
    length = np.sqrt(1 + up * up + across * across)
    rise = np.broadcast_to(np.clip(up / length, 0, 1), length.shape)
    color = mix(light.horizon, light.zenith, np.sqrt(np.clip(rise * 1.9, 0, 1)))
    east = camera.east + across * camera.north
    north = camera.north - across * camera.east
    toward = np.clip((east * sun[0] + north * sun[1] + up * sun[2]) / length, 0, 1)
    glow = toward**8 * 0.35 + toward**64 * 0.4 + ramp(0.99955, 0.9998, toward)
    color = color + np.array(light.sun, np.float32) * np.clip(glow, 0, 1.2)[..., None] * 0.6
    reach = np.float32(_CEILING) / np.maximum(up, np.float32(0.012))
    x, y = reach * east / 1000 + seed % 97, reach * north / 1000
    thick = _billows(x, y, seed)
    edge = 0.62 - 0.9 * cover
    density = ramp(edge, edge + 0.42, thick) * ramp(0.0, 0.07, rise)
    lit = _billows(x + 0.35 * sun[0], y + 0.35 * sun[1], seed, octaves=3)
    bright = np.clip(0.62 - 0.9 * (lit - edge) * 0.8 + 0.5 * (1 - density) + 0.35 * toward**6, 0, 1)
    color = mix(color, mix(light.cloud_shade, light.cloud, bright), np.clip(density, 0, 0.96))
    below = np.broadcast_to(np.asarray(light.horizon, np.float32), (camera.height - rows, camera.width, 3))
    return np.concatenate([color.astype(np.float32), below]) if camera.height > rows else color[: camera.height]


def _billows(x: np.ndarray, y: np.ndarray, seed: int, octaves: int = 5) -> np.ndarray:
    total, weight = np.zeros(x.shape, np.float32), 0.62
    for octave in range(octaves):
        scale = np.float32(0.22 * 2.1**octave)
        total += np.float32(weight) * point_noise(x * scale, y * scale, seed + 40 + octave)
        weight *= 0.55
    return total
