"""Parameters of `generate`."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field, SerializeAsAny, ValidationError, ValidationInfo, field_validator

from tasks.core.choice import Named
from tasks.core.settings import Rooms, Strict
from tasks.generate import export
from tasks.generate.explore import part as parts
from tasks.generate.explore.part import Part
from tasks.generate.export import Export

OTHERS = 4  # preview, texture, drawing, sidecar
STRONGEST = 20  # guidance; far above what makes samples look alike
MOST = 1990  # an output of DVC should have fewer than 2,000 files


class Scale(Strict):
    """Factors on lengths in meshes and in engines. GeoTIFF and codes keep metres."""

    horizontal: float = Field(1.0, gt=0)
    """Factor on both directions on the ground."""
    vertical: float = Field(1.0, gt=0)
    """Factor on heights. At kilometres a pixel, mountains look flat at 1; 20 to 30 makes them visible."""


class Mesh(Strict):
    """The grid of OBJ, GLB and the top of the STL."""

    max_px: int = Field(513, ge=16, le=4097)
    """Most vertices along the longer side. Larger terrains are resampled. 513 vertices give an OBJ of about 45 MB."""


class Params(Strict):
    """Number of samples, seed, sampling, and the files of each sample."""

    count: int = Field(8, ge=1)
    """Number of samples."""
    seed: int = Field(7, ge=0, lt=2**31)
    """Another seed gives other samples of the same model."""
    steps: int = Field(1, ge=1, le=1000)
    """Network evaluations per sample. Every model supports one; some models support more."""
    prompts: list[str] = []
    """Words that steer the samples, for models that were trained with captions: sample i has prompt i, and after the
    last prompt the first comes again. Empty: nothing is asked, and a model with words takes captions of train tiles."""
    guidance: float = Field(1.0, ge=1, le=STRONGEST)
    """Strength of words. 1 is that of the training data; more follows the words closer, with less variety. Samples
    without words have none."""
    noise: float = Field(1.0, ge=0, le=10)
    """Factor on the noise of each pixel, for models that paint drawings. With 0, only the classes decide."""
    drain: bool = False
    """Remove the pits of each terrain before it is exported, so that all water runs to the sea or to the border."""
    exports: list[str] = Field(default=[])
    """Formats beside the preview, by their names in `tasks/generate/exports`. Default none: meshes are large."""
    shared_range: bool = False
    """Use one range of metres for the 16-bit codes of all terrains. They then fit side by side in an engine."""
    scale: Scale = Scale()
    """Scale of meshes and of terrains in engines."""
    mesh: Mesh = Mesh()
    """Resolution of meshes."""
    settings: Annotated[dict[str, SerializeAsAny[Strict]], Named(lambda name: export.find(name).settings)] = Field(
        default={}, validate_default=True
    )
    """Settings of each export by its name, as `stl: {side_mm: 100}`. A missing setting has the export's default."""
    explore: Annotated[dict[str, SerializeAsAny[Strict]], Named(lambda name: parts.find(name).settings)] = {}
    """Parts that show the latent space, by their names in `tasks/generate/explore/parts`, as `film: {points: 8}`."""

    @field_validator("exports")
    @classmethod
    def _known_and_few(cls, exports: list[str], others: ValidationInfo) -> list[str]:
        if len(set(exports)) < len(exports):
            raise ValueError("an export is named twice")
        count, each = others.data.get("count", 0), OTHERS + sum(len(export.find(name).files) for name in exports)
        if count * each > MOST:
            raise ValueError(
                f"{count} samples of up to {each} files each are more than {MOST} files; "
                f"lower count to {MOST // each} or name fewer exports"
            )
        return exports

    @field_validator("settings", mode="before")
    @classmethod
    def _by_their_models(cls, given: Any, others: ValidationInfo) -> Any:
        """Parse settings with the model of their export; add defaults for chosen exports that have settings."""
        if not isinstance(given, dict):
            return given
        named = {name: {} for name in others.data.get("exports", []) if export.find(name).settings.model_fields}
        return {name: _settings(export.find, name, values) for name, values in {**named, **given}.items()}

    @field_validator("explore", mode="before")
    @classmethod
    def _by_their_parts(cls, given: Any) -> Any:
        """Parse settings with the model of their part. A part without settings has its defaults."""
        if not isinstance(given, dict):
            return given
        return {name: _settings(parts.find, name, {} if values is None else values) for name, values in given.items()}

    def conflict(self, rooms: Rooms) -> tuple[str, str] | None:
        method = rooms["train"].method  # type: ignore[attr-defined]
        reason = export.unsuited(self.exports, method.product, f"train.method {method.name}")
        if reason:
            return "exports", reason
        if self.prompts and "text" not in getattr(method, "conditions", ()):
            return "prompts", f"train.method {method.name} has no condition text, so no words steer it; leave them out"
        if self.drain and not _drains(method.product):
            return "drain", f"train.method {method.name} makes {method.product}, and only heights drain; leave it out"
        reason = parts.unsuited(list(self.explore), method.latent, f"train.method {method.name}")
        return ("explore", reason) if reason else None


def _drains(product: str) -> bool:
    """Whether the package of the product says that its samples have pits to remove. Imports no more of it."""
    there = importlib.util.find_spec(f"tasks.generate.{product}")
    return there is not None and getattr(importlib.import_module(there.name), "DRAINS", False)


def _settings(find: Callable[[str], Export | Part], name: str, values: Any) -> Strict:
    if isinstance(values, Strict):
        return values
    try:
        return find(name).settings.model_validate(values)
    except ValidationError as error:  # the path of a bad key starts with the name
        known = ("type", "input", "ctx")
        lines = [
            {key: line[key] for key in known if key in line} | {"loc": (name, *line["loc"])} for line in error.errors()
        ]
        raise ValidationError.from_exception_data(error.title, lines) from None
