"""Parameters of project: the grid every later stage lives on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.settings import Strict


class Params(Strict):
    """Section `project` of a dataset in `params.yaml`."""

    method: Literal["local_equal_area", "latitude_rescale", "none"]
    gsd: float = Field(gt=0, le=200_000)  # metres a pixel
    scene_px: int = Field(ge=16, le=16_384)  # a scene is held in memory whole, a few times over
    resampling: Literal["cubic", "bilinear"]
    max_upsample: float = Field(ge=1)
    fill_px: int = Field(ge=0, le=64)  # beyond that an interpolated void is an invented landscape
