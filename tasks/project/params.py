"""Parameters of project: the grid every later stage lives on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tasks.core.settings import Strict

WIDEST_CROP = 5_000_000.0
"""Longest side of a crop in metres: the corners' shapes are then off by 8 %, areas by nothing."""


class Params(Strict):
    """Section `project` of a dataset in `params.yaml`."""

    method: Literal["local_equal_area", "sphere_crops", "latitude_rescale", "none"]
    gsd: float = Field(gt=0, le=200_000)  # metres a pixel
    scene_px: int = Field(ge=16, le=16_384)  # a scene is held in memory whole, a few times over
    resampling: Literal["cubic", "bilinear"]
    max_upsample: float = Field(ge=1)
    fill_px: int = Field(ge=0, le=64)  # beyond that an interpolated void is an invented landscape
    lowest: float | None
    crops: int | None = Field(ge=1, le=1_000_000)

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
