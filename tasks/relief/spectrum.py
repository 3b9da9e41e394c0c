"""Power spectra of heights, and noise with a given spectrum.

The spectrum of natural relief is close to a power law, P(f) ∝ f^-β, with β near 2H + 2 for a surface with the Hurst
exponent H (Turcotte 1997, Fractals and Chaos in Geology and Geophysics, chapter 7). The spectrum does not contain the
phases, which determine valleys and ridges. Noise with the right spectrum is therefore a control: a terrain metric must
distinguish it from terrain.
"""

from __future__ import annotations

import numpy as np

LOWEST_RING = 3
"""First ring of the fit of a power law. The main lobe of the Hann window is four rings wide and spreads each ring over
its neighbours. Detrending removes power from the first two rings."""

FLOOR = 0.01
"""Standard deviation in metres of white noise that is added to each spectrum, so that level tiles have a logarithm. It
is a tenth of the finest step of published heights."""


def radial_power(height: np.ndarray, gsd: float) -> tuple[np.ndarray, np.ndarray]:
    """Compute the radially averaged power spectral density of each tile.

    Args:
        height: (..., S, S) metres without NaN, S at least 16.
        gsd: metres a pixel.

    Returns:
        frequency: float64 (S // 2,) in cycles per metre, 1 to S // 2 cycles a tile.
        power: float64 (..., S // 2) in m² · m² (variance per unit area of frequency). White noise with variance v
        has the power v · gsd² in all rings.

    Raises:
        ValueError: the tiles are not square or too small.
    """
    h = np.asarray(height, np.float64)
    side = h.shape[-1]
    if h.ndim < 2 or h.shape[-2] != side or side < 16:
        raise ValueError(f"radial_power: heights must be square and 16 pixels a side or more, not {h.shape[-2:]}")
    # A plane across the tile and the jump between opposite edges would leak into every frequency.
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(side) + 0.5) / side)
    window = window[:, None] * window
    spectrum = np.abs(np.fft.rfft2(detrend(h) * window)) ** 2 * (gsd**2 / (window**2).sum())

    rows, cols = np.fft.fftfreq(side, 1 / side)[:, None], np.fft.rfftfreq(side, 1 / side)
    ring = np.rint(np.hypot(rows, cols)).astype(int)
    # rfft2 returns half of a symmetric plane, so each inner column counts twice.
    weight = np.where((cols > 0) & (cols < side / 2), 2.0, 1.0) * np.ones_like(rows)
    take = [np.flatnonzero(ring == k) for k in range(1, side // 2 + 1)]
    flat = spectrum.reshape(*spectrum.shape[:-2], -1)
    power = np.stack([flat[..., k] @ (weight.ravel()[k] / weight.ravel()[k].sum()) for k in take], axis=-1)
    return np.arange(1, side // 2 + 1) / (side * gsd), power


def detrend(height: np.ndarray) -> np.ndarray:
    """Subtract the least-squares plane of each tile: (..., S, S) metres to float64 (..., S, S)."""
    h = np.asarray(height, np.float64)
    ramp = np.arange(h.shape[-1]) - (h.shape[-1] - 1) / 2
    ramp /= np.sqrt((ramp**2).sum() * len(ramp))  # unit norm over the tile; mean, x and y are orthogonal on a grid
    h = h - h.mean(axis=(-2, -1), keepdims=True)
    east = (h @ ramp).sum(axis=-1)[..., None, None] * ramp
    south = (np.swapaxes(h, -1, -2) @ ramp).sum(axis=-1)[..., None, None] * ramp[:, None]
    return h - east - south


def power_law(frequency: np.ndarray, power: np.ndarray, gsd: float) -> tuple[np.ndarray, np.ndarray]:
    """Fit a line to log power against log frequency by least squares, from `LOWEST_RING` up.

    Args:
        frequency, power: as `radial_power` returns them.
        gsd: metres a pixel.

    Returns:
        slope: float64 (...), the exponent -β (white noise 0, relief about -4 to -3).
        residual: float64 (...), root mean square of the residuals, in natural logarithms.
    """
    x = np.log(frequency[LOWEST_RING - 1 :])
    y = np.log(power[..., LOWEST_RING - 1 :] + (FLOOR * gsd) ** 2)
    x, y = x - x.mean(), y - y.mean(axis=-1, keepdims=True)
    slope = (y @ x) / (x @ x)
    return slope, np.sqrt(((y - slope[..., None] * x) ** 2).mean(axis=-1))


def octave_shares(power: np.ndarray, gsd: float) -> np.ndarray:
    """Return the natural logarithm of the share of each octave in the variance, float64 (..., 4).

    The four octaves hold wavelengths of 32 to 16, 16 to 8, 8 to 4 and 4 to 2 pixels.

    Args:
        power: (..., R) as `radial_power` returns it.
        gsd: metres a pixel.
    """
    rings = power.shape[-1]
    k = np.arange(1, rings + 1)
    variance = (power + (FLOOR * gsd) ** 2) * k  # the number of modes in a ring is proportional to its radius
    edges = rings / 2.0 ** np.arange(4, -1, -1)
    bands = [variance[..., (k > low) & (k <= high)].sum(axis=-1) for low, high in zip(edges, edges[1:], strict=False)]
    return np.log(np.stack(bands, axis=-1) / variance.sum(axis=-1, keepdims=True))


def spectral_noise(power: np.ndarray, gsd: float, rng: np.random.Generator, rounds: int = 4) -> np.ndarray:
    """Return noise with random phases for each spectrum; the `radial_power` of the noise is that spectrum.

    Args:
        power: (N, R) as `radial_power` returns it for tiles with 2 R pixels a side.
        gsd: metres a pixel.
        rounds: number of corrections of the amplitudes. Window, detrending and chance change the measured spectrum of a
            finite field; each round divides by the remaining error.

    Returns:
        float64 (N, 2 R, 2 R) metres, detrended. Each tile is cut from a field of twice the side, so opposite edges do
        not match. Below the first ring the power is constant, as in relief at distances longer than its hills. In the
        corners above the Nyquist frequency the power law continues.
    """
    side, floor = 2 * power.shape[-1], (FLOOR * gsd) ** 2
    frequency = np.arange(1, side // 2 + 1) / (side * gsd)
    beyond = power_law(frequency, power, gsd)[0]
    rows, cols = np.fft.fftfreq(2 * side, gsd)[:, None], np.fft.rfftfreq(2 * side, gsd)
    radius = np.log(np.maximum(np.hypot(rows, cols), frequency[0] / 2))
    known = np.log(frequency)
    corner = np.maximum(radius - known[-1], 0)
    out = np.empty((len(power), side, side))
    for index, target in enumerate(np.log(power + floor)):
        phases = np.fft.rfft2(rng.standard_normal((2 * side, 2 * side)))
        phases /= np.abs(phases) * gsd / (2 * side)  # phases of white noise with variance 1, which are Hermitian
        phases[0, 0] = 0
        asked = target
        for left in range(rounds, -1, -1):
            amplitude = np.exp((np.interp(radius, known, asked) + beyond[index] * corner) / 2)
            field = detrend(np.fft.irfft2(phases * amplitude, s=(2 * side, 2 * side))[:side, :side])
            if left:
                asked = asked + target - np.log(radial_power(field, gsd)[1] + floor)
        out[index] = field
    return out
