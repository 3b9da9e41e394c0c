"""Scans of map sheets whose edges are known: a sheet is drawn, or given, and laid on a scanner's bed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

BEDS = ("black", "dark", "grey", "white", "cream", "wood", "cloth")


@dataclass(frozen=True)
class Scan:
    """A scan, uint8 (H, W, 3); its sheet's corners in pixels, clockwise from the top left; and what lies off it."""

    rgb: np.ndarray
    corners: np.ndarray
    off: np.ndarray


def draw_sheet(rng: np.random.Generator, cols: int = 520, rows: int = 400, paper=(236, 226, 204)) -> np.ndarray:
    """A map: paper with a margin, a double frame, land and sea, contours and lettering."""
    margin = int(0.05 * min(cols, rows))
    noise = cv2.GaussianBlur(rng.standard_normal((rows, cols)).astype(np.float32), (0, 0), min(cols, rows) / 9)
    noise /= np.abs(noise).max()
    sheet = np.empty((rows, cols, 3), np.float32)
    sheet[:] = paper
    sheet[noise < -0.1] = np.array(paper) * (0.82, 0.93, 1.0)
    sheet[noise > 0.35] = np.array(paper) * (0.95, 0.86, 0.7)
    contours = np.abs((noise * 14) % 1 - 0.5) < 0.06
    sheet[contours & (noise > -0.1)] = (150, 100, 60)
    sheet = sheet.astype(np.uint8)
    for text in range(12):
        at = (int(rng.integers(margin, cols - 80)), int(rng.integers(2 * margin, rows - margin)))
        cv2.putText(sheet, f"Mt {chr(65 + text)}orn", at, cv2.FONT_HERSHEY_COMPLEX_SMALL, 0.6, (40, 35, 30), 1)
    edge = np.zeros((rows, cols), bool)
    edge[:margin] = edge[-margin:] = edge[:, :margin] = edge[:, -margin:] = True
    sheet[edge] = paper
    for inset, width in ((margin, 2), (margin - 6, 1)):
        cv2.rectangle(sheet, (inset, inset), (cols - 1 - inset, rows - 1 - inset), (30, 28, 25), width)
    return np.clip(sheet + rng.normal(0, 2.5, sheet.shape), 0, 255).astype(np.uint8)


def bed(kind: str, rows: int, cols: int, rng: np.random.Generator) -> np.ndarray:
    """The surroundings, float32 (H, W, 3)."""
    base = {"black": 8, "dark": 46, "grey": 128, "white": 255}.get(kind, 0)
    out = np.full((rows, cols, 3), base, np.float32)
    if kind == "dark":  # light falls off to one side
        out += np.linspace(-14, 14, cols)[None, :, None] + rng.normal(0, 3, out.shape)
    elif kind == "black":
        out += rng.normal(0, 3, out.shape)
    elif kind == "grey":
        out += np.linspace(-10, 10, rows)[:, None, None] + rng.normal(0, 4, out.shape)
    elif kind == "cream":  # another paper, lighter than the sheet
        out[:] = (252, 249, 243)
        out += rng.normal(0, 1, out.shape)
    elif kind == "wood":
        grain = cv2.GaussianBlur(rng.standard_normal((rows, cols)).astype(np.float32), (0, 0), 40, sigmaY=1.5)
        out[:] = (120, 78, 44)
        out *= (1 + 0.25 * grain / grain.std()).clip(0.5, 1.5)[..., None]
    elif kind == "cloth":
        weave = np.indices((rows, cols)).sum(axis=0) % 4 < 2
        out[:] = (38, 70, 52)
        out += 12 * weave[..., None] + rng.normal(0, 5, out.shape)
    return out


def lay(
    sheet: np.ndarray,
    kind: str,
    rng: np.random.Generator,
    angle: float = 0.0,
    margin: float = 0.08,
    shadow: bool = False,
    chart: bool = False,
    torn: bool = False,
    page: bool = False,
) -> Scan:
    """Lay a sheet on a bed, turned clockwise by `angle` degrees, with `margin` of its longer side around it.

    Args:
        shadow: a soft shadow falls on the bed along the sheet. chart: a colour chart lies beside it.
        torn: a corner is missing. page: the next page of a book lies to the right, behind a dark gutter.
    """
    rows, cols = sheet.shape[:2]
    pad = int(margin * max(rows, cols)) + int(np.ceil(np.tan(np.radians(abs(angle))) * max(rows, cols) / 2))
    room = int(0.14 * rows) if chart else 0
    height, width = rows + 2 * pad + room, cols + 2 * pad
    turn = np.radians(angle)
    around = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array([width / 2, (height - room) / 2])
    box = np.array([[0, 0], [cols, 0], [cols, rows], [0, rows]], float)
    corners = (box - [cols / 2, rows / 2]) @ around.T + middle
    matrix = np.hstack([around, (middle - around @ [cols / 2, rows / 2])[:, None]])
    matrix[:, 2] += around @ [0.5, 0.5] - 0.5  # from pixel corners to pixel centres
    out = bed(kind, height, width, rng)
    alpha = np.ones((rows, cols), np.float32)
    if torn:
        cut = np.array(
            [[0, 0], [0.16 * cols, 0], [0.11 * cols, 0.06 * rows], [0.05 * cols, 0.1 * rows], [0, 0.15 * rows]]
        )
        cv2.fillPoly(alpha, [cut.astype(np.int32)], 0)
    cover = cv2.warpAffine(alpha, matrix, (width, height), flags=cv2.INTER_LINEAR)
    if shadow:
        soft = cv2.GaussianBlur(cover, (0, 0), 0.012 * max(rows, cols))
        out *= 1 - 0.45 * np.roll(soft, (4, 4), (0, 1))[..., None]
    if chart:
        top, step = height - room - pad // 3 + room // 4, int(0.05 * cols)
        for number, color in enumerate(
            ((200, 40, 40), (40, 160, 60), (40, 60, 180), (240, 220, 40), (245,) * 3, (120,) * 3)
        ):
            left = int(0.2 * width) + number * step
            out[top : top + room // 2, left : left + step] = color
    paint = cv2.warpAffine(
        sheet.astype(np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    out = out * (1 - cover[..., None]) + paint * cover[..., None]
    off = cover < 0.5
    if page:
        start = int(corners[:, 0].max())
        leaf = np.broadcast_to(np.median(sheet, axis=(0, 1)), (height, width - start, 3)).astype(np.float32).copy()
        for row in range(pad, height - pad, 9):
            leaf[row : row + 3, 12:] *= np.where(rng.random((1, leaf.shape[1] - 12, 1)) < 0.6, 0.4, 1)
        leaf *= 1 - 0.85 * np.exp(-np.arange(width - start) / 5)[None, :, None]
        out[pad // 2 : height - room - pad // 2, start:] = leaf[pad // 2 : height - room - pad // 2]
    return Scan(np.clip(np.rint(out), 0, 255).astype(np.uint8), corners, off)


def worst_corner(found: np.ndarray, scan: Scan) -> float:
    """Largest distance of a true corner from the nearest found one, as a share of the sheet's longer side."""
    rows, cols = scan.rgb.shape[:2]
    points = found * [cols, rows]
    longest = np.linalg.norm(scan.corners - np.roll(scan.corners, 1, axis=0), axis=1).max()
    away = np.linalg.norm(points[None] - scan.corners[:, None], axis=2).min(axis=1)
    return float(away.max() / longest)
