"""Pictures in formats that are read in windows: TIFF, JPEG 2000, PNG of 16 bits, rasters in general. GDAL reads them.

A georeferenced picture and a scan take the same way. What a file does not say itself, a person may have said in its
override; `tasks.acquire` records it beside the file, in the domain `LANDLOOM` of `<name>.aux.xml`.
"""

from __future__ import annotations

import base64
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from tasks.formats.colors.depth import HALF, to_bytes
from tasks.formats.colors.encoded import EncodedFile, open_inks
from tasks.formats.colors.errors import Broken
from tasks.formats.colors.jp2 import jp2_profile
from tasks.formats.colors.profiles import to_srgb
from tasks.formats.colors.upright import png_orientation, tiff_orientation
from tasks.formats.colors.whole import check_whole

DRIVERS = ["GTiff", "JP2OpenJPEG", "PNG", "HFA", "ENVI", "EHdr", "netCDF", "AAIGrid", "GRASSASCIIGrid", "DTED"]
"""GDAL formats that hold their own pixels and may hold a picture. Virtual formats can point anywhere."""

DOMAIN = "LANDLOOM"
_NAMED = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
_UNNAMED = (ColorInterp.undefined, ColorInterp.gray)


class BandedFile:
    """One open raster, read as colours.

    Attributes:
        cols, rows: size as stored, before any turn.
        orientation: of Exif, 1 to 8.
        nodata: value of void pixels, or None.
    """

    def __init__(self, path: Path, dataset: DatasetReader, nodata: float | None):
        self.path, self.kind, self.dataset = path, str(dataset.driver), dataset
        self.cols, self.rows = dataset.width, dataset.height
        self.orientation = _orientation(path, self.kind)
        said = dataset.tags(ns=DOMAIN)
        self._bands = _bands(dataset, said.get("bands"))
        self._palette = _palette(dataset) if dataset.colorinterp[0] == ColorInterp.palette else None
        self._range = (
            (0.0, 255.0) if self._palette is not None else _range(dataset, said.get("stretch"), self._bands[0])
        )
        self.nodata, self._checked = nodata, False
        encoded = dataset.tags(ns="COLOR_PROFILE").get("SOURCE_ICC_PROFILE")
        self._profile = base64.b64decode(encoded) if encoded else None
        if self.kind == "JP2OpenJPEG":
            self._profile = jp2_profile(path)

    held = 0
    """Bytes of decoded pixels in memory: windows are read when they are asked for."""

    def __enter__(self) -> BandedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.dataset.close()

    def read(self, window: Window | None = None) -> tuple[np.ndarray, np.ndarray]:
        """RGB, uint8 (H, W, 3), and whether each pixel is valid, bool (H, W); black where not. Raise `ValueError`."""
        if not self._checked:
            check_whole(self.path, self.kind)
            self._checked = True
        try:
            stored = self.dataset.read(self._bands, window=window)
            valid = self._valid(stored, window)
        except (RasterioError, MemoryError) as error:
            raise Broken(
                f"breaks off or is damaged inside: {' '.join(str(error.__cause__ or error).split())}"
            ) from None
        if self._palette is not None:
            rgb = self._palette[stored[0], :3]
        else:
            rgb = np.ascontiguousarray(np.moveaxis(to_bytes(stored, *self._range), 0, -1))
        if self._profile is not None:
            image = Image.fromarray(rgb[..., 0] if rgb.shape[-1] == 1 else rgb)
            rgb = np.array(to_srgb(image, self._profile).convert("RGB"))
        elif rgb.shape[-1] == 1:
            rgb = np.repeat(rgb, 3, axis=-1)
        rgb[~valid] = 0
        return rgb, valid

    def _valid(self, stored: np.ndarray, window: Window | None) -> np.ndarray:
        dataset = self.dataset
        valid = np.ones(stored.shape[1:], bool)
        if self._palette is not None:
            valid &= self._palette[stored[0], 3] >= HALF
        if ColorInterp.alpha in dataset.colorinterp:
            band = dataset.colorinterp.index(ColorInterp.alpha) + 1
            white = _white(dataset, band) or np.iinfo(dataset.dtypes[band - 1]).max
            valid &= to_bytes(dataset.read(band, window=window), 0, white) >= HALF
        elif MaskFlags.per_dataset in dataset.mask_flag_enums[0]:
            valid &= dataset.dataset_mask(window=window) > 0
        elif self.nodata is not None:
            valid &= ~(stored == _as_stored(self.nodata, stored.dtype)).all(axis=0)
        if stored.dtype.kind == "f":
            valid &= np.isfinite(stored).all(axis=0)
        return valid


