"""Raw rasters: check that this stage can use a raster of the ledger, and read its pixels."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import MaskFlags
from rasterio.windows import Window

from tasks.core.errors import LandloomError
from tasks.formats.colors.banded import BandedFile
from tasks.formats.colors.encoded import EncodedFile
from tasks.formats.colors.errors import Broken
from tasks.formats.colors.read import open_colors
from tasks.formats.heights.metres import noted, scale_and_offset

_OPEN = 24  # files of a layer that a process keeps open
_FEET = ("foot", "feet", "ft")
_HELD = 1 << 29  # bytes of decoded pictures that a process keeps, beside the one that it reads


@dataclass(frozen=True)
class Raster:
    """One usable raster. `crs` is the CRS to read it in (WKT; None for a picture), `gsd` is in metres at its centre."""

    key: str
    path: str
    layer: str
    crs: str | None
    transform: Affine
    cols: int
    rows: int
    nodata: float | None
    gsd: float | None
    procedural: bool

    @property
    def bands(self) -> int:
        """1 for heights, 3 for colour."""
        return 1 if self.layer == "height" else 3


def look(row: NamedTuple, raw: Path) -> Raster:
    """Open the raster of one ledger row and read its header.

    Raises:
        ValueError: this stage cannot use the raster; the message says why.
        LandloomError: the file cannot be opened, although acquire could open it.
    """
    path = raw / row.path
    crs = row.crs if isinstance(row.crs, str) else None
    nodata = None if row.nodata is None or np.isnan(row.nodata) else float(row.nodata)
    place = _look_at_colors(path, row.key, crs, nodata) if row.layer == "color" else _look_at_heights(path, row.key)
    # GDAL reads some truncated files as zeros.
    if not np.isnan(row.bytes or np.nan) and path.stat().st_size < row.bytes:
        raise LandloomError(f"{row.key}: {path} is cut short; delete it and run acquire again")
    return Raster(row.key, str(path), row.layer, crs, *place, nodata, None, bool(row.procedural))


def _look_at_heights(path: Path, key: str) -> tuple[Affine, int, int]:
    """Transform, columns and rows of a raster of heights."""
    with _open(path, key) as dataset:
        if dataset.count == 0:
            raise ValueError("it holds no single raster but several; name one of them")
        kind = np.dtype(dataset.dtypes[0]).kind
        if kind not in "iuf":
            raise ValueError(f"its pixels are {dataset.dtypes[0]}, not heights")
        unit = (dataset.units[0] or "").lower()
        if any(word in unit for word in _FEET) and not noted(dataset):
            raise ValueError(f"its heights are in {unit!r}; run acquire again, which converts them")
        _check_sides(dataset.width, dataset.height)
        return dataset.transform, dataset.width, dataset.height


def _look_at_colors(path: Path, key: str, crs: str | None, nodata: float | None) -> tuple[Affine, int, int]:
    """Transform, columns and rows of a picture, as it is stored. Without a CRS its transform means nothing."""
    try:
        with open_colors(path, nodata=nodata) as file:
            cols, rows = file.cols, file.rows
    except Broken as error:
        raise LandloomError(f"{key}: {path} {error}; delete it and run acquire again") from None
    _check_sides(cols, rows)
    if crs is None:
        return Affine.identity(), cols, rows
    with _open(path, key) as dataset:
        return dataset.transform, cols, rows


def _check_sides(cols: int, rows: int) -> None:
    if min(cols, rows) < 2:
        raise ValueError(f"{cols}×{rows} pixels: too small to interpolate between")


class RasterReader:
    """Reads windows of rasters as float32 with NaN for void, and keeps the files open.

    Only one thread may use a reader, because a GDAL dataset is not thread-safe.
    """

    def __init__(self) -> None:
        self._heights: OrderedDict[str, rasterio.DatasetReader] = OrderedDict()
        self._pictures: OrderedDict[str, EncodedFile | BandedFile] = OrderedDict()

    def __enter__(self) -> RasterReader:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (*self._heights.values(), *self._pictures.values()):
            file.close()
        self._heights.clear()
        self._pictures.clear()

    def read(self, raster: Raster, window: Window) -> np.ndarray:
        """Pixels of a window inside the raster, float32 (bands, H, W): metres, or RGB in 0..255; NaN for void."""
        try:
            if raster.layer == "height":
                return _heights(self._dataset(raster), raster.nodata, window)
            rgb, valid = self.picture(raster).read(window)
        except (rasterio.errors.RasterioError, OSError, ValueError) as error:
            raise LandloomError(
                f"{raster.key}: {raster.path} breaks off or is damaged inside ({_first_line(error)}); "
                "delete it and run acquire again"
            ) from None
        colors = np.moveaxis(rgb, -1, 0).astype(np.float32)
        colors[:, ~valid] = np.nan
        return colors

    def picture(self, raster: Raster) -> EncodedFile | BandedFile:
        """The open file of a raster of colours. Pixels that were decoded as a whole stay in memory with it."""
        opened = self._pictures
        if raster.path not in opened:
            opened[raster.path] = open_colors(Path(raster.path), nodata=raster.nodata)
        opened.move_to_end(raster.path)
        while len(opened) > 1 and (len(opened) > _OPEN or sum(file.held for file in opened.values()) > _HELD):
            opened.popitem(last=False)[1].close()
        return opened[raster.path]

    def _dataset(self, raster: Raster) -> rasterio.DatasetReader:
        opened = self._heights
        if raster.path not in opened:
            if len(opened) >= _OPEN:
                opened.popitem(last=False)[1].close()
            opened[raster.path] = _open(Path(raster.path), raster.key)
        opened.move_to_end(raster.path)
        return opened[raster.path]


def _open(path: Path, key: str) -> rasterio.DatasetReader:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", rasterio.errors.NotGeoreferencedWarning
            )  # a photograph may have no georeference
            return rasterio.open(path)
    except (rasterio.errors.RasterioError, OSError) as error:
        raise LandloomError(
            f"{key}: {path} cannot be opened ({_first_line(error)}); delete it and run acquire again"
        ) from None


def _heights(dataset: rasterio.DatasetReader, nodata: float | None, window: Window) -> np.ndarray:
    # Zero is a height. Only the ledger's nodata, NaN and the file's own mask mark voids.
    stored = dataset.read(1, window=window)
    heights = stored.astype(np.float32)
    scale, offset = scale_and_offset(dataset)
    if (scale, offset) != (1.0, 0.0):
        heights = (stored * scale + offset).astype(np.float32)
    if nodata is not None:
        # Compared in the file's type: -3.4e38 as float32 differs from -3.4e38 as double.
        np.copyto(heights, np.nan, where=stored == _as_stored(nodata, stored.dtype))
    if MaskFlags.per_dataset in dataset.mask_flag_enums[0]:
        heights[dataset.dataset_mask(window=window) == 0] = np.nan
    if stored.dtype.kind == "f":
        np.copyto(heights, np.nan, where=np.isinf(heights))
    return heights[None]


def _as_stored(value: float, dtype: np.dtype) -> np.generic | float:
    if dtype.kind == "f":
        return dtype.type(value)
    info = np.iinfo(dtype)
    return dtype.type(value) if info.min <= value <= info.max and value == int(value) else np.nan


def _first_line(error: BaseException) -> str:
    cause = error.__cause__ or error
    return str(cause).splitlines()[0] if str(cause) else type(cause).__name__
