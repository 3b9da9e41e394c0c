"""Descriptors: one vector of geomorphometric measures for each tile.

Generated and real terrain are compared by the distributions of these measures. All measures are finite for each tile
without voids, including level tiles. Measures that range over orders of magnitude are transformed with ln, ln(1 + x)
or asinh (a logarithm with a sign), so that a few large values do not dominate distances between distributions. Shares
of area are transformed with the square root. It spreads rare landforms, and differences are then those of the
Hellinger distance.
"""

from __future__ import annotations

import numpy as np

from tasks.relief.curvature import plan_curvature, profile_curvature
from tasks.relief.drainage import drainage
from tasks.relief.geomorphons import NAMES as LANDFORMS
from tasks.relief.geomorphons import geomorphons, landform_shares
from tasks.relief.roughness import tri
from tasks.relief.shade.slope import gradient
from tasks.relief.spectrum import octave_shares, power_law, radial_power

LOOKUP_PX = 8  # lookup distance of geomorphons: 0.7 km at 90 m, which covers most hills at this GSD
FLAT_DEG = 1.0  # the usual threshold of geomorphons; smaller angles count as level
ASPECTS = 8  # sectors centred on compass points, because rounded heights favour these directions
CHUNK = 64  # tiles described together, to limit memory; another size can change the last digit


def describe(heights: np.ndarray, gsd: float) -> tuple[np.ndarray, list[str]]:
    """Compute the descriptors of tiles.

    Args:
        heights: (N, S, S) metres without NaN, S at least 16.
        gsd: metres a pixel.

    Returns:
        float64 (N, D), all finite, and the names of the D descriptors.

    Raises:
        ValueError: the shape is wrong, or a height is NaN or infinite. Leave out tiles with voids.
    """
    heights = np.asarray(heights)
    if heights.ndim != 3 or not np.isfinite(heights).all():
        raise ValueError(f"describe: heights must be (N, S, S) and finite; got {heights.shape}")
    parts = [_columns(heights[start : start + CHUNK], gsd) for start in range(0, len(heights), CHUNK)]
    parts = parts or [_columns(np.zeros((1, *heights.shape[1:])), gsd)]
    names = list(parts[0])
    matrix = np.concatenate([np.stack([part[name] for name in names], axis=1) for part in parts])
    return matrix[: len(heights)], names


def _columns(heights: np.ndarray, gsd: float) -> dict[str, np.ndarray]:
    h = np.asarray(heights, np.float64)
    return {
        **_hypsometry(h),
        **_slopes(h, gsd),
        **_curvatures(h, gsd),
        **_roughness(h),
        **_spectrum(h, gsd),
        **_landforms(h, gsd),
        **_drainage(h, gsd),
        **_seams(h),
    }


def _hypsometry(h: np.ndarray) -> dict[str, np.ndarray]:
    low, high, mean = h.min(axis=(1, 2)), h.max(axis=(1, 2)), h.mean(axis=(1, 2))
    relief = high - low
    span = np.maximum(relief, 1.0)  # metres; below 1 m, the shape would be that of rounding errors
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    quantiles = np.quantile(h.reshape(len(h), -1), levels, axis=1)
    return {
        "relief": np.log1p(relief),
        "mean_height": np.arcsinh(mean / 10),
        # Elevation-relief ratio, which equals the area under the hypsometric curve (Pike & Wilson 1971).
        "hypsometric_integral": np.where(relief > 0, (mean - low) / span, 0.5),
        **{f"height_q{100 * q:02.0f}": (row - mean) / span for q, row in zip(levels, quantiles, strict=True)},
    }


