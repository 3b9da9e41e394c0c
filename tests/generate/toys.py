"""Parameters, terrains and tiny untrained models that several tests of the room use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.core.artifact import build_method, save_model
from models.core.height_encoding import HeightEncoding
from models.terrain_gan.encoding import ColorHeightEncoding
from tasks.formats.tables.drawing import write_drawing
from tasks.generate.params import Params
from tasks.generate.terrain.terrain import Terrain
from tests.models.settings import CONSISTENCY, TERRAIN_GAN

ALL = ["geotiff", "heightmap", "obj", "glb", "stl", "unreal", "unity"]
SECTION = {
    "count": 2,
    "seed": 7,
    "steps": 2,
    "noise": 1.0,
    "exports": ["geotiff", "heightmap"],
    "shared_range": False,
    "scale": {"horizontal": 1.0, "vertical": 1.0},
    "mesh": {"max_px": 1025},
    "settings": {"stl": {"side_mm": 120.0}},
}
FACTS = {"dataset": "toy", "model_md5": "0" * 32 + ".dir", "seed": 7, "index": 0, "steps": 2}
CLASSES = [
    {"id": 0, "name": "sea", "red": 20, "green": 60, "blue": 160},
    {"id": 1, "name": "desert", "red": 230, "green": 200, "blue": 120},
    {"id": 2, "name": "forest", "red": 30, "green": 120, "blue": 50},
]
HILLS = np.random.default_rng(1).normal(500, 200, (32, 16, 16)).astype(np.float32)
HEIGHTS = HeightEncoding.fit([HILLS], sigma_data=0.5)
NETWORK = {"channels": 8, "multipliers": [1, 1], "blocks": 1, "attention": [], "patch": 1, "dropout": 0.0}


def params(**changes: Any) -> Params:
    return Params.model_validate({**SECTION, **changes})


def slope() -> np.ndarray:
    """High in the north-west, low in the south-east, wider than tall: every mistaken flip shows."""
    rows, cols = np.mgrid[0:20, 0:30]
    return (1500 - 31 * rows - 17.3 * cols).astype(np.float32)


def marked(shape: tuple[int, int]) -> np.ndarray:
    """A grey texture, red in its north-west corner, green in the north-east, blue in the south-west."""
    texture = np.full((*shape, 3), 128, np.uint8)
    texture[0, 0], texture[0, -1], texture[-1, 0] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    return texture


def terrain(height: np.ndarray, gsd: float = 90.0, **painted: Any) -> Terrain:
    return Terrain("t", height, gsd, FACTS, **painted)


def grow(root: Path, config: dict[str, Any]) -> Path:
    """A dataset folder that holds nothing but an untrained model."""
    data = root / "data" / "toy"
    (data / "model").mkdir(parents=True)
    method, rng = build_method(config, lr=0.0), np.random.default_rng(3)
    for parameter in method.networks.parameters():
        parameter.data.copy_(parameter.data.new_tensor(rng.uniform(-0.3, 0.3, parameter.shape)))
    networks = method.networks
    save_model(data / "model", config, type(networks)({name: networks[name] for name in method.ema}))
    return data


def sampler(root: Path, **changes: Any) -> Path:
    """A dataset whose model makes heights of 16 × 16 from noise."""
    config = {"method": {**CONSISTENCY, "network": NETWORK}, "px": 16, "gsd": 90.0, "encoding": HEIGHTS.to_dict()}
    return grow(root, config | changes)


def painter(root: Path, drawings: int = 2) -> Path:
    """A dataset whose model paints drawings, whose sides are multiples of 4, and keeps `drawings` of 16 × 16."""
    encoding = ColorHeightEncoding.fit([HILLS], 1000.0)
    config = {"method": TERRAIN_GAN, "px": 16, "gsd": 1000.0}
    data = grow(root, config | {"encoding": encoding.to_dict(), "classes": CLASSES})
    for index in range(drawings):
        labels = np.random.default_rng(index).integers(0, 3, (4, 4), np.uint8).repeat(4, axis=0).repeat(4, axis=1)
        write_drawing(data / "model" / "drawings" / f"{index:03}.png", labels, pd.DataFrame(CLASSES))
    return data
