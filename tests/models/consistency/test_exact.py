import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from models.consistency.exact import agree, as_rough, with_known, with_means
from models.core.conditions import block_means

ACROSS = np.linspace(0, 1, 32)
SLOPE = 300 * ACROSS[None] + 100 * ACROSS[:, None]


def rough(seed, size=32):
    """A random surface with 1 / f² waves."""
    noise = np.fft.rfft2(np.random.default_rng(seed).standard_normal((size, size)))
    wave = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    return 400 * np.fft.irfft2(noise / np.maximum(wave, 1 / size) ** 2, (size, size)) / 1e3


def means(heights, side=8):
    return block_means(heights[None].astype(np.float32), side)[0]


def test_means_of_blocks_become_those_given_without_edges_of_blocks():
    heights, wanted = rough(1), means(rough(2))
    found = agree(heights, wanted, None)
    assert np.abs(means(found) - wanted).max() < 1e-4 * np.ptp(wanted)
    steps = np.abs(np.diff(found - heights, axis=1))  # of the correction, between neighbours
    at_edges, inside = steps[:, 7::8].mean(), np.delete(steps, np.s_[7::8], axis=1).mean()
    assert at_edges < 1.5 * inside
    crude = heights + np.repeat(np.repeat(wanted - means(heights), 8, axis=0), 8, axis=1)
    assert np.abs(np.diff(crude - heights, axis=1))[:, 7::8].mean() > 5 * at_edges


def test_a_block_without_a_mean_is_not_asked_for_one():
    wanted = means(rough(2))
    wanted[1, 2] = np.nan
    found = means(agree(rough(1), wanted, None))
    assert np.allclose(np.delete(found.ravel(), 6), np.delete(wanted.ravel(), 6), atol=1e-2)
    assert np.isfinite(found).all()


def test_known_pixels_keep_their_bits_and_no_step_appears_at_their_edge():
    truth = SLOPE.astype(np.float32)
    known = np.where(np.arange(32)[None] < 12, truth, np.nan)
    found = agree(SLOPE + 500, None, known)  # the right shape at the wrong height
    assert np.array_equal(found[:, :12].view(np.uint32), known[:, :12].astype(np.float32).view(np.uint32))
    assert np.abs(found - truth).max() < 1e-3


def test_a_hole_in_a_plane_becomes_the_plane_and_keeps_what_the_generator_made():
    known = SLOPE.copy()
    known[10:20, 8:25] = np.nan
    assert np.abs(with_known(np.zeros((32, 32)), known) - SLOPE).max() < 0.1 * np.diff(SLOPE).mean()
    bump = SLOPE.copy()
    bump[15, 15] += 50
    assert np.allclose(with_known(bump, known), bump, atol=1e-6)


@pytest.mark.parametrize("step", [5, 500])
def test_a_step_that_the_generator_makes_at_the_edge_is_gone(step):
    """Its heights count up to a constant, whatever they are at the known pixels."""
    truth, hole = rough(5), np.zeros((32, 32), bool)
    hole[9:21, 7:26] = True
    found = with_known(truth + step * hole, np.where(hole, np.nan, truth))
    assert np.allclose(found, with_known(truth, np.where(hole, np.nan, truth)), atol=1e-6)


def test_the_roughness_of_known_ground_goes_on_across_the_edge():
    """A smooth generator beside rough ground: the first steps from known to made pixels are as rough as the known."""
    ratios = []
    for seed in range(8):
        truth = rough(seed, 64)
        missing = np.broadcast_to(np.arange(64) >= 30, (64, 64))
        found = with_known(np.zeros((64, 64)), np.where(missing, np.nan, truth))
        bends = np.abs(np.diff(found, n=2, axis=1))  # that of number i is around column i + 1
        ratios.append(bends[:, 28:30].mean() / bends[:, 8:28].mean())
    assert 0.7 < np.mean(ratios) < 1.2


