"""One sheet: paper, map, frame, title and margin, as it lies on a scanner."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter, uniform_filter

from tasks.acquire.sources.sample.ground.noise import grid_noise, stretch
from tasks.acquire.sources.sample.ground.places import Place, square
from tasks.acquire.sources.sample.planet import RADIUS
from tasks.acquire.sources.sample.sheets.draft import SIDE_M, draft
from tasks.acquire.sources.sample.sheets.draw import Terrain, draw, opaque, printed
from tasks.acquire.sources.sample.sheets.lettering import Page, word
from tasks.acquire.sources.sample.sheets.neatline import Box, Ground, centred, neat_line, north_arrow, scale_bar
from tasks.acquire.sources.sample.sheets.paper import paper, scan
from tasks.acquire.sources.sample.sheets.scripts import Script, number
from tasks.acquire.sources.sample.sheets.styles import Style

_GRID = 144
_BORDERS = ("black", "black", "none", "grey", "white")


def sheet(place: Place, longest: int, planet_seed: int) -> np.ndarray:
    """The scanned sheet of a place, uint8 (H, W, 3); its paper is `longest` pixels long."""
    rng = np.random.default_rng((place.seed, 3))
    plan = draft(place)
    style, script, year, title = plan.style, plan.script, plan.year, plan.title
    wide, tall = (longest, round(longest * rng.uniform(0.74, 0.86)))
    if rng.random() < 0.3:
        wide, tall = tall, wide
    margin = round(longest * rng.uniform(0.055, 0.075))
    head, foot = (margin, round(margin * 1.2)) if style.cartouche else (round(margin * 1.7), round(margin * 1.7))
    box = Box(margin, head, wide - 2 * margin, tall - head - foot)
    land, ground = _terrain(place, box, rng, planet_seed)
    age = float(np.clip((1960 - year) / 150 + rng.uniform(-0.3, 0.3), 0, 1))
    seed = place.seed % 65_521
    image = paper((tall, wide), style.paper, age, rng, seed)
    inside = slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)
    panel = image[inside]
    blank = panel.copy()
    page = draw(panel, land, ground, style, script, rng, seed)
    if style.cartouche:
        _cartouche(panel, blank, page, style, script, title, year, ground, rng)
    halo = gaussian_filter(maximum_filter(page.ink, 3).astype(np.float32), 0.8)
    opaque(panel, np.clip(halo * 0.62, 0, 255), blank)
    printed(panel, page.ink, style.ink)
    _margin(image, box, ground, style, script, title, year, rng)
    image *= 1 + 0.02 * grid_noise(image.shape[:2], 2, seed + 9)[..., None]
    border = _BORDERS[int(rng.integers(len(_BORDERS)))]
    degrees = round(float(rng.uniform(-3, 3)), 2) if border != "none" and rng.random() < 0.6 else 0.0
    return scan(np.clip(image, 0, 255).astype(np.uint8), border, degrees, rng, seed)


def _terrain(place: Place, box: Box, rng: np.random.Generator, planet_seed: int) -> tuple[Terrain, Ground]:
    """Heights of the map's rectangle; its longer side is the side of the square around the place."""
    side = SIDE_M * float(rng.uniform(0.55, 1.0))
    whole = square(np.array(place.lat), np.array(place.lon), side, _GRID, planet_seed)
    longer = max(box.width, box.height)
    rows, cols = (max(32, round(_GRID * size / longer)) for size in (box.height, box.width))
    top, left = (_GRID - rows) // 2, (_GRID - cols) // 2
    coarse = whole[top : top + rows, left : left + cols]
    spacing = side / (_GRID - 1)
    metres = side / longer
    degree = np.degrees(1 / (1000 * RADIUS))
    lon_px = round(float(degree * metres / np.cos(np.radians(place.lat))), 9)
    lat_px = round(float(degree * metres), 9)
    ground = Ground(place.lon - lon_px * box.width / 2, place.lat + lat_px * box.height / 2, lon_px, lat_px, metres)
    height = stretch(coarse, (box.height, box.width))
    return Terrain(coarse, height, spacing, (box.width - 1) / (cols - 1)), ground


