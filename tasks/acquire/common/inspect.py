"""Whether a raster can be used, and as which layer. Each is opened, measured and read to its last block."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import rasterio.crs
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from tasks.acquire.common.degree_box import lonlat_box
from tasks.acquire.common.fields import Override
from tasks.acquire.common.source import Refusal, Unreadable
from tasks.acquire.common.values import Values

DRIVERS = [
    *("GTiff", "SRTMHGT", "USGSDEM", "ENVI", "EHdr", "netCDF", "AAIGrid", "GRASSASCIIGrid", "DTED", "HFA"),
    *("JP2OpenJPEG", "JPEG", "PNG"),
]
"""Formats that hold their own pixels. Virtual formats (VRT, WMS) are left out, because they can point anywhere."""

MAX_BLOCK_BYTES = 1 << 29  # GDAL holds whole blocks in memory; a file made of one huge block is refused
_SIDE = 2048  # pixels along a side of what is read at a time
_METRES = {"": 1.0, "m": 1.0, "km": 1000.0, "dm": 0.1, "cm": 0.01, "mm": 0.001}
_FEET = 0.3048
_UNITS = {**dict.fromkeys(("metre", "meter", "metres", "meters"), 1.0), **_METRES}
_UNITS.update(dict.fromkeys(("ft", "foot", "feet", "us-ft", "ftus", "us survey foot"), _FEET))


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


def inspect(path: Path, layers: tuple[str, ...], override: Override, max_pixels: int) -> Found:
    """Inspect one raster; raise `Refusal` with every reason found if it cannot be used.

    Args:
        layers: what it may be used for, `height` and `color`.
        override: what a person says of it; it wins over the file.
        max_pixels: a raster that claims more is refused before any pixel is read.
    """
    try:
        with opened(path) as dataset:
            return _inspect(dataset, layers, override, max_pixels)
    except RasterioError as error:
        raise Unreadable(f"not a raster that can be read to its end: {_plain(error, path)}") from None
    except (UnicodeDecodeError, MemoryError, ValueError) as error:
        raise Unreadable(f"not a usable raster: {_plain(error, path)}") from None


@contextmanager
def opened(path: Path) -> Iterator[DatasetReader]:
    """Open a published raster in one of `DRIVERS`. Every reader of this room opens through this function.

    `rasterio.open` takes one driver only. `DatasetReader` takes a list, but registers no driver: without an
    environment, the first raster of a process has none.

    Raises:
        RasterioError: no driver of the list can open it.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.Env(), DatasetReader(path, driver=DRIVERS) as dataset:
            yield dataset


def _inspect(dataset: DatasetReader, layers: tuple[str, ...], override: Override, max_pixels: int) -> Found:
    _check_size(dataset, max_pixels)
    layer = _layer(dataset, layers, override)
    nodata = override.get("nodata", dataset.nodata)  # a given null is a word too
    crs, box, problems = None, (None, None, None, None), []
    try:
        crs = _crs(dataset, layer, layers, override)
        if crs:
            _check_transform(dataset)
            box = lonlat_box(crs, dataset.transform, dataset.width, dataset.height)
    except Refusal as refusal:
        problems.append(str(refusal))
    if layer == "height":
        problems += _height_problems(dataset, nodata, override)
    elif not _any_color(dataset):
        problems.append("masked everywhere")
    if problems:
        raise Refusal("; ".join(problems))
    return Found(layer, crs, nodata, *box)


def _check_size(dataset: DatasetReader, max_pixels: int) -> None:
    if dataset.count == 0:
        names = ", ".join(name.rsplit(":", 1)[-1] for name in dataset.subdatasets) or "none"
        raise Refusal(f"holds no raster of its own but variables ({names}); cut the one with heights out")
    cols, rows = dataset.width, dataset.height
    if cols * rows > max_pixels:
        raise Refusal(f"claims {cols} × {rows} pixels, more than acquire.max_pixels ({max_pixels})")
    if min(cols, rows) < 2:
        raise Refusal(f"has {cols} × {rows} pixels; ground needs at least 2 × 2")
    for (block_rows, block_cols), dtype in zip(dataset.block_shapes, dataset.dtypes, strict=True):
        if block_rows * block_cols * np.dtype(dtype).itemsize > MAX_BLOCK_BYTES:
            raise Refusal(f"is one block of {block_cols} × {block_rows} pixels; save it tiled")
    if dataset.driver in ("ENVI", "EHdr"):  # GDAL reads what is missing at the end as 0
        expected = cols * rows * sum(np.dtype(dtype).itemsize for dtype in dataset.dtypes)
        actual = Path(dataset.name).stat().st_size
        if actual < expected:
            raise Refusal(f"is cut short: {actual} bytes where its header asks for {expected}")


