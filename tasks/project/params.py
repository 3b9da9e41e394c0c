"""Parameters of `project`: the grid of all later stages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tasks.core.settings import Strict

WIDEST_CROP = 5_000_000.0
"""Longest side of a crop in metres: it limits the distortion of shapes at the corners to 8 %. Areas stay exact."""


class Params(Strict):
    """Section `project` of a dataset in `params.yaml`."""

    method: Literal["local_equal_area", "sphere_crops", "latitude_rescale", "none"] = "local_equal_area"
    """`local_equal_area`, `sphere_crops` (squares of global maps), `latitude_rescale`, or `none` (photographs)."""
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
            raise ValueError(f"crops are cut by method sphere_crops only, not by {self.method}; set them to null")
        return self
