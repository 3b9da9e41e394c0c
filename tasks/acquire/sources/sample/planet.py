"""A procedural planet: heights as a pure function of latitude, longitude and a seed.

It stands in where no measured elevation can be had, and is always named procedural. Everything is
noise on the unit sphere in three dimensions, so there is no seam at 180° and nothing special at a pole.

    continents   where is land, and how high does it lie           wavelengths 9000 to 300 km
    amplitude    how rough is it here: plains, hills, mountains     2500 to 150 km
    ranges       ridges and valleys, rougher where they are higher  60 to 0.7 km
    gullies      stripes that run down the slope found so far, and branch as they get finer
                 (the idea of directional erosion noise: cosines whose phase runs along the contour)
"""

from __future__ import annotations

import numpy as np

RADIUS = 6371.0  # km; turns a wavelength on the ground into a frequency on the unit sphere
_CHUNK = 1 << 15  # points worked on at a time, so that a chunk's temporaries stay in the processor's cache


def planet_height(lat: np.ndarray, lon: np.ndarray, seed: int, finest_km: float = 0.0) -> np.ndarray:
    """Heights in metres, float32, of the broadcast shape of `lat` and `lon` (degrees). Sea is 0.

    Waves shorter than `finest_km` are left out: on a coarse grid they would only be noise.
    """
    lat, lon = np.broadcast_arrays(np.asarray(lat, np.float64), np.asarray(lon, np.float64))
    out = np.empty(lat.size, np.float32)
    flat_lat, flat_lon = lat.ravel(), lon.ravel()
    for start in range(0, lat.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        out[part] = _height(sphere(flat_lat[part], flat_lon[part]), seed, finest_km)
    return out.reshape(lat.shape)


def sphere(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Points (3, n) of the unit sphere, from degrees (n,)."""
    phi, lam = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def _height(p: np.ndarray, seed: int, finest_km: float) -> np.ndarray:
    """Heights (n,) at points `p` (3, n) of the unit sphere."""
    shore = fbm(p, 9000.0, 9, seed, 0.56) - 0.06
    land = smoothstep(0.0, 0.12, shore)
    rough = fbm(p, 2500.0, 4, seed + 100, 0.55)
    belts = smoothstep(0.10, 0.42, rough) * land  # 0 in plains, 1 in mountain belts
    hills = smoothstep(-0.25, 0.25, rough)
    amplitude = land * (12 + 160 * hills**2 + 2300 * belts**1.3)
    plateau = 900 * smoothstep(0.12, 0.2, fbm(p, 1800.0, 7, seed + 200, 0.55)) * land

    ranges, slope = _ranges(p, seed + 300, finest_km)
    gullies = _gullies(p, slope, seed + 400, finest_km)
    # Low ground fills up instead of sinking without end: a valley has a floor.
    lifted = np.logaddexp(0, 3.5 * (ranges + 0.2)) / 3.5
    relief = lifted + 0.2 * gullies * (0.25 + 0.75 * smoothstep(-0.7, 0.1, ranges))
    height = 40 * land + 420 * smoothstep(0.0, 0.5, shore) + plateau + amplitude * relief
    # A coast, not a cliff: land rises from the shore line whatever the ranges do there.
    height = np.maximum(height, 1.0) * smoothstep(0.0, 0.04, shore)
    return np.where(shore > 0, np.maximum(height, 0.1), 0.0).astype(np.float32)


def _ranges(p: np.ndarray, seed: int, finest_km: float) -> tuple[np.ndarray, np.ndarray]:
    """Ridges and valleys in about -1..1, and their gradient (3, n) per kilometre.

    Each octave is damped by the slope that the coarser ones built up, so that flanks stay smooth and
    ridges and valley floors carry the detail, as in eroded land.
    """
    total = np.zeros(p.shape[1], np.float32)
    gradient = np.zeros_like(p, dtype=np.float32)
    weight = 1.0
    for octave, wavelength in enumerate((60.0, 28.0, 13.0, 6.1, 2.9, 1.4, 0.7)):
        if wavelength < finest_km:
            break
        value, slope = _noise(p, RADIUS / wavelength, seed + octave)
        if octave < 3:  # fold the coarse octaves: a crease along every zero line is a ridge
            fold = np.sqrt(value * value + np.float32(0.004))
            slope = -2 * slope * (value / fold)
            value = 0.55 - 2 * fold
        slope = slope / np.float32(wavelength)
        damp = weight / (1 + 0.9 * np.square(gradient * np.float32(9.0)).sum(0))
        total += damp * value
        gradient += damp * slope
        weight *= 0.47
    return total, gradient


def _gullies(p: np.ndarray, slope: np.ndarray, seed: int, finest_km: float) -> np.ndarray:
    """Stripes down the slope, in about -1..1: `slope` is the gradient (3, n) per kilometre."""
    total = np.zeros(p.shape[1], np.float32)
    normal = p.astype(np.float32)
    slope, weight = slope.copy(), 1.0
    for octave, wavelength in enumerate((7.0, 3.6, 1.8, 0.9)):
        if wavelength < finest_km:
            break
        slope -= normal * (slope * normal).sum(0)  # along the ground only
        along = np.cross(normal, slope, axis=0)  # the contour's direction: across it the stripes alternate
        steep = np.sqrt(np.square(along).sum(0)) + np.float32(1e-6)
        along /= steep
        strength = np.float32(weight) * smoothstep(0.0, 0.06, steep)
        wave, crest = _stripes(p, RADIUS / wavelength, along, seed + octave)
        total += strength * wave
        slope += (strength * np.float32(0.35 / wavelength)) * crest * along
        weight *= 0.55
    return total


def _stripes(p: np.ndarray, frequency: float, direction: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosines along `direction` (3, n) whose phase starts anew around every lattice point; value and derivative."""
    cell, local = _lattice(p, frequency)
    fade = local * local * (3 - 2 * local)
    cosine = np.zeros(p.shape[1], np.float32)
    sine = np.zeros_like(cosine)
    for corner in range(8):
        offset = (corner & 1, corner >> 1 & 1, corner >> 2 & 1)
        weight = np.ones_like(cosine)
        phase = _jitter(_hash(cell, offset, seed)) * np.float32(np.pi)
        for axis in range(3):
            weight *= fade[axis] if offset[axis] else 1 - fade[axis]
            phase += np.float32(2 * np.pi) * direction[axis] * (local[axis] - offset[axis])
        cosine += weight * np.cos(phase)
        sine -= weight * np.sin(phase)
    return cosine, sine


def fbm(p: np.ndarray, wavelength: float, octaves: int, seed: int, gain: float) -> np.ndarray:
    """Sum of noises, each of half the wavelength (km) and `gain` times the amplitude of the one before."""
    total = np.zeros(p.shape[1], np.float32)
    for octave in range(octaves):
        value, _ = _noise(p, RADIUS / wavelength * 2.03**octave, seed + octave, slopes=False)
        total += np.float32(gain**octave) * value
    return total


def _noise(p: np.ndarray, frequency: float, seed: int, slopes: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Gradient noise (n,) in about -1..1 and its derivative (3, n) by lattice units (Perlin 2002, quintic fade).

    Without `slopes` the derivative stays 0: it costs as much as the value.
    """
    cell, local = _lattice(p, frequency)
    fade = local**3 * (local * (local * 6 - 15) + 10)
    steep = 30 * np.square(local) * np.square(local - 1)
    value = np.zeros(p.shape[1], np.float32)
    slope = np.zeros_like(local)
    for corner in range(8):
        offset = (corner & 1, corner >> 1 & 1, corner >> 2 & 1)
        bits = _hash(cell, offset, seed)
        vector = [
            ((bits >> np.uint32(shift)) & np.uint32(1023)).astype(np.float32) * np.float32(2 / 1023) - 1
            for shift in (0, 10, 20)
        ]
        dot = sum(vector[axis] * (local[axis] - offset[axis]) for axis in range(3))
        sides = [fade[axis] if offset[axis] else 1 - fade[axis] for axis in range(3)]
        weight = sides[0] * sides[1] * sides[2]
        value += weight * dot
        if not slopes:
            continue
        for axis in range(3):
            others = sides[(axis + 1) % 3] * sides[(axis + 2) % 3]
            slope[axis] += weight * vector[axis] + (steep[axis] if offset[axis] else -steep[axis]) * others * dot
    return value * np.float32(1.5), slope * np.float32(1.5)


def _lattice(p: np.ndarray, frequency: float) -> tuple[np.ndarray, np.ndarray]:
    """Lattice cell (3, n) int32 and the place in it (3, n) float32; scaled in double, or far octaves would grain."""
    scaled = p * frequency
    floor = np.floor(scaled)
    return floor.astype(np.int32).view(np.uint32), (scaled - floor).astype(np.float32)


def _hash(cell: np.ndarray, offset: tuple[int, int, int], seed: int) -> np.ndarray:
    """32 well-mixed bits (n,) for each lattice point."""
    x, y, z = (cell[axis] + np.uint32(offset[axis]) for axis in range(3))
    bits = x * np.uint32(0x9E3779B1) ^ y * np.uint32(0x85EBCA77) ^ z * np.uint32(0xC2B2AE3D)
    bits ^= np.uint32((seed * 0x27D4EB2F) & 0xFFFFFFFF)
    bits ^= bits >> np.uint32(16)
    bits *= np.uint32(0x7FEB352D)
    bits ^= bits >> np.uint32(15)
    bits *= np.uint32(0x846CA68B)
    return bits ^ bits >> np.uint32(16)


def _jitter(bits: np.ndarray) -> np.ndarray:
    return (bits >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-23) - 1


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((x - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return t * t * (3 - 2 * t)
