"""Edges of sheets: against corners measured by hand on real scans, and on real sheets laid on beds of known place.

`measured_sheets.csv` holds the corners, clockwise from the top left, in pixels of each scan, read off enlarged corners
of the scan. Where `shared/realdata` does not lie beside the checkout, drawn sheets take the place of real ones.
"""

from __future__ import annotations

import csv
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from tasks.project.params import Squares
from tasks.project.sheets.edge import LOOKED_AT, Edge
from tasks.project.sheets.gutter import gutters
from tasks.project.sheets.palette import to_lab
from tasks.project.sheets.read import Reduced, read_reduced, to_side
from tasks.project.sheets.sheet import find_sheet
from tasks.project.sheets.squares import place_squares
from tests.conftest import REALDATA
from tests.project.scans import BEDS, Scan, draw_sheet, lay, worst_corner

MEASURED = Path(__file__).with_name("measured_sheets.csv")
MAPS = REALDATA / "maps"
EXTRAS = ({}, {"shadow": True}, {"chart": True}, {"torn": True}, {"shadow": True, "chart": True, "torn": True})
ROUNDS = 2  # sheets on each bed with each extra
LIGHT = 235  # a sheet with paper lighter than this is not laid on a white bed: nothing would tell them apart
TOY = {"BEDS": ("black",), "EXTRAS": ({},), "ROUNDS": 1, "MAPS": Path("nowhere")}


def run() -> list[tuple[str, str, str]]:
    """Distances of corners in shares of the sheet's longer side, and squares that show what lies off a sheet."""
    return [*_against_hand(), *_on_beds()]


def _against_hand() -> list[tuple[str, str, str]]:
    if not MAPS.is_dir():
        return []
    worst, seconds = [], []
    for row in csv.DictReader(MEASURED.open()):
        scan, edge, spent = _edge(MAPS / row["file"])
        true = np.array([[float(row[f"{axis}{i}"]) for axis in "xy"] for i in range(4)])
        shape = (scan.rows, scan.cols)
        worst.append(worst_corner(edge.corners, Scan(np.empty((*shape, 3), np.uint8), true, np.empty(shape, bool))))
        seconds.append(spent)
    refused = sum(_edge(path)[1].problem is not None for path in _pictures())
    within = sum(share <= 0.01 for share in worst)
    return [
        (f"edge of {len(worst)} real scans against corners measured by hand", f"{within} within 1 %", "all"),
        ("the worst corner of these, in shares of the longer side", f"{max(worst):.2%}", "≤ 1 %"),
        (f"scans refused of {len(_pictures())} real ones", f"{refused}", "0"),
        ("processor time to find an edge", f"{1000 * np.median(seconds):.0f} ms", ""),
    ]


def _on_beds() -> list[tuple[str, str, str]]:
    """Sheets that fill their scans, cut small and laid on beds, turned by up to 5°."""
    rng = np.random.default_rng(7)
    found = total = shown = squares = 0
    sheets = _sheets(rng)
    for _ in range(ROUNDS):
        for bed in BEDS:
            for extra in EXTRAS:
                sheet = sheets[total % len(sheets)]
                angle, margin = float(rng.uniform(-5, 5)), float(rng.uniform(0.02, 0.15))
                scan = lay(sheet, bed, rng, angle, margin, **extra)
                total += 1
                if bed in ("white", "cream") and np.percentile(sheet, 90) > LIGHT:
                    scan = lay(draw_sheet(rng, 640, 500), bed, rng, angle, margin, **extra)
                edge = find_sheet(scan.rgb, np.ones(scan.off.shape, bool))
                if edge.problem is not None:
                    continue
                found += worst_corner(edge.corners, scan) <= 0.01
                places = place_squares(edge, 1.0, 32, Squares(crops=4), partial(_generator, total))
                squares += len(places)
                shown += sum(_shows(place.corners(), scan.off) for place in places)
    what = f"{total} {'real' if MAPS.is_dir() else 'drawn'} sheets on {len(BEDS)} kinds of beds, turned by up to 5°"
    return [
        (f"edge of {what}", f"{found / total:.1%} within 1 %", "≥ 95 %"),
        (f"squares of these that show what lies off the sheet, of {squares}", f"{shown}", "0"),
    ]


def _generator(number: int, crop: int) -> np.random.Generator:
    return np.random.default_rng([number, crop])


def _edge(path: Path) -> tuple[Reduced, Edge, float]:
    scan = to_side(read_reduced(path, LOOKED_AT), LOOKED_AT)
    started = time.process_time()
    edge = find_sheet(scan.rgb, scan.known)
    gutters(to_lab(scan.rgb)[..., 0], edge.off, edge.angle)
    return scan, edge, time.process_time() - started


def _pictures() -> list[Path]:
    return sorted(path for path in MAPS.rglob("*") if path.suffix in (".jpg", ".png"))


def _sheets(rng: np.random.Generator) -> list[np.ndarray]:
    if not MAPS.is_dir():
        return [draw_sheet(rng)]
    sheets = []
    for path in _pictures():
        scan, edge, _ = _edge(path)
        if not edge.sides and edge.problem is None:
            share = 640 / max(scan.rgb.shape[:2])
            sheets.append(cv2.resize(scan.rgb, None, fx=share, fy=share, interpolation=cv2.INTER_AREA))
    return sheets


def _shows(corners: np.ndarray, off: np.ndarray) -> bool:
    """Whether a square holds a pixel that lies off the sheet."""
    inside = np.zeros(off.shape, np.uint8)
    cv2.fillConvexPoly(inside, np.rint(corners * 16 - 8).astype(np.int32), 1, shift=4)
    return bool((off & (inside > 0)).any())
