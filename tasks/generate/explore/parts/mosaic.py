"""A picture of any size without seams: latents over a plane, evaluated in windows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import Field

from tasks.core.settings import Strict
from tasks.generate.explore.part import Part, Shown, Task

SHOWN = 1024  # longer side of the picture on the sheet
ROWS = 1024  # rows at the top that seams are measured in


class Settings(Strict):
    """The mosaic."""

    width: int = Field(1024, ge=64, le=65_000)
    """Pixels from west to east."""
    height: int = Field(512, ge=64, le=65_000)
    """Pixels from north to south."""
    truncation: float = Field(0.7, ge=0, le=2)
    """Distance of the styles from the mean, as a factor. Neighbours are blended, and extremes do not blend well."""
    patch: int = Field(2, ge=1, le=1000)
    """Places from one independent latent to the next; two places are as long as one picture. Larger: wider regions."""
    places: int = Field(4, ge=1, le=32)
    """Places along a side of a window. It changes memory and speed; of the picture, the last bits at most."""


def _make(task: Task, settings: Settings, folder: Path) -> Shown:
    import numpy as np

    from tasks.generate.explore.mosaic import bands, write_bands
    from tasks.generate.explore.seams import seams
    from tasks.generate.explore.sheets import tall

    plane = task.space.plane(task.seed, settings.truncation, settings.places, settings.patch)
    width, height = settings.width, settings.height
    factor, small, top = max(1, -(-max(width, height) // SHOWN)), [], []

    def watched():
        rest = np.empty((0, width, 3), np.uint8)
        for band in bands(plane, width, height):
            if sum(map(len, top)) < ROWS:
                top.append(band)
            rest = np.concatenate([rest, band])
            whole = len(rest) // factor * factor
            if whole:
                small.append(_reduced(rest[:whole], factor))
            rest = rest[whole:]
            yield band

    write_bands(folder / "mosaic.png", watched(), width, height)
    part = np.concatenate(top)[:ROWS]
    px = task.space.px
    rows, cols = min(3, max(2, height // px)), min(6, max(2, width // px))
    tiles = np.concatenate(
        [np.concatenate([plane.alone(2 * row, 2 * col) for col in range(cols)], axis=1) for row in range(rows)]
    )
    table = []
    for name, picture, period in (("mosaic", part, plane.place), ("plain samples side by side", tiles, px)):
        if min(picture.shape[:2]) > period:
            across, inside = seams(picture, period)
            ratio = across / inside if inside else float("nan")
            table.append(
                {
                    "picture": name,
                    "change across the lines where places meet": round(across, 2),
                    "change elsewhere": round(inside, 2),
                    "ratio": round(ratio, 2) if inside else "–",
                }
            )
    text = (
        f"Mosaic of {width} × {height} pixels: every {plane.place} pixels a place with a style of its own, blended in "
        f"W; latents are independent every {settings.patch} places. The second picture shows every second place along "
        "both axes as a plain sample. Changes are mean differences of neighbouring pixels."
    )
    return Shown(text, tall([np.concatenate(small), tiles], ["Mosaic", "Plain samples of the same places"]), table)


def _reduced(picture: Any, factor: int) -> Any:
    rows, cols = picture.shape[0] // factor, picture.shape[1] // factor
    blocks = picture[: rows * factor, : cols * factor].reshape(rows, factor, cols, factor, 3)
    return blocks.mean(axis=(1, 3)).round().astype("uint8")


def _given(argument: str) -> dict[str, Any]:
    found = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", argument)
    if not found:
        raise ValueError(f"--mosaic {argument}: must be WIDTHxHEIGHT in pixels, as 2048x1024")
    return {"width": int(found[1]), "height": int(found[2])}


PART = Part(
    title="Mosaic",
    help="a picture of any size without seams",
    needs="plane",
    settings=Settings,
    make=_make,
    files={"mosaic.png": "Mosaic (PNG)"},
    argument="WIDTHxHEIGHT",
    given=_given,
)
