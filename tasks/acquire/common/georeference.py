"""What a person states of a raster: place, scale, bands, stretch; written where every GDAL program looks for it.

The published file stays as it is: the facts stand beside it in `<name>.aux.xml`, GDAL's own note on a raster (PAM).
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from affine import Affine
from rasterio.errors import RasterioError

from tasks.acquire.common.declared.vertical import Vertical
from tasks.acquire.common.fields import Override
from tasks.acquire.common.opening import opened
from tasks.acquire.common.source import Refusal
from tasks.core.files import atomic_file
from tasks.formats.colors.banded import DOMAIN
from tasks.formats.heights.metres import KEY, metres_note, scale_and_offset


def write_georeference(path: Path, override: Override) -> None:
    """Write the note for a raster whose override has `bounds`, `scale`, `bands` or `stretch`; nothing for any other.

    A note that came with the raster keeps whatever the override does not say. A file that cannot be opened is left for
    `inspect` to refuse.
    """
    bounds, scale = override.get("bounds"), override.get("scale")
    said = {key: override[key] for key in ("bands", "stretch") if key in override}  # type: ignore[literal-required]
    if bounds is None and scale is None and not said:
        return
    try:
        with opened(path) as dataset:
            cols, rows = dataset.width, dataset.height
            void = override.get("nodata", dataset.nodata)
    except RasterioError:
        return
    note = _Note(path.with_name(f"{path.name}.aux.xml"))
    if bounds is not None:
        west, south, east, north = bounds
        place = Affine((east - west) / cols, 0, west, 0, (south - north) / rows, north)
        note.set("GeoTransform", ", ".join(repr(float(value)) for value in place.to_gdal()))
    if scale is not None:
        band = note.child("PAMRasterBand", band="1")
        note.set("Scale", repr(scale), band)
        note.set("Offset", "0", band)
        if void is not None:
            note.set("NoDataValue", repr(void), band)
    if said:
        domain = note.child("Metadata", domain=DOMAIN)
        for key, numbers in said.items():
            note.child("MDI", domain, key=key).text = " ".join(map(str, numbers))
    note.write()


def write_vertical(path: Path, vertical: Vertical) -> None:
    """Say beside a raster how its numbers become metres, where it says it otherwise. `project` reads the note.

    Raises:
        Refusal: the format does not listen to the note.
    """

    if _heard(path, vertical):
        return
    note = _Note(path.with_name(f"{path.name}.aux.xml"))
    domain = note.child("Metadata", domain=DOMAIN)
    note.child("MDI", domain, key=KEY).text = metres_note(vertical.scale, vertical.offset)
    band = note.child("PAMRasterBand", band="1")
    note.set("Scale", repr(vertical.scale), band)
    note.set("Offset", repr(vertical.offset), band)
    note.set("UnitType", "m", band)
    note.write()
    if not _heard(path, vertical):
        raise Refusal(
            f"its numbers are heights in metres only as {vertical.scale:g} × number + {vertical.offset:g}, and its "
            "format does not keep that; convert it to a GeoTIFF in metres"
        )


def _heard(path: Path, vertical: Vertical) -> bool:
    """Whether `project` reads metres."""
    with opened(path) as dataset:
        return scale_and_offset(dataset) == (vertical.scale, vertical.offset)


class _Note:
    """The note of a raster: the one that came with it, or a new one."""

    def __init__(self, path: Path):
        self._path = path
        try:
            self._root = ElementTree.parse(path).getroot()
        except (OSError, ElementTree.ParseError):
            self._root = ElementTree.Element("PAMDataset")

    def child(self, tag: str, parent: Element | None = None, **attributes: str) -> Element:
        """The element with these attributes, made where it is missing."""
        parent = self._root if parent is None else parent
        for element in parent.findall(tag):
            if all(element.get(name) == value for name, value in attributes.items()):
                return element
        return ElementTree.SubElement(parent, tag, attributes)

    def set(self, tag: str, text: str, parent: Element | None = None) -> None:
        """Give an element its text."""
        self.child(tag, parent).text = text

    def write(self) -> None:
        ElementTree.indent(self._root)
        with atomic_file(self._path) as part:
            part.write_text(ElementTree.tostring(self._root, encoding="unicode") + "\n")
