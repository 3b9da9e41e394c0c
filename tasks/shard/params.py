"""Parameters of `shard`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.core.settings import Rooms, Strict
from tasks.formats.tables.licences import Partition


class Params(Strict):
    """Section `shard` of a dataset: size and encoding of stored tiles."""

    px: int = Field(64, ge=8, le=4096)
    """Side of a stored tile in pixels. It must divide select.px; larger windows are averaged."""
    tiles_per_shard: int = Field(512, ge=1, le=1_000_000)
    """Most tiles in a shard file. 512 raw tiles of 64 pixels are 8 MB."""
    encoding: Literal["raw", "png16", "webp"] = "raw"
    """`raw` (arrays at a fixed offset, for small tiles), `png16` (PNG, with heights in steps, for large tiles), or
    `webp` (as `png16`, and colour as WebP, which loses detail, for large sets of pictures)."""
    color_quality: int = Field(75, ge=1, le=100)
    """Quality of colour in `webp`. 75 takes about 48 kB for 512 pixels at about 34 dB, 90 takes 85 kB at 40 dB."""
    height_step: float = Field(0.1, gt=0, le=1000)
    """Metres a step of heights in `png16`: below the error of any global elevation model. Steps of a metre make pits
    and level ground in plains, for models and for their evaluation."""
    partitions: list[Partition] | None = Field(None, min_length=1)
    """Partitions of licences that may be mixed, such as [open, share_alike]; null allows one alone, whichever it is."""

    mirror: bool | None = None
    """Whether training may mirror the tiles. Null: heights yes, as the method allows; pictures no, because lettering
    and lit relief have a right way round. With true, two epochs show each picture and its mirror image."""

    def conflict(self, rooms: Rooms) -> tuple[str, str] | None:
        window = rooms["select"].px  # type: ignore[attr-defined]
        if window % self.px:
            return "px", f"{self.px} must divide select.px ({window}), so that shrinking is a plain average"
        return None
