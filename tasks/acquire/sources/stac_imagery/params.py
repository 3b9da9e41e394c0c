"""Parameters of the source `stac_imagery`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from tasks.core.settings import Strict, one_of


class Fixed(Strict):
    """The same stretch everywhere, so that neighbouring rasters fit and a colour means the same ground."""

    kind: Literal["fixed"]
    low: float = Field(0.0, ge=-0.2, lt=2)
    """Reflectance that becomes 0."""
    high: tuple[float, float, float] | None = None
    """Reflectance that becomes 255 in red, green and blue. Null: 0.35 each in natural colour, as Sentinel-2's own
    pictures have, and 0.55 in the infrared, where leaves are brighter."""
    gamma: float = Field(1.4, gt=0.2, le=4)
    """Exponent 1 / gamma after the stretch. Forests reflect 4 % of red light, and would be black without it."""


class Region(Strict):
    """A stretch for each raster, from its own pixels: more contrast, and neighbours that do not fit."""

    kind: Literal["region"]
    percentiles: tuple[float, float] = (1.0, 99.0)
    """Percentiles of the clear pixels that become 0 and 255, in each band."""
    gamma: float = Field(1.0, gt=0.2, le=4)
    """Exponent 1 / gamma after the stretch."""

    @field_validator("percentiles")
    @classmethod
    def _rising(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= value[0] < value[1] <= 100:
            raise ValueError("must be two rising numbers between 0 and 100")
        return value


class Params(Strict):
    """Scenes of one product over the area in a span of time, each as a picture of 8 bits."""

    remote: ClassVar[bool] = True
    kind: Literal["stac_imagery"]
    product: Literal["sentinel-2", "landsat", "naip"] = "sentinel-2"
    """Sentinel-2 L2A (10 m), Landsat Collection 2 Level 2 (30 m), or NAIP (the USA from the air, 0.3 to 1 m)."""
    time: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}/\d{4}-\d{2}-\d{2}$")
    """First and last day, such as 2023-06-01/2023-08-31. The season decides what the ground looks like."""
    url: str | None = Field(None, pattern=r"^https?://")
    """Address of the catalogue's API; null: the product's own, which needs no account."""
    collection: str | None = Field(None, min_length=1)
    """Name of the collection in the catalogue; null: the product's own."""
    sign: Literal["planetary-computer", "none"] | None = None
    """Whose tokens the addresses need; null: what the product's own catalogue needs."""
    s3_endpoint: str | None = Field(None, pattern=r"^https?://")
    """Object store of assets with an s3:// address; null: what the catalogue names, or else Amazon's."""
    look: Literal["natural", "infrared"] = "natural"
    """Natural colour, or the false colour of infrared film: near infrared, red and green as red, green and blue."""
    compose: Literal["clearest", "median"] = "clearest"
    """The clearest scenes one by one, or the median of the clear views of each pixel, one raster a place."""
    per_place: int = Field(1, ge=1, le=100)
    """`clearest`: scenes of each place (tile of Sentinel-2, path and row of Landsat, quarter quadrangle of NAIP)."""
    median_of: int = Field(9, ge=3, le=60)
    """`median`: scenes of each place, the clearest ones. Nine leave four clear views where half are cloudy."""
    max_cloud: float = Field(20.0, ge=0, le=100)
    """Cloud in a whole scene, in percent as the catalogue states it; scenes with more are left out."""
    mask: bool = True
    """Whether pixels of cloud and cloud shadow become void, by the product's own classification."""
    min_clear: float = Field(0.5, ge=0, le=1)
    """A raster with a smaller share of clear pixels is refused."""
    platforms: list[str] | None = None
    """Satellites to take, as the catalogue names them. Null: all, of Landsat 8 and 9: the scan of Landsat 7 has gaps
    since 2003."""
    stretch: one_of("kind", Fixed, Region) = Fixed(kind="fixed")
    """From reflectance to 8 bits: `fixed` or `region`. NAIP's bytes are pictures already and stay as they are."""

    @model_validator(mode="after")
    def _in_order(self) -> Params:
        first, last = self.time.split("/")
        if first > last:
            raise ValueError("time: the first day comes after the last")
        return self
