"""The map itself, layer by layer, each printed over the one before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from tasks.acquire.sources.sample.ground.noise import fractal
from tasks.acquire.sources.sample.ground.settlements import roads, settlements
from tasks.acquire.sources.sample.ground.streams import Stream, streams
from tasks.acquire.sources.sample.sheets import relief, symbols, water
from tasks.acquire.sources.sample.sheets.lettering import Page, turned, word
from tasks.acquire.sources.sample.sheets.neatline import Ground, graticule
from tasks.acquire.sources.sample.sheets.scripts import Script, name
from tasks.acquire.sources.sample.sheets.styles import Color, Style


@dataclass(frozen=True)
class Terrain:
    """Heights of the map: on the grid where streams and roads are found, and of every pixel."""

    coarse: np.ndarray
    height: np.ndarray
    spacing: float  # metres between the grid's points
    scale: float  # pixels between the grid's points


def printed(sheet: np.ndarray, ink: np.ndarray, color: Color, strength: float = 1.0) -> None:
    """Print ink (H, W), uint8 or from 0 to 1, over `sheet` float32 (H, W, 3): paper shines through."""
    share = np.asarray(ink, np.float32) * np.float32(strength / (255 if ink.dtype == np.uint8 else 1))
    sheet *= 1 - share[..., None] * (1 - np.array(color, np.float32) / 255)


def opaque(sheet: np.ndarray, ink: np.ndarray, color: Color | np.ndarray) -> None:
    """Cover `sheet` with a colour where `ink` is, uint8 (H, W)."""
    sheet += (np.asarray(color, np.float32) - sheet) * (ink[..., None] / np.float32(255))


def draw(
    sheet: np.ndarray, land: Terrain, ground: Ground, style: Style, script: Script, rng: np.random.Generator, seed: int
) -> Page:
    """Draw the map onto paper, float32 (H, W, 3); returns its lettering, which is not yet printed.

    The page knows where symbols stand, so that a title can be set into the map where it hides the least.
    """
    height, shape = land.height, land.height.shape
    blank = sheet.copy()
    sea = height < 0.4
    if "tints" in style.relief:
        sheet *= np.where(sea[..., None], 1, relief.tinted(height, style.tints) / np.float32(250))
    grown = _woods(height, shape, seed) & ~sea
    if style.forest:
        printed(sheet, gaussian_filter(grown.astype(np.float32), 0.8), style.forest)
    ink_water = water.sea_ink(sea, style.sea)
    printed(sheet, ink_water, style.water, 0.9)
    if "shading" in style.relief:
        printed(
            sheet,
            np.clip(relief.shading(height, ground.metres_px, 1.5), 0, 0.85),
            (118, 106, 100) if style.contour != style.ink else style.ink,
        )
    step = relief.interval(float(np.ptp(height)), 18)
    if "contours" in style.relief:
        printed(sheet, relief.contours(gaussian_filter(height, 1.2), step, 0.85), style.contour)
    if "hachures" in style.relief:
        printed(
            sheet,
            relief.hachures(height, relief.interval(float(np.ptp(height)), 22), ground.metres_px, rng),
            style.ink,
            0.8,
        )
    flow = streams(
        land.coarse + (land.coarse > 0) * 0.04 * step * fractal(land.coarse.shape, 10, 3, seed), least=110, smooth=1.2
    )
    printed(sheet, water.streams_ink(shape, flow, land.scale, seed), style.water)
    printed(sheet, water.coast(sea), style.water if style.sea == "wash" else style.ink, 0.9)
    page = Page(shape)
    culture = np.zeros(shape, np.uint8)
    if style.forest_glyphs:
        symbols.woods(culture, grown, rng, rng.random() < 0.5)
        printed(sheet, culture, style.ink, 0.75)
        culture[:] = 0
    if style.grid:
        graticule(culture, ground)
        printed(sheet, culture, style.ink, 0.5)
        culture[:] = 0
    _boundaries(sheet, culture, style, ~sea, seed)
    _people(sheet, blank, culture, page, land, flow, style, script, rng, seed)
    _stream_names(page, flow, land.scale, script, rng, seed)
    _region_names(page, sea, script, rng)
    symbols.heights(culture, page, script, height, 16)
    printed(sheet, culture, style.ink)
    return page


def _woods(height: np.ndarray, shape: tuple[int, int], seed: int) -> np.ndarray:
    share = (height - height.min()) / max(float(np.ptp(height)), 1.0)
    return fractal(shape, 130, 5, seed + 31, 0.55) - 1.1 * np.abs(share - 0.32) > 0.08


def _boundaries(sheet: np.ndarray, culture: np.ndarray, style: Style, land: np.ndarray, seed: int) -> None:
    lines = symbols.boundary(culture.shape, land, seed + 41)
    for found in lines:
        symbols.dashes(culture, found, 9, 6, 1, dot=True)
    if style.boundary and lines:
        ribbon = np.zeros(culture.shape, np.uint8)
        for found in lines:
            symbols.line(ribbon, found, 9)
        wash = (
            gaussian_filter(ribbon.astype(np.float32), 2.0)
            / 255
            * (0.8 + 0.25 * fractal(culture.shape, 40, 3, seed + 42))
        )
        printed(sheet, np.clip(wash, 0, 1), style.boundary, 0.8)


def _people(
    sheet, blank, culture, page: Page, land: Terrain, flow: list[Stream], style: Style, script: Script, rng, seed: int
) -> None:
    """Settlements, the roads and the railway between them, and their names."""
    wet = np.zeros(land.coarse.shape, bool)
    for stream in flow:
        at = np.round(stream.line).astype(int)
        wet[at[:, 1], at[:, 0]] = True
    towns = settlements(land.coarse, land.spacing, wet, int(rng.integers(9, 20)), 11, seed)
    ways = [water.bent(Stream(way, way[:, 0]), land.scale, seed + 5) for way in roads(land.coarse, land.spacing, towns)]
    casing, fill = np.zeros(culture.shape, np.uint8), np.zeros(culture.shape, np.uint8)
    for rank, way in enumerate(ways):
        main = rank % 3 == 0
        if style.railway and rank == 1:
            symbols.railway(culture, way)
        elif style.road and main:
            symbols.line(casing, way, 4)
            symbols.line(fill, way, 2)
        elif style.road:
            symbols.line(casing, way, 2, 150)
        else:
            symbols.line(casing, way, 1)
    printed(sheet, casing, style.ink)
    if style.road:
        opaque(sheet, fill, style.road)
    spots = towns * land.scale
    rings = np.zeros(culture.shape, np.uint8)
    reach = [symbols.town(culture, rings, page, col, row, rank, rng) for rank, (col, row) in enumerate(spots)]
    opaque(sheet, rings, blank)
    symbols.town_names(page, script, spots, reach, rng)


def _stream_names(
    page: Page, flow: list[Stream], scale: float, script: Script, rng: np.random.Generator, seed: int
) -> None:
    """Names along the longest streams, turned with their course."""
    for stream in sorted(flow, key=lambda one: -len(one.line))[:5]:
        line = water.bent(stream, scale, seed)
        text = word(script, name(script, rng, 2), 13, "slanted", 0.22)
        for share in (0.7, 0.5, 0.85, 0.35):
            at = int(share * (len(line) - 1))
            low, high = max(at - 30, 0), min(at + 30, len(line) - 1)
            dx, dy = line[high] - line[low]
            if dx < 0:
                dx, dy = -dx, -dy
            # The angle in whole degrees: an arc tangent's last bits must not matter.
            degrees = float(np.round(-np.degrees(np.arctan2(dy, max(dx, 1e-6)))))
            ink = turned(text, degrees)
            length = max((dx * dx + dy * dy) ** 0.5, 1e-6)
            x, y = line[at] + np.array([dy, -dx]) / length * 11
            if page.put(ink, x - ink.shape[1] / 2, y - ink.shape[0] / 2, 1):
                break


def _region_names(page: Page, sea: np.ndarray, script: Script, rng: np.random.Generator) -> None:
    """Wide names of the land, and of the sea where there is some."""
    rows, cols = sea.shape
    for of_sea, size, tries in ((True, 24, 14), (False, 26, 24), (False, 20, 24)):
        if of_sea and sea.mean() < 0.06:
            continue
        text = name(script, rng, 3 if rng.random() < 0.5 else 2)
        ink = word(
            script,
            text.upper() if script.capitals else text,
            size,
            "slanted" if of_sea else "upright",
            0.9 if not script.leftward else 0.0,
        )
        if not of_sea and rng.random() < 0.5:
            ink = turned(ink, float(rng.integers(-24, 25)))
        for _ in range(tries):
            col, row = rng.uniform(0.04, 0.96) * cols - ink.shape[1] / 2, rng.uniform(0.06, 0.9) * rows
            r, c = int(np.clip(row, 0, rows - 1)), int(np.clip(col + ink.shape[1] / 2, 0, cols - 1))
            if sea[r, c] == of_sea and page.put((ink * np.float32(0.85)).astype(np.uint8), col, row, 3):
                break
