"""Parameters of `generate`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from tasks.core.settings import Strict

# Recommended sides of a Landscape: whole components of 2 × 2 sections, of 63 quads a side (of 127 in the last).
UNREAL_SIZES = (127, 253, 505, 1009, 2017, 4033, 8129)
UNITY_SIZES = (33, 65, 129, 257, 513, 1025, 2049, 4097)
FILES = {"geotiff": 1, "heightmap": 2, "obj": 3, "glb": 1, "stl": 1, "unreal": 2, "unity": 1}
OTHERS = 4  # preview, texture, drawing, sidecar
MOST = 1990  # DVC should see fewer than 2,000 files an out


class Scale(Strict):
    """Times what a metre is, in meshes and in engines; GeoTIFF and codes keep metres."""

    horizontal: float = Field(gt=0)
    vertical: float = Field(gt=0)


class Mesh(Strict):
    """Of OBJ and GLB, and of the top of the STL."""

    max_px: int = Field(ge=16, le=4097)


class Stl(Strict):
    """A block to print."""

    side_mm: float = Field(gt=0)
    base_mm: float = Field(gt=0)


class Unreal(Strict):
    """Size of the longer side; null takes the next that holds every pixel."""

    size: Literal[UNREAL_SIZES] | None


class Unity(Strict):
    """Size of both sides, and how the bytes lie."""

    size: Literal[UNITY_SIZES] | None
    byte_order: Literal["windows", "mac"]
    flip: bool


class Params(Strict):
    """How many terrains, from which seed, how they are sampled, and the files to make of each."""

    count: int = Field(ge=1)
    seed: int = Field(ge=0, lt=2**31)
    steps: int = Field(ge=1, le=1000)
    noise: float = Field(ge=0, le=10)
    exports: list[Literal["geotiff", "heightmap", "obj", "glb", "stl", "unreal", "unity"]]
    shared_range: bool
    scale: Scale
    mesh: Mesh
    stl: Stl
    unreal: Unreal
    unity: Unity

    @field_validator("exports")
    @classmethod
    def _few_files(cls, exports: list[str], others: ValidationInfo) -> list[str]:
        if len(set(exports)) < len(exports):
            raise ValueError("an export is named twice")
        count, each = others.data.get("count", 0), OTHERS + sum(FILES[export] for export in exports)
        if count * each > MOST:
            raise ValueError(
                f"{count} terrains of up to {each} files each are more than {MOST} files; "
                f"lower count to {MOST // each} or name fewer exports"
            )
        return exports
