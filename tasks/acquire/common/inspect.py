"""Whether a raster can be used, and as which layer. Each is opened, measured and read to its last block."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from tasks.acquire.common.declared.auxiliary import auxiliary_name, auxiliary_title, named_slope
from tasks.acquire.common.declared.beside import Beside
from tasks.acquire.common.declared.vertical import Vertical, vertical_of
from tasks.acquire.common.derived import Derived
from tasks.acquire.common.fields import Override
from tasks.acquire.common.opening import opened, other_format
from tasks.acquire.common.picture import inspect_picture
from tasks.acquire.common.placing import NOWHERE, place_of
from tasks.acquire.common.sizes import check_blocks, check_sides, windows
from tasks.acquire.common.source import Refusal, Unreadable
from tasks.acquire.common.texture import Texture
from tasks.acquire.common.values import Values

_NOTHING = Beside()


@dataclass(frozen=True)
class Found:
    """What a usable raster is; a null CRS and footprint mean a picture with no place on Earth."""

    layer: str
    crs: str | None
    nodata: float | None
    west: float | None
    south: float | None
    east: float | None
    north: float | None
    vertical: Vertical | None = None  # how its numbers become metres; None for colours
    doubt: str | None = None  # what it may be instead


def inspect(
    path: Path, layers: tuple[str, ...], override: Override, max_pixels: int, beside: Beside = _NOTHING
) -> Found:
    """Inspect one raster; raise `Refusal` with every reason found if it cannot be used.

    Args:
        layers: what it may be used for, `height` and `color`.
        override: what a person says of it; it wins over the file.
        max_pixels: a raster that claims more is refused before any pixel is read.
        beside: what a catalogue states of its heights; it must agree with the file.
    """
    if "height" in layers:
        try:
            with opened(path) as dataset:
                if _layer(dataset, layers, override, max_pixels) == "height":
                    return _inspect_heights(dataset, path, override, beside)
        except RasterioError as error:
            if other := other_format(path):
                raise Refusal(other) from None
            raise Unreadable(f"not a raster that can be read to its end: {_plain(error, path)}") from None
        except (UnicodeDecodeError, MemoryError, ValueError) as error:
            raise Unreadable(f"not a usable raster: {_plain(error, path)}") from None
    # A colour raster beside heights must lie on the same ground; a photograph alone lies nowhere.
    crs, nodata, box = inspect_picture(path, override, max_pixels, place_needed="height" in layers)
    return Found("color", crs, nodata, *box)


def _inspect_heights(dataset: DatasetReader, path: Path, override: Override, beside: Beside) -> Found:
    nodata = override.get("nodata", dataset.nodata)  # a given null is a word too
    crs, box, problems = None, NOWHERE, []
    try:
        crs, box = place_of(dataset, override, needed=True)
    except Refusal as refusal:
        problems.append(str(refusal))
    vertical, told = vertical_of(dataset, path, override, beside)
    told += _other_layer(dataset, path, override)
    odd, doubt = _height_problem(dataset, path, nodata, vertical, override)
    problems += [*told, *filter(None, [odd])]
    if problems:
        raise Refusal("; ".join(problems))
    return Found("height", crs, nodata, *box, vertical, doubt)


def _layer(dataset: DatasetReader, layers: tuple[str, ...], override: Override, max_pixels: int) -> str:
    """`height` for one band of numbers; `color` for several bands, and for a palette, where colour is wanted too."""
    if dataset.count == 0:
        names = ", ".join(name.rsplit(":", 1)[-1] for name in dataset.subdatasets) or "none"
        raise Refusal(f"holds no raster of its own but variables ({names}); cut the one with heights out")
    check_sides(dataset.width, dataset.height, max_pixels)
    check_blocks(dataset)
    kinds = ", ".join(sorted(set(dataset.dtypes)))
    shape = f"{dataset.count} band{'s' * (dataset.count > 1)} of {kinds}"
    palette = dataset.colorinterp[0] == ColorInterp.palette
    if dataset.count >= 3 or (palette and "color" in layers):
        if "color" not in layers:
            raise Refusal(f"{shape}: a picture, and this dataset takes height only")
        return "color"
    if dataset.count != 1:
        raise Refusal(f"{shape}: heights are one band, a picture beside heights is three")
    if palette or "complex" in kinds:
        raise Refusal(f"{shape} that stand for colours or complex numbers, not for heights")
    if np.dtype(kinds).itemsize == 1 and not (override.get("trust", False) or "scale" in override):
        raise Refusal(
            f"{shape}: a grey picture or a mask, too coarse for heights in metres; where it is a map of heights, "
            "say how many metres a step of it is (scale, in its override)"
        )
    return "height"


def _height_problem(
    dataset: DatasetReader, path: Path, nodata: float | None, vertical: Vertical, override: Override
) -> tuple[str | None, str | None]:
    """Why the values are no heights, and why they may be none."""
    values, texture, derived = Values(nodata, dataset.dtypes[0], vertical.scale, vertical.offset), Texture(), Derived()
    masked = MaskFlags.per_dataset in dataset.mask_flag_enums[0]  # voids in a mask of their own
    for window in windows(dataset):
        block = dataset.read(1, window=window)
        void = ~np.isfinite(block) | (block == nodata)
        if masked:
            known = dataset.dataset_mask(window=window) > 0
            void |= ~known
        texture.add(block, void)
        derived.add(block, void)
        values.add(block[known] if masked else block)
    if values.void_everywhere():
        return "void everywhere", None
    trust = override.get("trust", False)
    # A scale that a person gives comes with the void code: the plain numbers were looked at.
    odd = values.problem(trust, "nodata" in override or "scale" in override)
    if odd or trust:
        return odd, None
    odd, doubt = texture.problem(named_slope(path.name)), None
    if not odd:
        odd, doubt = derived.problem()
    vouch = "trust: true in its override takes it"
    return odd and f"{odd}, not heights ({vouch})", doubt and f"{doubt}; if they are heights, {vouch} without this word"


def _other_layer(dataset: DatasetReader, path: Path, override: Override) -> list[str]:
    """What its name or its title says that it is instead of heights."""
    if override.get("trust", False):
        return []
    tags = dataset.tags(1)
    if layer := auxiliary_name(path.name):
        return [f"its name is that of another layer than heights ({layer}); trust: true in its override takes it"]
    if title := auxiliary_title(dataset.descriptions[0], tags.get("long_name"), tags.get("DESCRIPTION")):
        return [f"its title is {title!r}, no heights; trust: true in its override takes it"]
    return []


def _plain(error: Exception, path: Path) -> str:
    """The error in one line, without the machine's folders in it: the ledger must be the same everywhere."""
    text = " ".join(str(error.__cause__ or error).split())
    return text.replace(str(path.parent) + "/", "").rstrip(".")
