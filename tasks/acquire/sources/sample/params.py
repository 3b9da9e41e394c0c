"""Parameters of the source `sample`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tasks.acquire.common.fields import Cell
from tasks.core.settings import Strict


class Params(Strict):
    """The built-in sample: a small measured model and a procedural planet, with no key and no network."""

    kind: Literal["sample"]
    of: Literal["heights", "orthophoto", "sheets", "views"] = "heights"
    """`heights` (and maps of the whole planet), or pictures of it: `orthophoto` squares, map `sheets`, or `views` of
    mountains."""
    planet_cells: list[Cell] = []
    """1° cells of the procedural planet, each named by its south-west corner. For `heights`."""
    planet_px: int = Field(800, ge=16, le=3600)
    """Samples along each side of a cell. 800 are 140 m at the equator, and a cell takes two seconds."""
    planet_map_px: int | None = Field(None, ge=64, le=16384, multiple_of=2)
    """Pixels around the planet, for its height map and colour map as a whole; null makes no maps. For `heights`."""
    planet_seed: int = Field(20, ge=0, lt=2**31)
    """Another number is another planet, where the same cells may be sea."""
    pictures: int = Field(12, ge=1, le=2000)
    """Number of squares, sheets or views. Each takes about half a second; the planet has some 2,000 places for each."""
    picture_px: int = Field(768, ge=128, le=4096)
    """Longest side of a picture: of the square, of the sheet's paper without the scanner's border, of the view."""
    picture_m: float = Field(5.0, ge=1.0, le=40.0)
    """Metres a pixel of an orthophoto. 5 m show rows of trees and single houses."""

    @model_validator(mode="after")
    def _pictures_or_heights(self) -> Params:
        if self.of != "heights" and (self.planet_cells or self.planet_map_px):
            raise ValueError(f"planet_cells and planet_map_px are for heights; {self.of} take pictures and picture_px")
        return self
