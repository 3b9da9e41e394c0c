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
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

from tasks.core.errors import LandloomError

_OPEN = 24  # files that a process keeps open
_FEET = ("foot", "feet", "ft")


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
    dataset = _open(path, row.key)
    if (
        not np.isnan(row.bytes or np.nan) and path.stat().st_size < row.bytes
    ):  # GDAL reads some truncated files as zeros
        raise LandloomError(f"{row.key}: {path} is cut short; delete it and run acquire again")
    with dataset:
        problem = _problem(dataset, row.layer)
        if problem:
            raise ValueError(problem)
        crs = row.crs if isinstance(row.crs, str) else None
        nodata = None if row.nodata is None or np.isnan(row.nodata) else float(row.nodata)
        return Raster(
            row.key, str(path), row.layer, crs, dataset.transform, dataset.width, dataset.height, nodata, None,
            bool(row.procedural),
        )  # fmt: skip


def _problem(dataset: rasterio.DatasetReader, layer: str) -> str | None:
    if dataset.count == 0:
        return "it holds no single raster but several; name one of them"
    if min(dataset.width, dataset.height) < 2:
        return f"{dataset.width}×{dataset.height} pixels: too small to interpolate between"
    kind = np.dtype(dataset.dtypes[0]).kind
    if layer == "height":
        if kind not in "iuf":
            return f"its pixels are {dataset.dtypes[0]}, not heights"
        unit = (dataset.units[0] or "").lower()
        if any(word in unit for word in _FEET):
            return f"its heights are in {unit!r}; convert it to metres first"
    elif dataset.dtypes[0] != "uint8":
        return f"its pixels are {dataset.dtypes[0]}; a picture has 8 bits a channel"
    return None


class RasterReader:
    """Reads windows of rasters as float32 with NaN for void, and keeps the files open.

    Only one thread may use a reader, because a GDAL dataset is not thread-safe.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[str, rasterio.DatasetReader] = OrderedDict()

    def __enter__(self) -> RasterReader:
        return self

    def __exit__(self, *_: object) -> None:
        for dataset in self._open.values():
            dataset.close()
        self._open.clear()

    def read(self, raster: Raster, window: Window) -> np.ndarray:
        """Pixels of a window inside the raster, float32 (bands, H, W): metres, or RGB in 0..255; NaN for void."""
        dataset = self._dataset(raster)
        try:
            if raster.layer == "height":
                return _heights(dataset, raster.nodata, window)
            return _colors(dataset, raster.nodata, window)
        except (rasterio.errors.RasterioError, OSError) as error:
            raise LandloomError(
                f"{raster.key}: {raster.path} breaks off or is damaged inside ({_first_line(error)}); "
                "delete it and run acquire again"
            ) from None

    def dataset(self, raster: Raster) -> rasterio.DatasetReader:
        """The open file itself, for its tags."""
        return self._dataset(raster)

    def _dataset(self, raster: Raster) -> rasterio.DatasetReader:
        if raster.path not in self._open:
            if len(self._open) >= _OPEN:
                self._open.popitem(last=False)[1].close()
            self._open[raster.path] = _open(Path(raster.path), raster.key)
        self._open.move_to_end(raster.path)
        return self._open[raster.path]


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
    scale, offset = dataset.scales[0], dataset.offsets[0]
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


def _colors(dataset: rasterio.DatasetReader, nodata: float | None, window: Window) -> np.ndarray:
    stored = dataset.read(_rgb_bands(dataset), window=window)
    if dataset.colorinterp[0] == ColorInterp.palette:
        palette = np.zeros((256, 3), np.uint8)
        for index, entry in dataset.colormap(1).items():
            palette[index] = entry[:3]
        stored = np.moveaxis(palette[stored[0]], -1, 0)
    colors = stored.astype(np.float32)
    if MaskFlags.per_dataset in dataset.mask_flag_enums[0]:  # an alpha band counts as one
        colors[:, dataset.dataset_mask(window=window) == 0] = np.nan
    elif nodata is not None:
        colors[:, (stored == _as_stored(nodata, stored.dtype)).all(axis=0)] = np.nan
    return colors


def _rgb_bands(dataset: rasterio.DatasetReader) -> list[int]:
    """Bands to read as red, green and blue: those marked so, else the first three, else one grey band for all."""
    meaning = list(dataset.colorinterp)
    wanted = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    if all(color in meaning for color in wanted):
        return [meaning.index(color) + 1 for color in wanted]
    return [1, 2, 3] if dataset.count >= 3 else [1, 1, 1]


def _as_stored(value: float, dtype: np.dtype) -> np.generic | float:
    if dtype.kind == "f":
        return dtype.type(value)
    info = np.iinfo(dtype)
    return dtype.type(value) if info.min <= value <= info.max and value == int(value) else np.nan


def _first_line(error: BaseException) -> str:
    cause = error.__cause__ or error
    return str(cause).splitlines()[0] if str(cause) else type(cause).__name__
