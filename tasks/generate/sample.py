"""One terrain in all its files: preview, GeoTIFF, heightmaps and the sidecar that explains them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tasks.errors import LandloomError
from tasks.files import write_json
from tasks.generate.exports import Codes, encode, write_geotiff, write_png16, write_r16
from tasks.hashing import file_sha256
from tasks.relief.hillshade import shaded_relief

PREVIEW_PX = 512  # side below which a preview is enlarged, so that small terrains can be looked at
TO_METRES = "height in metres = low_m + code * step_m, for the codes of heightmap.png and heightmap.r16"
ROWS = "row by row from the north, each row from the west; Unity's import wants `Flip Vertically` switched on"


def write_sample(folder: Path, name: str, height: np.ndarray, gsd: float, facts: dict[str, Any]) -> dict[str, Any]:
    """Write `<name>.{tif,png,heightmap.png,heightmap.r16,json}` from one array; return the sidecar.

    Args:
        height: float32 (H, W) metres, row 0 in the north.
        gsd: metres a pixel.
        facts: where the terrain comes from (model, seed, index, steps), told in the sidecar and the GeoTIFF.

    Raises:
        LandloomError: where a height is not a number; nothing is written then.
    """
    if not np.isfinite(height).all():
        raise LandloomError(
            f"{name}: the model gave heights that are not numbers; train it longer or sample it in more steps"
        )
    height = np.ascontiguousarray(height, np.float32)
    coded = encode(height)
    files = {kind: f"{name}.{kind}" for kind in ("tif", "png", "heightmap.png", "heightmap.r16")}
    tags = {key.upper(): str(value) for key, value in facts.items()}
    write_geotiff(folder / files["tif"], height, gsd, {**tags, "PLACE": "none: generated", "UNIT": "metre"})
    Image.fromarray(preview(height, gsd)).save(folder / files["png"])
    write_png16(folder / files["heightmap.png"], coded.codes)
    write_r16(folder / files["heightmap.r16"], coded.codes)
    sidecar = _sidecar(name, height, coded, gsd, facts)
    sidecar["files"] = {kind: {"name": file, "sha256": file_sha256(folder / file)} for kind, file in files.items()}
    write_json(folder / f"{name}.json", sidecar)
    return sidecar


def preview(height: np.ndarray, gsd: float) -> np.ndarray:
    """Tinted hillshade of the very array, uint8 RGB, enlarged by a whole factor where it is small."""
    picture = shaded_relief(height, gsd)
    factor = max(1, PREVIEW_PX // max(height.shape))
    size = (height.shape[1] * factor, height.shape[0] * factor)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def _sidecar(name: str, height: np.ndarray, coded: Codes, gsd: float, facts: dict[str, Any]) -> dict[str, Any]:
    rows, cols = height.shape
    low, high = float(height.min()), float(height.max())
    return {
        "name": name,
        "place": "none: generated, no place on Earth",
        **facts,
        "rows": rows,
        "cols": cols,
        "gsd_m": gsd,
        "side_m": [rows * gsd, cols * gsd],
        "height": {"low_m": low, "high_m": high, "mean_m": float(height.mean(dtype=np.float64)), "unit": "metre"},
        "heightmap": {
            "low_m": coded.low,
            "step_m": coded.step,
            "bits": 16,
            "byte_order": "little-endian in .r16",
            "row_order": ROWS,
            "to_metres": TO_METRES,
        },
        # Unreal draws 65,536 codes over 512 m at a Z scale of 100, and counts in centimetres.
        "unreal": {"scale_x": gsd * 100, "scale_y": gsd * 100, "scale_z": (high - low) / 512 * 100},
        "unity": {"width_m": cols * gsd, "length_m": rows * gsd, "height_m": high - low},
    }
