"""Parameters of `generate`."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializeAsAny, ValidationError, ValidationInfo, field_validator

from tasks.core.settings import Rooms, Strict
from tasks.generate import export

OTHERS = 4  # preview, texture, drawing, sidecar
MOST = 1990  # DVC should see fewer than 2,000 files an out


class Scale(Strict):
    """Times what a metre is, in meshes and in engines; GeoTIFF and codes keep metres."""

    horizontal: float = Field(1.0, gt=0)
    """Of both directions on the ground."""
    vertical: float = Field(1.0, gt=0)
    """Of heights. At kilometres a pixel true mountains look flat, and 20 to 30 shows them."""


class Mesh(Strict):
    """The grid of OBJ, GLB and the top of the STL."""

    max_px: int = Field(513, ge=16, le=4097)
    """Vertices along the longer side; larger terrains are resampled. 513 make an OBJ of about 45 MB."""


class Params(Strict):
    """How many samples, from which seed, how they are sampled, and the files to make of each."""

    count: int = Field(8, ge=1)
    """Samples to make."""
    seed: int = Field(7, ge=0, lt=2**31)
    """Another seed gives other samples of the same model."""
    steps: int = Field(1, ge=1, le=1000)
    """Network evaluations a sample, for models that can take several. One is what every model can."""
    noise: float = Field(1.0, ge=0, le=10)
    """Times the noise of each pixel, for models that paint drawings; 0 paints what the classes alone say."""
    exports: list[str] = Field(default=[])
    """Formats to write beside the preview, by their names in `tasks/generate/exports`: none, since meshes are large."""
    shared_range: bool = False
    """One range of metres for the 16-bit codes of all terrains, so that they fit side by side in an engine."""
    scale: Scale = Scale()
    """Scale of meshes and in engines."""
    mesh: Mesh = Mesh()
    """How fine meshes are."""
    settings: dict[str, SerializeAsAny[Strict]] = Field(default={}, validate_default=True)
    """Each export's own settings, by its name, as `stl: {side_mm: 100}`; what is left out has the export's default."""

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
        """Every setting by the model of its export; the named exports that have settings are there with defaults."""
        if not isinstance(given, dict):
            return given
        named = {name: {} for name in others.data.get("exports", []) if export.find(name).settings.model_fields}
        return {name: _settings(name, values) for name, values in {**named, **given}.items()}

    def conflict(self, rooms: Rooms) -> tuple[str, str] | None:
        method = rooms["train"].method  # type: ignore[attr-defined]
        reason = export.unsuited(self.exports, method.product, f"train.method {method.name}")
        return ("exports", reason) if reason else None


def _settings(name: str, values: Any) -> Strict:
    if isinstance(values, Strict):
        return values
    try:
        return export.find(name).settings.model_validate(values)
    except ValidationError as error:  # the path of a bad key starts with the export's name
        known = ("type", "input", "ctx")
        lines = [
            {key: line[key] for key in known if key in line} | {"loc": (name, *line["loc"])} for line in error.errors()
        ]
        raise ValidationError.from_exception_data(error.title, lines) from None