def _layer(dataset: DatasetReader, layers: tuple[str, ...], override: Override) -> str:
    """`height` for one band of numbers, `color` for red, green and blue bytes."""
    kinds = ", ".join(sorted(set(dataset.dtypes)))
    shape = f"{dataset.count} band{'s' * (dataset.count > 1)} of {kinds}"
    if dataset.count >= 3 and set(dataset.dtypes) == {"uint8"}:
        layer = "color"
        first = dataset.colorinterp[:3]
        named = {ColorInterp.red, ColorInterp.green, ColorInterp.blue}
        if dataset.count > 3 and first != (ColorInterp.red, ColorInterp.green, ColorInterp.blue):
            raise Refusal(f"{shape}, and nothing says that the first three are red, green and blue")
        if set(first) <= named and first != (ColorInterp.red, ColorInterp.green, ColorInterp.blue):
            raise Refusal(f"{shape} in the order {', '.join(band.name for band in first)}; red, green, blue is wanted")
    elif dataset.count != 1:
        raise Refusal(f"{shape}: heights are one band, a picture is three of uint8")
    elif dataset.colorinterp[0] == ColorInterp.palette or "complex" in kinds:
        raise Refusal(f"{shape} that stand for colours or complex numbers, not for heights")
    elif np.dtype(kinds).itemsize == 1 and not (override.get("trust", False) or "scale" in override):
        raise Refusal(
            f"{shape}: a grey picture or a mask, too coarse for heights in metres; where it is a map of heights, "
            "say how many metres a step of it is (scale, in its override)"
        )
    else:
        layer = "height"
    if layer not in layers:
        what = "a picture" if layer == "color" else "heights or another measure"
        raise Refusal(f"{shape}: {what}, and this dataset takes {' and '.join(layers)} only")
    return layer


def _crs(dataset: DatasetReader, layer: str, layers: tuple[str, ...], override: Override) -> str | None:
    if "crs" in override:
        try:
            crs = rasterio.crs.CRS.from_user_input(override["crs"])
        except (CRSError, ValueError) as error:
            raise Refusal(f"its override gives it the CRS {override['crs']!r}, which is none: {error}") from None
    elif dataset.crs:
        crs = dataset.crs
    elif layer == "color" and "height" not in layers:
        return None  # a photograph has no place on Earth and needs none
    else:
        raise Refusal("no CRS, so no place on Earth; say which in its override (crs: EPSG:…)")
    if not (crs.is_geographic or crs.is_projected):
        name = crs.to_wkt().split("[", 1)[0]
        raise Refusal(f"its CRS is a {name}, tied to no place; say the true one in its override (crs: EPSG:…)")
    return str(crs.to_wkt())


def _check_transform(dataset: DatasetReader) -> None:
    transform = dataset.transform
    if transform.is_identity:
        raise Refusal("a CRS but no georeference: nothing says where its corners lie")
    if not np.isfinite(transform[:6]).all() or abs(transform.determinant) == 0:
        raise Refusal("its georeference gives pixels of no size")


def _height_problems(dataset: DatasetReader, nodata: float | None, override: Override) -> list[str]:
    problems = []
    unit = (dataset.units[0] or "").strip().lower()
    scale, offset = dataset.scales[0] * _UNITS.get(unit, 1.0), dataset.offsets[0]
    given = override.get("scale")
    if given is None and (abs(scale - 1) > 1e-6 or offset != 0):
        problems.append(
            f"its samples are not metres (unit {unit or 'not named'}, scale {dataset.scales[0]:g}, offset {offset:g}); "
            "convert it first, or say how many metres a step is (scale, in its override)"
        )
    values = Values(nodata, dataset.dtypes[0]) if given is None else Values(None, "float64")
    masked = MaskFlags.per_dataset in dataset.mask_flag_enums[0]  # voids in a mask of their own
    for window in _windows(dataset):
        block = dataset.read(1, window=window)
        if masked:
            block = block[dataset.dataset_mask(window=window) > 0]
        if given is not None:  # the void code is one of the plain numbers
            block = (block if nodata is None else block[block != nodata]) * given
        values.add(block)
    if values.void_everywhere():
        return ["void everywhere"]
    odd = values.problem(override.get("trust", False), "nodata" in override)
    return [*problems, odd] if odd else problems


def _any_color(dataset: DatasetReader) -> bool:
    """Whether any pixel of a picture is not masked; every block is read, to find out that it can be."""
    found = False
    for window in _windows(dataset):
        dataset.read(window=window)
        found = bool(dataset.dataset_mask(window=window).any()) or found
    return found


def _windows(dataset: DatasetReader) -> Iterator[Window]:
    """Windows along the file's own blocks, none much larger than 2048² pixels."""
    block_rows, block_cols = dataset.block_shapes[0]
    cols = max(_SIDE // block_cols, 1) * block_cols
    rows = max(_SIDE * _SIDE // min(cols, dataset.width) // block_rows, 1) * block_rows
    for top in range(0, dataset.height, rows):
        for left in range(0, dataset.width, cols):
            yield Window(left, top, min(cols, dataset.width - left), min(rows, dataset.height - top))


def _plain(error: Exception, path: Path) -> str:
    """The error in one line, without the machine's folders in it: the ledger must be the same everywhere."""
    text = " ".join(str(error.__cause__ or error).split())
    return text.replace(str(path.parent) + "/", "").rstrip(".")