def open_banded(path: Path, nodata: float | None | Literal["file"]) -> BandedFile | EncodedFile:
    """The raster as colours. `nodata` is the value of void pixels, None for none, `file` for what the file says.

    GDAL shows inks (CMYK) as a rough RGB and drops their profile, so Pillow reads those.

    Raises:
        Broken: the file is damaged, or no picture.
        ValueError: it holds something else than colours, or does not say which colours.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a scan has no place on Earth
            # Not `rasterio.open`, which takes one driver only.
            with rasterio.Env():
                dataset = DatasetReader(path, driver=DRIVERS, sharing=False)
    except RasterioError as error:
        raise Broken(f"no picture that can be read: {_told(error, path)}") from None
    try:
        if dataset.tags(ns="IMAGE_STRUCTURE").get("SOURCE_COLOR_SPACE") in ("CMYK", "CIELAB"):
            dataset.close()
            return open_inks(path, None if nodata == "file" else nodata)
        return BandedFile(path, dataset, dataset.nodata if nodata == "file" else nodata)
    except BaseException:
        dataset.close()
        raise


def _told(error: Exception, path: Path) -> str:
    """GDAL's words in one line, without the machine's folders."""
    return " ".join(str(error.__cause__ or error).split()).replace(str(path.parent) + "/", "").rstrip(".")


def _orientation(path: Path, driver: str) -> int:
    readers = {"GTiff": tiff_orientation, "PNG": png_orientation}
    return readers[driver](path) if driver in readers else 1


def _bands(dataset: DatasetReader, said: str | None) -> list[int]:
    """The bands of red, green and blue, or the one band of grey or palette."""
    if dataset.count == 0:
        raise ValueError("holds no picture of its own but several rasters; cut one of them out")
    named = dataset.colorinterp
    shape = f"{dataset.count} band{'s' * (dataset.count > 1)} of {', '.join(sorted(set(dataset.dtypes)))}"
    if any("complex" in kind for kind in dataset.dtypes):
        raise ValueError(f"{shape}: complex numbers are no colours")
    if said:
        bands = [int(number) for number in said.split()]
        if max(bands) > dataset.count:
            raise ValueError(f"{shape}, and its override names band {max(bands)}")
        return bands
    if all(color in named for color in _NAMED):
        return [named.index(color) + 1 for color in _NAMED]
    colors = [number for number, color in enumerate(named, 1) if color != ColorInterp.alpha]
    if len(colors) == 1:
        return colors
    if len(colors) == 3 and all(named[number - 1] in (*_UNNAMED, *_NAMED) for number in colors):
        return colors
    raise ValueError(
        f"{shape}, and nothing says which are red, green and blue; say it in its override (bands: [1, 2, 3])"
    )


def _range(dataset: DatasetReader, said: str | None, band: int) -> tuple[float, float]:
    """The samples that become 0 and 255."""
    if said:
        low, high = (float(number) for number in said.split())
        return low, high
    kind = dataset.dtypes[band - 1]
    white = _white(dataset, band)
    if white is None:
        raise ValueError(
            f"its pixels are {kind}: heights or another measure; where it is a picture, say in its override which "
            "values are black and white (stretch: [0, 3000])"
        )
    if dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES" and len(set(dataset.dtypes)) == 1:
        return white, 0.0
    return 0.0, white


def _white(dataset: DatasetReader, band: int) -> float | None:
    """The largest sample that the file can hold; None where its samples are measurements and not shares of white."""
    bits = dataset.tags(band, ns="IMAGE_STRUCTURE").get("NBITS")
    kind = dataset.dtypes[band - 1]
    if bits and kind in ("uint8", "uint16"):
        return float(2 ** int(bits) - 1)
    if kind == "uint8":
        return 255.0
    # Georeferenced samples of 16 bits are reflectances or counts of a sensor, which seldom reach the top.
    return 65535.0 if kind == "uint16" and dataset.crs is None else None


def _palette(dataset: DatasetReader) -> np.ndarray:
    """Colours of all values, uint8 (256 or 65536, 4): RGB and alpha. A value without a colour is transparent."""
    palette = np.zeros((1 << 8 * np.dtype(dataset.dtypes[0]).itemsize, 4), np.uint8)
    for value, entry in dataset.colormap(1).items():
        palette[value] = entry
    return palette


def _as_stored(value: float, dtype: np.dtype) -> np.generic | float:
    """A nodata value in the type of the pixels; NaN where no pixel can have it."""
    if dtype.kind == "f":
        return dtype.type(value)
    info = np.iinfo(dtype)
    return dtype.type(value) if info.min <= value <= info.max and value == int(value) else np.nan
