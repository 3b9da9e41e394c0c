"""What is read from which format. `docs/sources/README.md` shows this table, and a test compares the two."""

from __future__ import annotations

COLUMNS = ("unit", "direction and surface", "scale, offset", "several of them", "grid point or area")

_CRS = "vertical CRS"
_NOTE = "`.aux.xml`"
_PRJ = "`.prj`: VERTCS, Zunits"

READ: dict[str, tuple[str, ...]] = {
    "GTiff": (
        f"band unit, {_CRS}, VerticalUnits key, tags",
        f"{_CRS}, tags `positive`, `standard_name`",
        "band scale and offset",
        "pages: refused",
        "AREA_OR_POINT",
    ),
    "netCDF": (
        "`units` of the variable",
        "`positive`, `standard_name`",
        "`scale_factor`, `add_offset`",
        "variables: refused",
        "coordinates are centres",
    ),
    "SRTMHGT": ("metres", "up, the geoid", _NOTE, "one", "grid points"),
    "DTED": ("metres", "up, sea level", _NOTE, "one", "grid points"),
    "USGSDEM": ("elevation unit of the header", "up", "resolution of the header", "one", "grid points"),
    "ENVI": (f"{_CRS}, {_PRJ}, {_NOTE}", f"{_CRS}, {_PRJ}", "gain, offset of the header", "bands: refused", "map info"),
    "EHdr": (f"{_PRJ}, {_NOTE}", _PRJ, _NOTE, "bands: refused", "ULXMAP is a centre"),
    "AAIGrid": (f"{_PRJ}, {_NOTE}", _PRJ, _NOTE, "one", "corner or centre"),
    "GRASSASCIIGrid": (f"{_PRJ}, {_NOTE}", _PRJ, _NOTE, "one", "area"),
    "HFA": (f"{_CRS}, {_PRJ}, {_NOTE}", f"{_CRS}, {_PRJ}", _NOTE, "layers: refused", "map info is a centre"),
    "JP2OpenJPEG": (f"{_CRS}, {_NOTE}", _CRS, _NOTE, "bands: refused", "AREA_OR_POINT"),
    "PNG": (_NOTE, _PRJ, _NOTE, "bands: refused", "world file is a centre"),
}
"""Format to what is read for each of `COLUMNS`. A unit, a direction or a scale that nothing states is metres, up, 1."""


def markdown() -> str:
    """The table as the page shows it."""
    lines = [f"| format | {' | '.join(COLUMNS)} |", "|" + "---|" * (len(COLUMNS) + 1)]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in READ.items()]
    return "\n".join(lines)
