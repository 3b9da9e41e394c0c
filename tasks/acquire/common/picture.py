"""Whether a file can be used as colours, and where it lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rasterio.errors import RasterioError
from rasterio.windows import Window

from tasks.acquire.common.fields import Override
from tasks.acquire.common.opening import opened
from tasks.acquire.common.placing import NOWHERE, Box, place_of
from tasks.acquire.common.sizes import check_blocks, check_sides, windows
from tasks.acquire.common.source import Refusal, Unreadable
from tasks.core.errors import LandloomError
from tasks.formats.colors.banded import BandedFile
from tasks.formats.colors.encoded import EncodedFile
from tasks.formats.colors.errors import Broken
from tasks.formats.colors.read import open_colors


def inspect_picture(
    path: Path, override: Override, max_pixels: int, place_needed: bool
) -> tuple[str | None, float | None, Box]:
    """CRS (WKT, null without a place on Earth), value of void pixels, and footprint of a picture.

    Every pixel is read once, as later stages read it.

    Raises:
        Refusal: it cannot be used; every reason found.
    """
    try:
        with open_colors(path, nodata=override.get("nodata", "file")) as file:
            check_sides(file.cols, file.rows, max_pixels)
            if isinstance(file, BandedFile):
                check_blocks(file.dataset)
            crs, box, problems = _place(path, override, place_needed)
            if not _any_valid(file):
                problems.append("masked everywhere")
            if problems:
                raise Refusal("; ".join(problems))
            return crs, override.get("nodata", file.nodata), box
    except Broken as error:
        raise Unreadable(str(error)) from None
    except ValueError as error:
        raise Refusal(str(error)) from None
    except MemoryError:
        raise Refusal("needs more memory than there is; save it smaller, or tiled") from None
    except LandloomError as error:  # it was delivered a moment ago
        raise Unreadable(str(error).replace(str(path.parent) + "/", "")) from None


def _place(path: Path, override: Override, needed: bool) -> tuple[str | None, Box, list[str]]:
    try:
        with opened(path) as dataset:
            return *place_of(dataset, override, needed), []
    except RasterioError:  # not every picture is a raster to GDAL
        return None, NOWHERE, ["no place on Earth; save it as a GeoTIFF"] if needed else []
    except Refusal as refusal:
        return None, NOWHERE, [str(refusal)]


def _any_valid(file: EncodedFile | BandedFile) -> bool:
    """Whether any pixel is valid; every block is read, to find out that it can be."""
    found = False
    for window in _parts(file):
        found = bool(file.read(window)[1].any()) or found
    return found


def _parts(file: EncodedFile | BandedFile) -> Iterator[Window | None]:
    if isinstance(file, BandedFile):
        yield from windows(file.dataset)
    else:
        yield None
