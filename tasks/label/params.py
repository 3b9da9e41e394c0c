"""Parameters of `label`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from tasks.core.settings import Strict, one_of

MOST_CLASSES = 32  # the eye cannot distinguish more
Byte = Annotated[int, Field(ge=0, le=255)]
ClassName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9 _-]*$", max_length=40)]
Ref = ClassName | Annotated[int, Field(ge=0, lt=MOST_CLASSES)]
"""A class, by its name or by its number."""


class Features(Strict):
    """Features of a pixel and its surroundings, and the weight of each kind."""

    radii_px: tuple[int, ...] = Field((2, 5, 12), min_length=2, max_length=6)
    """Radii of the surroundings, in pixels: from texture to landform in tiles of 64."""
    floor_m: float | None = 0.0
    """Lowest height in metres; lower heights count as this: a sea floor is not visible. Null keeps all heights."""
    lightness: Literal["none", "corrected", "raw"] = "corrected"
    """Lightness of colours: `none`, `raw`, or `corrected` (the shading of relief is fitted and divided out)."""
    sun_azimuth: float = Field(315.0, ge=0, lt=360)
    """Direction of that light, in degrees from north. Maps are usually lit from the north-west."""
    sun_altitude: float = Field(45.0, gt=0, lt=90)
    """Height of that light above the horizon, in degrees."""
    weights: dict[Literal["height", "color", "texture", "lightness"], Annotated[float, Field(ge=0, le=10)]] = {
        "height": 0.4,
        "color": 2.0,
        "texture": 0.3,
        "lightness": 0.5,
    }
    """Weight of each kind of features. Colour has the most, because a class should look like one kind of ground."""

    @field_validator("radii_px")
    @classmethod
    def _rising(cls, radii: tuple[int, ...]) -> tuple[int, ...]:
        if radii[0] < 1 or radii[-1] > 256 or any(a >= b for a, b in zip(radii, radii[1:], strict=False)):
            raise ValueError("radii must ascend, from 1 to 256 at most")
        return radii

    @field_validator("weights")
    @classmethod
    def _all_kinds(cls, weights: dict[str, float]) -> dict[str, float]:
        if len(weights) != 4:
            raise ValueError("give a weight to each of height, color, texture and lightness")
        return weights


class Sample(Strict):
    """The sample of pixels to cluster: drawn evenly over regions, elevations and slopes."""

    pixels: int = Field(3000, ge=200, le=200_000)
    """Pixels in the sample. 3,000 suit 400 crops of 64 pixels, 8,000 suit 1,500 crops of 256."""
    per_tile: int = Field(50, ge=1, le=1000)
    """Most pixels from one tile, because neighbours are similar."""
    elevation_m: tuple[float, ...] = (1.0, 100.0, 300.0, 1000.0, 2500.0)
    """Edges of elevation bands, in metres. The first separates sea from land."""
    slope_deg: tuple[float, ...] = (2.0, 8.0, 20.0)
    """Edges of slope bands, in degrees. Slopes shrink with the GSD: at 20 km a pixel even the Alps are below 1°."""

    @field_validator("elevation_m", "slope_deg")
    @classmethod
    def _rising(cls, edges: tuple[float, ...]) -> tuple[float, ...]:
        if any(a >= b for a, b in zip(edges, edges[1:], strict=False)):
            raise ValueError("edges of bands must ascend")
        return edges


class Embedding(Strict):
    """UMAP (McInnes, Healy & Melville 2018) of the sample."""

    neighbours: int = Field(30, ge=5, le=200)
    """Neighbours of a pixel in UMAP's graph. Twice UMAP's default of 15, for broad classes."""
    dimensions: int = Field(4, ge=2, le=10)
    """Dimensions of the embedding. Clusters need more than the 2 of a picture."""
    epochs: int = Field(200, ge=20, le=2000)
    """Epochs of optimisation; UMAP's default for large samples."""


