"""Parameters of `label`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from tasks.core.settings import Strict

MOST_CLASSES = 32  # more cannot be told apart by eye
Byte = Annotated[int, Field(ge=0, le=255)]
ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9 _-]*$", max_length=40)]
Ref = ClassName | Annotated[int, Field(ge=0, lt=MOST_CLASSES)]
"""A class, by its name or by its number."""


class Features(Strict):
    """What of a pixel and its surroundings is measured, and how much each kind counts."""

    radii_px: tuple[int, ...] = Field(min_length=2, max_length=6)
    floor_m: float | None
    lightness: Literal["none", "corrected", "raw"]
    sun_azimuth: float = Field(ge=0, lt=360)
    sun_altitude: float = Field(gt=0, lt=90)
    weights: dict[Literal["height", "color", "texture", "lightness"], Annotated[float, Field(ge=0, le=10)]]

    @field_validator("radii_px")
    @classmethod
    def _rising(cls, radii: tuple[int, ...]) -> tuple[int, ...]:
        if radii[0] < 1 or radii[-1] > 256 or any(a >= b for a, b in zip(radii, radii[1:], strict=False)):
            raise ValueError("radii rise, from 1 or more to 256 at most")
        return radii

    @field_validator("weights")
    @classmethod
    def _all_kinds(cls, weights: dict[str, float]) -> dict[str, float]:
        if len(weights) != 4:
            raise ValueError("give a weight to each of height, color, texture and lightness")
        return weights


class Sample(Strict):
    """Which pixels are clustered."""

    pixels: int = Field(ge=200, le=200_000)
    per_tile: int = Field(ge=1, le=1000)
    elevation_m: tuple[float, ...]
    slope_deg: tuple[float, ...]

    @field_validator("elevation_m", "slope_deg")
    @classmethod
    def _rising(cls, edges: tuple[float, ...]) -> tuple[float, ...]:
        if any(a >= b for a, b in zip(edges, edges[1:], strict=False)):
            raise ValueError("edges of bands rise")
        return edges


class Embedding(Strict):
    """UMAP (McInnes, Healy & Melville 2018) of the sample."""

    neighbours: int = Field(ge=5, le=200)
    dimensions: int = Field(ge=2, le=10)
    epochs: int = Field(ge=20, le=2000)


class Choice(Strict):
    """How many classes, and what speaks for a number where `k` is `auto`."""

    k: Literal["auto"] | Annotated[int, Field(ge=2, le=MOST_CLASSES)]
    candidates: tuple[int, int]
    replicates: int = Field(ge=2, le=100)
    least_stability: float = Field(ge=0, le=1)
    least_cluster: float = Field(gt=0, lt=0.5)

    @field_validator("candidates")
    @classmethod
    def _range(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 2 <= value[0] <= value[1] <= MOST_CLASSES:
            raise ValueError(f"candidates are two numbers of classes, least and most, 2 to {MOST_CLASSES}")
        return value


class Pinned(Strict):
    """A classifier kept from an earlier run: a file of the repository, and the hash that it must have.

    The hash stands in the parameters, so that the same parameters always mean the same file.
    """

    path: str = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Merge(Strict):
    """The classes become one, under the name of the first."""

    merge: tuple[Ref, ...] = Field(min_length=2)


class Rename(Strict):
    """Another name for a class."""

    rename: Ref
    to: ClassName


class Recolour(Strict):
    """Another colour for a class."""

    recolour: Ref
    to: tuple[Byte, Byte, Byte]


class Move(Strict):
    """Pixels of one class to another: what looks most like a pixel of a tile, or what lies about a place.

    Either `tile`, `row`, `col` and `neighbours` (so many sampled pixels), or `lat`, `lon` and `km`.
    """

    move: Ref
    to: Ref
    tile: str | None = None  # absent, not a value: a place is given instead
    row: int | None = Field(default=None, ge=0)
    col: int | None = Field(default=None, ge=0)
    neighbours: int | None = Field(default=None, ge=1)
    lat: float | None = Field(default=None, ge=-90, le=90)
    lon: float | None = Field(default=None, ge=-180, le=180)
    km: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_way(self) -> Move:
        like = [self.tile, self.row, self.col, self.neighbours]
        near = [self.lat, self.lon, self.km]
        whole = [all(value is not None for value in way) for way in (like, near)]
        some = [any(value is not None for value in way) for way in (like, near)]
        if whole != some or sum(whole) != 1:
            raise ValueError("a move needs either tile, row, col and neighbours, or lat, lon and km")
        return self


KINDS = ("merge", "rename", "recolour", "move")


def _kind(edit: Any) -> str | None:
    named = edit if isinstance(edit, dict) else vars(edit)
    return next((kind for kind in KINDS if kind in named), None)


Edit = Annotated[
    Annotated[Merge, Tag("merge")]
    | Annotated[Rename, Tag("rename")]
    | Annotated[Recolour, Tag("recolour")]
    | Annotated[Move, Tag("move")],
    Discriminator(
        _kind, custom_error_type="edit", custom_error_message=f"an edit is one of {', '.join(KINDS)} and what it needs"
    ),
]


class Cluster(Strict):
    """Classes found in the data."""

    features: Features
    sample: Sample
    embedding: Embedding
    choice: Choice
    hidden: int = Field(ge=4, le=256)
    reference: Pinned | None
    edits: tuple[Edit, ...]


class Smoothing(Strict):
    """How far classes are drawn together into areas: from gentle to strong, drawn for each tile."""

    sigma_px: tuple[float, float]
    region_px: tuple[int, int]

    @field_validator("sigma_px", "region_px")
    @classmethod
    def _range(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= value[0] <= value[1]:
            raise ValueError("two numbers, gentle and strong, neither below 0")
        return value

    @field_validator("sigma_px")
    @classmethod
    def _bounded(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[1] > 32:
            raise ValueError("more than 32 pixels would leave one class a tile")
        return value


class Params(Strict):
    """`none` needs no more; `cluster` finds classes, `classifier` takes those of an earlier run."""

    method: Literal["none", "cluster", "classifier"]
    cluster: Cluster | None = None  # absent, not a value: a dataset without labels has no clusters to set
    classifier: Pinned | None = None  # likewise
    smoothing: Smoothing | None = None  # likewise

    @model_validator(mode="after")
    def _blocks(self) -> Params:
        if self.method == "cluster" and self.cluster is None:
            names = ", ".join(Cluster.model_fields)
            raise ValueError(f"method cluster needs the block `cluster` ({names})")
        if self.method == "classifier" and self.classifier is None:
            raise ValueError("method classifier needs the block `classifier` (path, sha256)")
        if self.method != "none" and self.smoothing is None:
            raise ValueError(f"method {self.method} needs the block `smoothing` (sigma_px, region_px)")
        return self
