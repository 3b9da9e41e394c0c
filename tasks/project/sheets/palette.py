"""The colours that stand at the border of a scan and not in its middle: what may lie off the sheet.

A scanner's lid, a board under the sheet, a colour chart and the empty canvas of a picture file have colours that the
sheet does not have. Paper, printed margins and ink stand at the border of a scan too, but also in its middle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter

RING = 3  # pixels from the border of the reduced scan that count as its border
_BIN = 4  # Lab units (OpenCV's, 0..255) of a bin of the histogram in which the most frequent colour is looked for
_NEAR = (14, 8, 8)  # Lab units from the most frequent colour within which a colour's middle and spread are measured
_REACH = (7.0, 22.0), (4.5, 12.0), (4.5, 12.0)  # least and most distance from the middle of a colour, by channel
_EXACT = (3.0, 2.5, 2.5)  # the same for a colour without any spread: the empty canvas of a file
_SHARE = 0.03  # of the border; rarer colours are ink
_SHARE_INSIDE = 0.05  # of the middle; rarer colours do not say what the sheet looks like
_APART = 10.0  # Lab units in one channel; a smaller difference from a colour of the sheet is a shade of it
_SOLID = np.ones((5, 5), np.uint8)  # dark areas in which no such square fits are ink, and no surroundings
_MOST = 5  # colours
_FOREIGN = 0.03  # of the middle of the scan; a colour with more of it belongs to the sheet
_RARER = 8.0  # times rarer in the middle than at the border must a colour be that is off the sheet


@dataclass(frozen=True)
class Tone:
    """A colour with its spread.

    `middle` and `reach` in OpenCV's 8-bit Lab, `share` of the pixels looked at.

    `apart` is the largest difference in one channel from the nearest colour of the sheet.
    """

    middle: tuple[float, float, float]
    reach: tuple[float, float, float]
    share: float
    apart: float = 0.0

    def of(self, lab: np.ndarray) -> np.ndarray:
        """Which pixels of a Lab picture (H, W, 3) have this colour, bool (H, W)."""
        return cv2.inRange(lab, *_limits(self.middle, self.reach)) > 0


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """RGB to OpenCV's 8-bit Lab, after a median of 3×3 pixels, which removes grain and hairlines."""
    return cv2.cvtColor(cv2.medianBlur(rgb, 3), cv2.COLOR_RGB2LAB)


def border_tones(lab: np.ndarray, known: np.ndarray) -> list[Tone]:
    """The frequent colours of the border, the most frequent first.

    Args:
        lab: picture from `to_lab`. known: which pixels count; the border is a rim inside them.
    """
    inner = cv2.erode(known.astype(np.uint8), np.ones((2 * RING + 1, 2 * RING + 1), np.uint8), borderValue=0) > 0
    return _tones(lab[known & ~inner], _SHARE)


def lightness(lab: np.ndarray) -> float:
    """Median lightness of the middle of the scan, in OpenCV's 8-bit Lab."""
    return float(np.median(lab[_thirds(lab)][..., 0]))


def _thirds(lab: np.ndarray) -> tuple[slice, slice]:
    rows, cols = lab.shape[:2]
    return slice(rows // 3, rows - rows // 3), slice(cols // 3, cols - cols // 3)


def foreign_tones(lab: np.ndarray, known: np.ndarray) -> list[Tone]:
    """The frequent colours of the border that the middle of the scan does not have, the most frequent first.

    Args:
        lab: picture from `to_lab`. known: which pixels have a value.
    """
    thirds = _thirds(lab)
    middle = lab[thirds]
    level = lightness(lab)
    ours = [tone for tone in _tones(middle[known[thirds]], _SHARE_INSIDE) if _inside(tone, middle, level) > _FOREIGN]
    sheet = np.array([tone.middle for tone in ours])
    found = []
    for tone in border_tones(lab, known):
        inside = _inside(tone, middle, level)
        apart = float(np.abs(sheet - np.array(tone.middle)).max(axis=1).min()) if len(sheet) else np.inf
        if inside < _FOREIGN and inside * _RARER < tone.share and apart >= _APART:
            found.append(replace(tone, apart=apart))
    return found


def _inside(tone: Tone, middle: np.ndarray, level: float) -> float:
    """Share of a colour in the middle of the scan. Ink is dark and thin, so dark colours count in solid areas only."""
    here = tone.of(middle).astype(np.uint8)
    if tone.middle[0] < level:
        here = cv2.morphologyEx(here, cv2.MORPH_OPEN, _SOLID)
    return float(here.mean())


def _tones(pixels: np.ndarray, least: float) -> list[Tone]:
    """The frequent colours of pixels (N, 3), the most frequent first; each has a share of at least `least`."""
    pixels = pixels.astype(np.int32)
    found, total = [], len(pixels)
    while total and len(pixels) >= least * total and len(found) < _MOST:
        near = _within(pixels, _peak(pixels), _NEAR)
        centre = np.median(pixels[near], axis=0)
        spread = np.median(np.abs(pixels[near] - centre), axis=0)
        reach = _EXACT if not spread.any() else tuple(np.clip(4 * spread + 3, *np.transpose(_REACH)).tolist())
        centre = tuple(centre.tolist())
        members = _within(pixels, centre, reach)
        share = float(members.sum() / total)
        if share < least:
            break
        found.append(Tone(centre, reach, share))
        pixels = pixels[~members]
    return found


def _limits(middle: tuple[float, ...], reach: tuple[float, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    low = tuple(int(np.clip(np.ceil(m - r), 0, 255)) for m, r in zip(middle, reach, strict=True))
    return low, tuple(int(np.clip(np.floor(m + r), 0, 255)) for m, r in zip(middle, reach, strict=True))


def _within(pixels: np.ndarray, centre: tuple[float, ...], reach: tuple[float, ...]) -> np.ndarray:
    return (np.abs(pixels - np.asarray(centre)) <= np.asarray(reach)).all(axis=1)


def _peak(pixels: np.ndarray) -> tuple[float, float, float]:
    """Middle of the fullest bin of a smoothed histogram."""
    side = 256 // _BIN
    q = pixels // _BIN
    counts = np.bincount((q[:, 0] * side + q[:, 1]) * side + q[:, 2], minlength=side**3)
    smooth = gaussian_filter(counts.reshape(side, side, side).astype(np.float32), (1.5, 0.8, 0.8), mode="constant")
    return tuple(float(i * _BIN + _BIN / 2) for i in np.unravel_index(int(smooth.argmax()), smooth.shape))