class Choice(Strict):
    """The number of classes, and how `auto` chooses it."""

    k: Literal["auto"] | Annotated[int, Field(ge=2, le=MOST_CLASSES)] = "auto"
    """A number of classes, or `auto`."""
    candidates: tuple[int, int] = (6, 10)
    """Fewest and most classes that `auto` tries. Five are too few to paint a planet."""
    replicates: int = Field(4, ge=2, le=100)
    """Random halves of the sample that are embedded and clustered again, to measure stability. 20 vary less."""
    least_stability: float = Field(0.7, ge=0, le=1)
    """Adjusted Rand index between halves; a number of classes with less is not chosen."""
    least_cluster: float = Field(0.01, gt=0, lt=0.5)
    """Least share of the sample in a dense cluster. Pixels in no dense cluster are noise and do not train."""

    @field_validator("candidates")
    @classmethod
    def _range(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 2 <= value[0] <= value[1] <= MOST_CLASSES:
            raise ValueError(f"candidates must be two numbers of classes, fewest and most, from 2 to {MOST_CLASSES}")
        return value


class Pinned(Strict):
    """A classifier kept from an earlier run: a file of the repository, and the hash that it must have.

    The hash stands in the parameters, so that the same parameters always mean the same file.
    """

    path: str = Field(min_length=1)
    """Path of the file, relative to the repository's root."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the file, as `sha256sum` prints it."""


class Merge(Strict):
    """Merge classes into one with the name of the first."""

    merge: tuple[Ref, ...] = Field(min_length=2)


class Rename(Strict):
    """Rename a class."""

    rename: Ref
    to: ClassName


class Recolour(Strict):
    """Change the colour of a class."""

    recolour: Ref
    to: tuple[Byte, Byte, Byte]


class Move(Strict):
    """Move pixels of one class to another: those most similar to a pixel of a tile, or those near a place.

    Give either `tile`, `row`, `col` and `neighbours` (the number of sampled pixels), or `lat`, `lon` and `km`.
    """

    move: Ref
    to: Ref
    tile: str | None = None  # None where the move gives a place instead
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


class Smoothing(Strict):
    """Smoothing of classes into areas, from gentle to strong.

    Each tile has its own random strength, so that overlapping tiles differ.
    """

    sigma_px: tuple[float, float] = (0.5, 1.5)
    """Standard deviation of the filter over class probabilities, gentle and strong, in pixels."""
    region_px: tuple[int, int] = (4, 16)
    """Least pixels of an area, gentle and strong. Smaller areas get the class around: nobody draws single pixels."""

    @field_validator("sigma_px", "region_px")
    @classmethod
    def _range(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= value[0] <= value[1]:
            raise ValueError("give two numbers, gentle and strong, neither below 0")
        return value

    @field_validator("sigma_px")
    @classmethod
    def _bounded(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[1] > 32:
            raise ValueError("more than 32 pixels would give each tile a single class")
        return value


class NoLabels(Strict):
    """The dataset has no classes."""

    name: Literal["none"]


class Cluster(Strict):
    """Classes found in the data."""

    name: Literal["cluster"]
    features: Features = Features()
    """Features of a pixel and its surroundings."""
    sample: Sample = Sample()
    """The sample of pixels to cluster."""
    embedding: Embedding = Embedding()
    """UMAP of the sample."""
    choice: Choice = Choice()
    """The number of classes."""
    hidden: int = Field(32, ge=4, le=256)
    """Units of the hidden layer of the classifier, which extends the clusters to every pixel."""
    reference: Pinned | None = None
    """An earlier labels/classifier.json in this repository: classes keep their numbers, names and colours."""
    edits: tuple[Edit, ...] = ()
    """Manual edits in order, on every run: {merge: [a, b]}, {rename: a, to: b}, {recolour: a, to: [r, g, b]},
    {move: a, to: b, tile: KEY, row: 3, col: 4, neighbours: 50} or {move: a, to: b, lat: 46, lon: 8, km: 200}."""
    smoothing: Smoothing = Smoothing()
    """How far classes are drawn together into areas."""


class Classified(Pinned):
    """The classes of an earlier run."""

    name: Literal["classifier"]
    smoothing: Smoothing = Smoothing()
    """How far classes are drawn together into areas."""


class Params(Strict):
    """The section `label` of one dataset."""

    method: one_of("name", NoLabels, Cluster, Classified)
    """`none`, `cluster` (finds classes), or `classifier` (takes those of an earlier run), and what it needs."""
