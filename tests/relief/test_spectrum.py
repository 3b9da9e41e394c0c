"""Spectra have the right units and slopes, and noise has the given spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.relief.spectrum import detrend, octave_shares, power_law, radial_power, spectral_noise

GSD = 30.0


def test_white_noise_has_its_variance_in_every_ring():
    heights = 7 * np.random.default_rng(1).standard_normal((400, 32, 32))
    frequency, power = radial_power(heights, GSD)
    # The first ring loses to detrending.
    assert power[:, 1:].mean(axis=0) == pytest.approx(np.full(15, 49 * GSD**2), rel=0.08)
    assert frequency == pytest.approx(np.arange(1, 17) / (32 * GSD))


@pytest.mark.parametrize("axis", [0, 1])
def test_a_wave_stands_in_its_own_ring(axis):
    wave = 10 * np.sin(2 * np.pi * 9 * np.arange(64) / 64)
    tile = np.broadcast_to(wave[:, None] if axis == 0 else wave, (64, 64))
    power = radial_power(tile, GSD)[1]
    assert power.argmax() == 8
    assert power[[7, 8, 9]].sum() > 0.98 * power.sum()  # the rest went with the plane that fits a sine


def test_parseval():
    """The rings sum to the variance under the window, without the corners, which white noise fills evenly."""
    heights = np.random.default_rng(2).standard_normal((200, 64, 64))
    frequency, power = radial_power(heights, GSD)
    ring_area = 2 * np.pi * frequency * (frequency[1] - frequency[0])
    disc = np.pi * (frequency[-1] + frequency[0] / 2) ** 2 * GSD**2
    assert (power @ ring_area).mean() == pytest.approx(disc, rel=0.03)


def test_tilt_and_altitude_do_not_change_the_spectrum():
    heights = np.random.default_rng(3).standard_normal((2, 32, 32))
    rows, cols = np.mgrid[:32, :32]
    tilted = heights + 4000 + 31.5 * rows - 12.25 * cols
    assert np.allclose(radial_power(tilted, GSD)[1], radial_power(heights, GSD)[1], rtol=1e-6)
    assert np.abs(detrend(4000 + 31.5 * rows - 12.25 * cols)).max() < 1e-9


@pytest.mark.parametrize("beta", [2.0, 3.5])
def test_the_exponent_of_a_power_law_comes_back(beta):
    frequency = np.arange(1, 33) / (64 * GSD)
    power = np.repeat(1e8 * (frequency / frequency[0])[None] ** -beta, 60, axis=0)
    slope, residual = power_law(frequency, power, GSD)
    assert slope == pytest.approx(-beta, abs=0.01) and residual.max() < 0.01
    noise = spectral_noise(power, GSD, np.random.default_rng(4), rounds=0)
    assert power_law(*radial_power(noise, GSD), GSD)[0].mean() == pytest.approx(-beta, abs=0.15)


def test_noise_has_the_spectrum_of_each_tile_and_none_of_its_shapes():
    frequency = np.arange(1, 33) / (64 * GSD)
    rng = np.random.default_rng(5)
    power = 1e7 * (frequency / frequency[0]) ** -rng.uniform(2, 4, (20, 1)) * rng.lognormal(0, 0.3, (20, 32))
    noise = spectral_noise(power, GSD, np.random.default_rng(6))
    assert noise.shape == (20, 64, 64)
    assert np.abs(np.log(radial_power(noise, GSD)[1] / power)).mean() < 0.12  # the window blurs the ripple
    assert not np.array_equal(noise[0], spectral_noise(power, GSD, np.random.default_rng(7))[0])
    # No wrapping: opposite edges differ like pixels far apart, not like neighbours.
    jump = np.abs(noise[:, :, 0] - noise[:, :, -1]).mean()
    assert jump > 3 * np.abs(np.diff(noise, axis=2)).mean()


def test_level_ground_has_a_logarithm():
    frequency, power = radial_power(np.full((2, 16, 16), 250.0), GSD)
    slope, residual = power_law(frequency, power, GSD)
    assert np.isfinite(octave_shares(power, GSD)).all()
    assert np.abs(slope).max() < 1e-6 and np.abs(residual).max() < 1e-6


def test_octaves_share_the_variance():
    heights = np.random.default_rng(8).standard_normal((50, 64, 64))
    shares = np.exp(octave_shares(radial_power(heights, GSD)[1], GSD)).mean(axis=0)
    assert shares.sum() == pytest.approx(1, abs=0.02)  # all but the first two rings
    assert shares[3] == pytest.approx(3 / 4, abs=0.03)  # white noise: in proportion to the area of each ring


@pytest.mark.parametrize("shape", [(8, 8), (32, 16), (32,)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="square and 16"):
        radial_power(np.zeros(shape), GSD)
