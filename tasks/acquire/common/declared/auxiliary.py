"""Published layers that lie beside elevation models and are none: errors, masks, counts, classes, by name or title."""

from __future__ import annotations

import re

_LAYERS = (
    (r"_(HEM|EDM|FLM|WBM|ACM)$", "Copernicus or TanDEM-X: height error, editing, filling, water or accuracy"),
    (r"^TDM1_.*_(AMP|AM2|WAM|COV|COM|LSM|IPM)$", "TanDEM-X: amplitude, water, coverage, consistency or shadow"),
    (r"^(ASTGTM|ASTWBD).*_(NUM|ATT)$", "ASTER: number of scenes, or water attributes"),
    (r"^(ALPSML|AW3D).*_(MSK|STK)$|_(MSK|STK)$", "ALOS: mask, or number of scenes"),
    (r"\.NUM$|(^|_)NUM(NC)?_[NS]\d\d[EW]\d{3}$", "SRTM or NASADEM: number or source of observations"),
    (r"\.(ERR|SWB|SLOPE|ASPECT|PLAN|PROF)$", "NASADEM: error, water, slope or curvature"),
    (r"SRTMSWBD", "SRTM: water bodies"),
    (r"^GEBCO.*_TID$|^GEBCO_\d{4}_TID", "GEBCO: type of source"),
    (
        r"^(ARCTICDEM|REMA|SETSM|\d\d_\d\d).*_(COUNT|COUNTMT|MAD|MINDATE|MAXDATE|MEDDATE|DATAMASK|BITMASK|MATCHTAG)$",
        "ArcticDEM or REMA: counts, spread, dates or masks",
    ),
)

_SLOPE = re.compile(r"(?<![a-z])(slope|slopes|slp|hangneigung|pente|pendiente)(?![a-z])")
_PLACE = re.compile(r"(?<![a-z])(north|south|east|west|eastern|western|continental)[ _-]*slopes?(?![a-z])")

_LONGEST = 40  # characters of a title; a sentence may speak of the accuracy of heights
_TITLE = re.compile(
    r"\b(slope|aspect|hill ?shade|curvature|roughness|uncertainty|error|accuracy|quality|mask|class(es)?|flags?"
    r"|standard deviation|std ?dev|number of|count|flow (direction|accumulation)|land cover)\b"
)


def auxiliary_name(name: str) -> str | None:
    """Which published layer a file of this name is; None where the name says nothing of the kind."""
    file = name.rsplit("/", 1)[-1].upper()
    stem = re.sub(r"\.(TIFF?|IMG|BIL|ASC|NC|HGT|ZIP|JP2|DT\d|DEM|RAW)$", "", file)
    for pattern, layer in _LAYERS:
        if re.search(pattern, stem):
            return layer
    return None


def named_slope(name: str) -> bool:
    """Whether a file's name has the word slope, and not as part of a place such as the North Slope."""
    stem = name.rsplit("/", 1)[-1].lower()
    return bool(_SLOPE.search(stem)) and not _PLACE.search(stem)


def auxiliary_title(*titles: str | None) -> str | None:
    """The title or description of a band that says what the band is instead of heights; None where none does."""
    for title in titles:
        if title and len(title) <= _LONGEST and _TITLE.search(title.lower().replace("_", " ")):
            return title
    return None
