"""Parameters of `project`: the grid of all later stages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tasks.core.settings import Strict

WIDEST_CROP = 5_000_000.0
"""Longest side of a crop in metres: it limits the distortion of shapes at the corners to 8 %. Areas stay exact."""


SQUARE_METHODS = ("sheets", "photographs")
"""Methods that cut squares of `scene_px` pixels from pictures without a place on Earth."""


class Squares(Strict):
    """The squares that `sheets` and `photographs` cut from each picture. Each square is a scene."""

    whole: Literal["square", "stretch", "none"] = "square"
    """`square`: the largest square on the sheet, near its middle. `stretch`: the whole sheet, its sides made equal."""
    crops: int = Field(4, ge=0, le=99)
    """Random squares of each picture. Their sides and centres are random."""
    smallest: float = Field(0.35, gt=0, le=1)
    """Least side of a crop, as a share of the largest square on the sheet. Smaller crops show letters and no map."""
    largest: float = Field(0.75, gt=0, le=1)
    """Most side of a crop, as a share of the largest square. Larger crops would repeat the whole."""
    spread: float = Field(0.35, ge=0, le=2)
    """Standard deviation of a crop's centre from the sheet's middle, in halves of the sheet's width and height."""
    inset: float = Field(0.01, ge=0, le=0.2)
    """Distance of squares from the sheet's edge, in shares of its shorter side: for worn rims and errors."""
    gutters: bool = True
    """Whether squares of `sheets` keep off the plain strip between two pages of a book, and so lie on one page."""
    upright: bool = True
    """Whether squares turn with a sheet that lies askew. False keeps them parallel to the scan, inside the sheet."""

    @model_validator(mode="after")
    def _some_squares(self) -> Squares:
        if self.whole == "none" and self.crops == 0:
            raise ValueError("whole: none and crops: 0 leave no square")
        if self.smallest > self.largest:
            raise ValueError(f"smallest {self.smallest:g} is above largest {self.largest:g}")
        return self


class Params(Strict):
    """Section `project` of a dataset in `params.yaml`."""

    method: Literal["local_equal_area", "sphere_crops", "latitude_rescale", "sheets", "photographs", "none"] = (
        "local_equal_area"
    )
    """`local_equal_area`, `sphere_crops` (squares of global maps), `latitude_rescale`; for pictures without a place:
    `sheets` (squares of scanned maps), `photographs` (squares of photographs), `none` (pictures as they are)."""
    gsd: float = Field(90.0, gt=0, le=200_000)
    """Metres a pixel, the same everywhere. 90 m is what SRTM at 3″ resolves."""
    scene_px: int = Field(1024, ge=16, le=16_384)
    """Longest side of a scene in pixels. Each scene has its own projection. Memory holds a few copies of a scene."""
    resampling: Literal["cubic", "bilinear"] = "cubic"
    """Interpolation near 1:1. Shrinking by two or more always averages."""
    max_upsample: float = Field(2.0, ge=1)
    """How many times coarser than the grid a raster may be. Coarser ones are refused: detail would be invented."""
    fill_px: int = Field(8, ge=0, le=64)
    """Voids up to this many pixels across are interpolated and counted. Wider voids stay: they would be invented."""
    lowest: float | None = None
    """Lowest height in metres; lower heights are raised to it. 0 hides the sea floor. Null keeps all heights."""
    crops: int | None = Field(None, ge=1, le=1_000_000)
    """Number of crops of `sphere_crops`, with centres spread evenly over the Earth. Null for every other method."""

    squares: Squares = Squares()
    """What `sheets` and `photographs` cut from each picture."""
    disagree_m: float = Field(50.0, gt=0)
    """Metres between rasters on the same ground (median of a sample) beyond which the run stops. Surface and terrain
    models differ by the height of trees, at most 30 m or so; wrong units and other layers by hundreds."""
    prefer: list[str] = []
    """Globs of keys. Where two rasters disagree, the one of the earlier glob wins and the other is left out."""
    drop: list[str] = []
    """Keys of sources to leave out, written after a look at the contact sheets. Each must be in the ledger."""

    @model_validator(mode="after")
    def _squares_where_they_are_cut(self) -> Params:
        if self.method not in SQUARE_METHODS and self.squares != Squares():
            raise ValueError(
                f"squares are cut by the methods {' and '.join(SQUARE_METHODS)} only, not by {self.method}"
            )
        return self

    @model_validator(mode="after")
    def _crops_where_they_are_cut(self) -> Params:
        if self.method == "sphere_crops":
            if self.crops is None:
                raise ValueError("method sphere_crops needs a number of crops")
            if self.gsd * self.scene_px > WIDEST_CROP:
                raise ValueError(
                    f"a crop of {self.scene_px} px at {self.gsd:g} m is {self.gsd * self.scene_px / 1e3:,.0f} km wide; "
                    f"beyond {WIDEST_CROP / 1000:,.0f} km no flat grid keeps shapes"
                )
        elif self.crops is not None:
            raise ValueError(
                f"crops are cut by method sphere_crops only, not by {self.method}; set them to null"
                + (", and set squares.crops" if self.method in SQUARE_METHODS else "")
            )
        return self
