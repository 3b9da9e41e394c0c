"""Parameters of the source `sample`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.acquire.common.fields import Cell
from tasks.core.settings import Strict


class Params(Strict):
    """The built-in sample: a small measured model and a procedural planet, with no key and no network."""

    kind: Literal["sample"]
    planet_cells: list[Cell] = []
    """1° cells of the procedural planet, each named by its south-west corner."""
    planet_px: int = Field(800, ge=16, le=3600)
    """Samples along each side of a cell. 800 are 140 m at the equator, and a cell takes two seconds."""
    planet_map_px: int | None = Field(None, ge=64, le=16384, multiple_of=2)
    """Pixels around the planet, for its height map and colour map as a whole; null makes no maps."""
    planet_seed: int = Field(20, ge=0, lt=2**31)
    """Another number is another planet, where the same cells may be sea."""
