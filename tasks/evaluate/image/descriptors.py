"""One vector of plain numbers for each RGB picture: colours, texture and layout.

The numbers need no network and no ground distance. A distance between their distributions is not an FID and must not
be called FID. All numbers are finite for every picture, also for a picture of one colour. Spreads and energies are
logarithms, so a few busy pictures do not dominate a distance.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

CHUNK = 64  # pictures described at once; bounds memory
BANDS = (0.7, 1.4, 2.8, 5.6)  # standard deviations in pixels; the difference of two neighbours is a band of one octave
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def describe(pictures: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Describe pictures.

    Args:
        pictures: uint8 (N, S, S, 3), S at least 16.

    Returns:
        float64 (N, D), all finite, and the D names.

    Raises:
        ValueError: wrong shape or type.
    """
    if pictures.ndim != 4 or pictures.shape[-1] != 3 or pictures.dtype != np.uint8:
        raise ValueError(f"describe: pictures must be uint8 (N, S, S, 3), got {pictures.dtype} {pictures.shape}")
    parts = [_columns(pictures[start : start + CHUNK]) for start in range(0, len(pictures), CHUNK)]
    names = list(parts[0])
    return np.concatenate([np.stack([part[name] for name in names], axis=1) for part in parts]), names


def _columns(pictures: np.ndarray) -> dict[str, np.ndarray]:
    rgb = pictures.astype(np.float64)
    luma = rgb @ LUMA
    return {**_colors(rgb, luma), **_texture(luma), **_layout(luma)}


def _colors(rgb: np.ndarray, luma: np.ndarray) -> dict[str, np.ndarray]:
    """Means, spreads and quantiles of lightness and of the two opponent colours."""
    red, green, blue = np.moveaxis(rgb, -1, 0)
    bands = {"luma": luma, "red_green": red - green, "yellow_blue": (red + green) / 2 - blue}
    out = {f"mean_{name}": band.mean(axis=(1, 2)) for name, band in bands.items()}
    out |= {f"ln_spread_{name}": np.log1p(band.std(axis=(1, 2))) for name, band in bands.items()}
    quantiles = np.quantile(luma, (0.05, 0.25, 0.75, 0.95), axis=(1, 2))
    out |= {f"luma_q{share}": values for share, values in zip(("05", "25", "75", "95"), quantiles, strict=True)}
    out["ln_saturation"] = np.log1p((rgb.max(axis=-1) - rgb.min(axis=-1)).mean(axis=(1, 2)))
    # The square root spreads small shares over a wider range.
    out["root_dark"] = np.sqrt((luma < 16).mean(axis=(1, 2)))
    out["root_bright"] = np.sqrt((luma > 239).mean(axis=(1, 2)))
    for name in ("red_green", "yellow_blue"):
        out[f"luma_with_{name}"] = _correlation(luma, bands[name])
    return out


def _texture(luma: np.ndarray) -> dict[str, np.ndarray]:
    """Energy of each octave, gradients, their direction, and the decay of the autocorrelation."""
    smooth = [luma, *(gaussian_filter(luma, (0, sigma, sigma), mode="reflect") for sigma in BANDS)]
    out = {
        f"ln_octave_{number}": np.log1p((fine - coarse).std(axis=(1, 2)))
        for number, (fine, coarse) in enumerate(zip(smooth[:-1], smooth[1:], strict=True))
    }
    down, across = luma[:, 1:, :-1] - luma[:, :-1, :-1], luma[:, :-1, 1:] - luma[:, :-1, :-1]
    steep = np.hypot(down, across)
    mean, square = steep.mean(axis=(1, 2)), np.square(steep).mean(axis=(1, 2))
    out["ln_gradient"] = np.log1p(mean)
    out["ln_gradient_q95"] = np.log1p(np.quantile(steep, 0.95, axis=(1, 2)))
    out["ln_sparseness"] = np.log((square + 1) / (np.square(mean) + 1))
    energy = [np.square(part).mean(axis=(1, 2)) + 1 for part in (down, across)]
    out["ln_down_over_across"] = np.log(energy[0] / energy[1])
    xy = (down * across).mean(axis=(1, 2))
    out["coherence"] = np.hypot(energy[0] - energy[1], 2 * xy) / (energy[0] + energy[1])
    for lag in (1, 4):
        out[f"lag{lag}_down"] = _correlation(luma[:, lag:], luma[:, :-lag])
        out[f"lag{lag}_across"] = _correlation(luma[:, :, lag:], luma[:, :, :-lag])
    return out


def _layout(luma: np.ndarray) -> dict[str, np.ndarray]:
    """Layout: the difference of top and bottom (sky above ground), and the differences between the 16 parts."""
    count, side = luma.shape[0], luma.shape[1]
    cell = side // 4
    cells = luma[:, : 4 * cell, : 4 * cell].reshape(count, 4, cell, 4, cell)
    means, spreads = cells.mean(axis=(2, 4)), cells.std(axis=(2, 4))
    third = max(1, side // 3)
    return {
        "top_over_bottom": luma[:, :third].mean(axis=(1, 2)) - luma[:, -third:].mean(axis=(1, 2)),
        "middle_over_edge": means[:, 1:3, 1:3].mean(axis=(1, 2)) - means.mean(axis=(1, 2)),
        "ln_cells_differ": np.log1p(means.std(axis=(1, 2))),
        "ln_cells_busy_differ": np.log1p(spreads.std(axis=(1, 2))),
    }


def _correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation (N,) of two arrays (N, h, w) over their pixels; near 0 if one of them hardly varies."""
    a, b = (part - part.mean(axis=(1, 2), keepdims=True) for part in (one, other))
    power = [np.square(part).mean(axis=(1, 2)) for part in (a, b)]
    return (a * b).mean(axis=(1, 2)) / np.sqrt((power[0] + 1) * (power[1] + 1))
