"""What is found on each scan: its sheet's edge, its squares or why there are none, and a thumbnail."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageDraw

from tasks.project.params import Params
from tasks.project.sheets.edge import LOOKED_AT
from tasks.project.sheets.gutter import gutters
from tasks.project.sheets.palette import to_lab
from tasks.project.sheets.picture_frame import find_frame
from tasks.project.sheets.read import read_reduced, to_side
from tasks.project.sheets.sheet import find_sheet
from tasks.project.sheets.squares import Place, place_squares

THUMB = 220
"""Longer side of a thumbnail in pixels."""

_TOGETHER = 4  # scans that one task looks at
_SAMPLES = 1.5  # pixels of the reduced scan, at least, for a pixel of a scene
_COLORS = {"edge": (214, 40, 40), "square": (20, 120, 190)}


@dataclass(frozen=True)
class Scan:
    """A picture of the ledger. `words` seed its random squares."""

    key: str
    path: str
    procedural: bool
    dropped: bool
    words: tuple[int, ...]

    @property
    def name(self) -> str:
        """The key as a file name. It depends on no other key: a key that had to be changed gets some of its hash."""
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(self.key).with_suffix("").as_posix()).strip("-") or "scan"
        return plain[:80] + "-" + sha256(self.key.encode()).hexdigest()[:6]

    @property
    def region(self) -> str:
        """The folder of the file."""
        return PurePosixPath(self.key).parent.name or "pictures"


@dataclass(frozen=True)
class Square:
    """A scene to make: a place on a scan, read with a longer side of at least `read_px` pixels."""

    scan: Scan
    place: Place
    read_px: int
    pixels: int

    @property
    def name(self) -> str:
        """Name of the scene."""
        return f"{self.scan.name}-{self.place.name}"


@dataclass(frozen=True)
class Found:
    """One scan after the survey.

    Attributes:
        squares: scenes to make; empty where the scan is refused or dropped.
        refused: why it has no squares, or None.
        edges: sides of the sheet that are not the scan's border.
        stretch: ratio of the sides of a whole sheet that is stretched to a square; 1 without.
        thumb: a JPEG, with the edge and the squares drawn in.
    """

    scan: Scan
    squares: tuple[Square, ...]
    refused: str | None
    edges: tuple[str, ...]
    stretch: float
    thumb: bytes


def together(scans: Sequence[Scan]) -> list[tuple[Scan, ...]]:
    """The scans in parts for `survey`."""
    return [tuple(scans[start : start + _TOGETHER]) for start in range(0, len(scans), _TOGETHER)]


def survey(scans: tuple[Scan, ...], params: Params) -> list[Found]:
    """Look at some scans."""
    return [_look(scan, params) for scan in scans]


def _look(scan: Scan, params: Params) -> Found:
    try:
        picture = to_side(read_reduced(Path(scan.path), LOOKED_AT), LOOKED_AT)
    except ValueError as error:
        return Found(scan, (), str(error), (), 1.0, _blank())
    if not picture.known.any():
        return Found(scan, (), "it is transparent everywhere", (), 1.0, _blank())
    find = find_sheet if params.method == "sheets" else find_frame
    edge = find(picture.rgb, picture.known)
    if params.method == "sheets" and params.squares.gutters:
        lightness = to_lab(picture.rgb)[..., 0]
        edge = replace(edge, off=edge.off | gutters(lightness, edge.off, edge.angle))
    places: list[Place] = []
    reason = "dropped by hand" if scan.dropped else edge.problem
    if reason is None:
        least = params.scene_px / params.max_upsample
        rng = partial(_rng, scan.words)
        places = place_squares(edge, picture.scale, least, params.squares, rng)
        if not places:
            reason = (
                f"too small: the largest square on the sheet has fewer than {least:.0f} pixels a side, "
                f"scene_px {params.scene_px} / max_upsample {params.max_upsample:g}"
            )
    finest = min((min(place.width, place.height) for place in places), default=1.0)
    longest = max(picture.cols, picture.rows)
    read_px = min(longest, int(np.ceil(_SAMPLES * params.scene_px * longest / finest)))
    squares = tuple(Square(scan, place, read_px, params.scene_px**2) for place in places)
    stretch = max((max(p.width, p.height) / min(p.width, p.height) for p in places), default=1.0)
    thumb = _thumb(picture.rgb, edge.corners, places, longest, params.method == "sheets")
    return Found(scan, squares, reason, edge.sides, stretch, thumb)


def _rng(words: tuple[int, ...], number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([*words, number]))


def _thumb(rgb: np.ndarray, corners: np.ndarray, places: list[Place], longest: int, outlined: bool) -> bytes:
    image = Image.fromarray(rgb)
    image.thumbnail((THUMB, THUMB), Image.Resampling.BOX)
    draw = ImageDraw.Draw(image)
    scale = max(image.size) / longest
    for place in places:
        points = [tuple(point) for point in place.corners() * scale]
        draw.line([*points, points[0]], fill=_COLORS["square"], width=1)
    if outlined:
        points = [tuple(point) for point in corners * (np.array(image.size) - 1)]
        draw.line([*points, points[0]], fill=_COLORS["edge"], width=2)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _blank() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (THUMB, THUMB), (225, 225, 225)).save(out, "JPEG", quality=85)
    return out.getvalue()