def _cartouche(
    panel: np.ndarray,
    blank: np.ndarray,
    page: Page,
    style: Style,
    script: Script,
    title: str,
    year: int,
    ground: Ground,
    rng: np.random.Generator,
) -> None:
    """The title in a frame of its own, in the corner where it hides the least."""
    large = word(script, title.upper() if script.capitals else title, 30, "bold", 0.14 if not script.leftward else 0)
    words = script.words[int(rng.integers(len(script.words)))]
    second = word(script, f"{words[0]} {number(script, int(rng.integers(1, 90)))}", 17, "slanted")
    third = word(script, f"{words[2]} {number(script, year)}", 13)
    wide, tall = max(large.shape[1], second.shape[1], 150) + 44, large.shape[0] + second.shape[0] + third.shape[0] + 84
    rows, cols = page.ink.shape
    if wide > 0.7 * cols or tall > 0.6 * rows:
        return
    used = uniform_filter(page.taken.astype(np.float32), 9)
    corners = [(12, 12), (cols - wide - 12, 12), (12, rows - tall - 12), (cols - wide - 12, rows - tall - 12)]
    left, top = min(
        corners, key=lambda at: (round(float(used[at[1] : at[1] + tall, at[0] : at[0] + wide].mean()), 3), at)
    )
    place = slice(top, top + tall), slice(left, left + wide)
    panel[place] = blank[place]
    page.ink[place] = 0
    ink = np.zeros((tall, wide), np.uint8)
    for inset, thick in ((0, 2), (5, 1), (8, 1)):
        cv2.rectangle(ink, (inset, inset), (wide - 1 - inset, tall - 1 - inset), 255, thick)
    for x, y in ((5, 5), (wide - 6, 5), (5, tall - 6), (wide - 6, tall - 6)):
        cv2.circle(ink, (x, y), 8, 0, -1)
        cv2.circle(ink, (x, y), 8, 255, 1, cv2.LINE_AA)
        cv2.circle(ink, (x, y), 3, 255, -1, cv2.LINE_AA)
    own = Page((tall, wide))
    row = centred(own, large, wide / 2, 18)
    cv2.line(ink, (wide // 2 - 40, row + 6), (wide // 2 + 40, row + 6), 255, 1)
    row = centred(own, second, wide / 2, row + 13)
    row = centred(own, third, wide / 2, row + 9)
    probe, quiet = np.zeros_like(ink), Page((tall, wide))
    bar = scale_bar(probe, quiet, 24, tall - 16, ground, script)
    scale_bar(ink, own, max((wide - bar) // 2, 14), tall - 16, ground, script)
    page.ink[place] = np.maximum(ink, own.ink)
    page.taken[place] = True


def _margin(
    image: np.ndarray,
    box: Box,
    ground: Ground,
    style: Style,
    script: Script,
    title: str,
    year: int,
    rng: np.random.Generator,
) -> None:
    """Frame, degrees, and what is printed outside the frame."""
    ink, page = np.zeros(image.shape[:2], np.uint8), Page(image.shape[:2])
    neat_line(ink, page, box, ground, script, int(rng.integers(3)))
    words = script.words[int(rng.integers(len(script.words)))]
    middle, below = box.left + box.width / 2, box.top + box.height
    if not style.cartouche:
        centred(
            page,
            word(script, title.upper() if script.capitals else title, 27, "bold", 0.1 if not script.leftward else 0),
            middle,
            box.top - 62,
        )
        sheet_no = word(script, f"{words[0]} {number(script, int(rng.integers(1, 400)))}", 15)
        page.put(sheet_no, box.left + box.width - sheet_no.shape[1], box.top - 50, 0, force=True)
        page.put(word(script, f"{words[2]} {number(script, year)}", 12, "slanted"), box.left, below + 36, 0, force=True)
        bar = scale_bar(np.zeros_like(ink), Page(ink.shape), 0, 40, ground, script)
        scale_bar(ink, page, round(middle - bar / 2), below + 52, ground, script)
        ratio = round(ground.metres_px / 0.000127 / 5000) * 5000  # a scan of 200 dots an inch
        label = word(script, f"{words[1]} {number(script, 1)}:{number(script, ratio)}", 12)
        page.put(label, box.left + box.width - label.shape[1], below + 36, 0, force=True)
    elif rng.random() < 0.7:
        north_arrow(ink, round(box.left + box.width - 6), round(below + (image.shape[0] - below) * 0.62), 9)
    printed(image, ink, style.ink)
    printed(image, page.ink, style.ink)