@pytest.mark.parametrize(("factor", "left"), [(0.5, 0.7), (2.0, 1.4), (10.0, 5.0), (1.0, 1.0)])
def test_roughness_becomes_the_geometric_mean_of_that_made_and_that_known_up_to_a_factor_of_two(factor, left):
    truth = rough(8, 64)
    missing = np.broadcast_to(np.arange(64) >= 30, (64, 64))
    smooth = gaussian_filter(truth, 2)
    found = as_rough(smooth + factor * (truth - smooth), np.where(missing, np.nan, truth))
    bends = np.square(np.diff(found, n=2, axis=1)).mean() / np.square(np.diff(truth, n=2, axis=1)).mean()
    assert np.sqrt(bends) == pytest.approx(left, rel=0.2)


def test_level_water_and_a_few_known_pixels_say_nothing_about_roughness():
    truth = rough(9)
    water = np.where(np.arange(32)[None] < 16, 0.0, np.nan) * np.ones((32, 1))
    assert as_rough(truth, water) is truth
    few = np.full((32, 32), np.nan)
    few[3:7, 3:7] = rough(10)[3:7, 3:7]
    assert as_rough(truth, few) is truth
    half_water = np.where(np.arange(32)[None] < 16, np.where(np.arange(32)[:, None] < 16, truth, -900.0), np.nan)
    assert np.abs(as_rough(truth, half_water) - truth).max() < 0.5 * np.ptp(truth - gaussian_filter(truth, 2))


@pytest.mark.parametrize("share", [0.02, 0.3])
def test_scattered_known_pixels_have_nothing_to_carry_on_and_move_the_ground_smoothly(share):
    truth = rough(6)
    known = np.where(np.random.default_rng(1).random(truth.shape) < share, truth, np.nan)
    found = with_known(truth + SLOPE, known)
    assert np.abs(found - truth).max() < 0.5 * np.ptp(SLOPE)


def test_both_at_once_pixels_exact_and_means_of_blocks_that_are_free():
    other = rough(3)
    known = np.where(np.arange(32)[None] < 16, other, np.nan).astype(np.float32)
    found = agree(rough(1), means(other), known)
    assert np.array_equal(found[:, :16], known[:, :16])
    assert np.abs(means(found) - means(other)).max() < 1e-3 * np.ptp(other)


@pytest.mark.parametrize("nothing", [None, np.full((4, 4), np.nan)])
def test_heights_stay_as_they_are_where_nothing_is_given(nothing):
    heights = rough(1).astype(np.float32)
    known = None if nothing is None else np.full((32, 32), np.nan)
    assert np.array_equal(agree(heights, nothing, known), heights)


def test_one_known_pixel_moves_all():
    known = np.full((32, 32), np.nan)
    known[3, 4] = 7.0
    found = with_known(SLOPE, known)
    assert found[3, 4] == 7 and np.allclose(found - SLOPE, 7 - SLOPE[3, 4])


def test_means_are_exact_for_blocks_of_any_number():
    wanted = means(rough(2), 4)
    assert np.allclose(means(with_means(rough(1), wanted), 4), wanted, atol=1e-3)


@pytest.mark.parametrize("hole", [np.s_[20:44, 12:40], np.s_[:, 24:]], ids=["inside", "one side"])
def test_a_seam_is_as_steep_as_the_ground_inside_if_the_generator_makes_such_ground(hole):
    """Unrelated surfaces of the same roughness stand for a generator that does not look at what is known."""
    ratios, swings = [], []
    for seed in range(12):
        truth, other = rough(seed, 64), rough(100 + seed, 64)
        missing = np.zeros((64, 64), bool)
        missing[hole] = True
        found = with_known(other, np.where(missing, np.nan, truth))
        across, inside = [], []
        for axis in (0, 1):
            step, pair = np.abs(np.diff(found, axis=axis)), np.diff(missing, axis=axis)
            both = np.minimum(missing.take(range(63), axis), missing.take(range(1, 64), axis))
            across.append(step[pair])
            inside.append(step[both])
        ratios.append(np.concatenate(across).mean() / np.concatenate(inside).mean())
        swings.append(np.ptp(found) / max(np.ptp(truth), np.ptp(other)))
    assert np.mean(ratios) < 1.15
    assert max(swings) < 2