def _slopes(h: np.ndarray, gsd: float) -> dict[str, np.ndarray]:
    dx, dy = gradient(h, gsd)
    slope = np.hypot(dx, dy).reshape(len(h), -1).astype(np.float64)
    levels = (0.1, 0.5, 0.9, 0.99)
    quantiles = np.log1p(100 * np.quantile(slope, levels, axis=1))  # ln(1 + percent)
    sector = np.rint(np.arctan2(dx, dy).reshape(len(h), -1) / (2 * np.pi / ASPECTS)).astype(int) % ASPECTS
    # Weighted by slope, because rounding errors determine the direction of nearly level ground.
    tile = np.arange(len(h))[:, None] * ASPECTS
    weight = np.bincount((sector + tile).ravel(), slope.ravel(), minlength=len(h) * ASPECTS).reshape(len(h), ASPECTS)
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    entropy = -(share * np.log(np.maximum(share, 1e-12))).sum(axis=1) / np.log(ASPECTS)
    return {**{f"slope_q{100 * q:02.0f}": row for q, row in zip(levels, quantiles, strict=True)}, "aspect": entropy}


def _curvatures(h: np.ndarray, gsd: float) -> dict[str, np.ndarray]:
    out = {}
    for name, curvature in (("profile", profile_curvature(h, gsd)), ("plan", plan_curvature(h, gsd))):
        for level in (0.05, 0.5, 0.95):
            value = np.quantile(curvature.reshape(len(h), -1), level, axis=1)
            out[f"{name}_q{100 * level:02.0f}"] = np.arcsinh(value.astype(np.float64) * 1000)  # radii in kilometres
    return out


def _roughness(h: np.ndarray) -> dict[str, np.ndarray]:
    ruggedness = tri(h).reshape(len(h), -1).astype(np.float64)
    return {
        "tri_mean": np.log1p(ruggedness.mean(axis=1)),
        "tri_q95": np.log1p(np.quantile(ruggedness, 0.95, axis=1)),
    }


def _spectrum(h: np.ndarray, gsd: float) -> dict[str, np.ndarray]:
    frequency, power = radial_power(h, gsd)
    slope, residual = power_law(frequency, power, gsd)
    octaves = octave_shares(power, gsd).T
    names = ("octave_32px", "octave_16px", "octave_8px", "octave_4px")
    return {"spectrum_slope": slope, "spectrum_residual": residual, **dict(zip(names, octaves, strict=True))}


def _landforms(h: np.ndarray, gsd: float) -> dict[str, np.ndarray]:
    shares = landform_shares(geomorphons(h, gsd, min(LOOKUP_PX, h.shape[-1] // 2), FLAT_DEG))
    return {f"landform_{name}": np.sqrt(column) for name, column in zip(LANDFORMS, shares.T, strict=True)}


def _drainage(h: np.ndarray, gsd: float) -> dict[str, np.ndarray]:
    # Without enough rivers, no law can be fitted. Such tiles get the exponent 0, which no river has.
    columns = {name: np.nan_to_num(column, nan=0.0) for name, column in drainage(h, gsd).items()}
    return {name: np.sqrt(column) if name.endswith("_fraction") else column for name, column in columns.items()}


def _seams(h: np.ndarray) -> dict[str, np.ndarray]:
    """Measure artefacts of convolutions: a different gradient at the rim, or at every second pixel."""
    across, down = np.abs(np.diff(h, axis=2)), np.abs(np.diff(h, axis=1))
    rim = np.concatenate([across[:, :, 0], across[:, :, -1], down[:, 0], down[:, -1]], axis=1).mean(axis=1)
    inside = (across[:, :, 1:-1].mean(axis=(1, 2)) + down[:, 1:-1].mean(axis=(1, 2))) / 2
    even = across[:, :, ::2].mean(axis=(1, 2)) + down[:, ::2].mean(axis=(1, 2))
    odd = across[:, :, 1::2].mean(axis=(1, 2)) + down[:, 1::2].mean(axis=(1, 2))
    centimetre = 0.01
    return {
        "rim_gradient": np.log((rim + centimetre) / (inside + centimetre)),
        "comb_gradient": np.log((even + centimetre) / (odd + centimetre)),
    }
