"""The mathematics of the exploration, against closed forms and other implementations."""

import av
import numpy as np
import pytest

from tasks.generate.explore.principal import principal
from tasks.generate.explore.seams import seams
from tasks.generate.explore.spline import closed_path, spline
from tasks.generate.explore.video import write_video, yuv420

POINTS = np.random.default_rng(1).standard_normal((5, 3))


def test_the_path_is_closed_and_has_no_jump_in_value_slope_and_curvature():
    path = spline(POINTS)
    for order in range(3):
        assert np.allclose(path(0.0, order), path(5.0, order), atol=1e-9)
        for knot in range(1, 5):
            assert np.allclose(path(knot - 1e-7, order), path(knot + 1e-7, order), atol=1e-4)
    frames = closed_path(POINTS, 10)
    assert len(frames) == 50 and np.allclose(frames[::10], POINTS)
    turned = closed_path(np.roll(POINTS, -2, axis=0), 10)
    assert np.allclose(np.roll(frames, -20, axis=0), turned)  # no point is a start or an end
    with pytest.raises(ValueError, match="needs 3 points or more, not 2"):
        closed_path(POINTS[:2], 10)


def test_a_path_through_points_of_a_circle_is_a_circle():
    angles = np.arange(12) * np.pi / 6
    path = closed_path(np.stack([np.cos(angles), np.sin(angles)], axis=1), 20)
    assert np.allclose(np.hypot(*path.T), 1, atol=1e-3)


def test_principal_directions_are_those_of_the_singular_value_decomposition():
    rng = np.random.default_rng(2)
    points = (rng.standard_normal((900, 6)) * [5, 3, 2, 1, 0.5, 0.1]) @ np.linalg.qr(rng.standard_normal((6, 6)))[0]
    points = (points + 100).astype(np.float32)
    found = principal([points[:400], points[400:401], points[401:]])
    centred = points.astype(np.float64) - points.astype(np.float64).mean(axis=0)
    _, values, vectors = np.linalg.svd(centred, full_matrices=False)
    assert np.allclose(found.mean, points.astype(np.float64).mean(axis=0))
    assert np.allclose(found.deviations, values / np.sqrt(899), rtol=1e-6)
    assert np.allclose(found.shares, values**2 / (values**2).sum(), atol=1e-9)
    assert np.allclose(np.abs((found.directions * vectors).sum(axis=1)), 1, atol=1e-6)
    assert (
        found.directions.max(axis=1) >= np.abs(found.directions).max(axis=1)
    ).all()  # a sign is not a matter of luck
    with pytest.raises(ValueError, match="2 points or more, not 1"):
        principal([points[:1]])
    with pytest.raises(ValueError, match="all points of the latent space are the same"):
        principal([np.ones((5, 3))])


def test_seams_are_told_from_what_lies_inside():
    smooth = np.repeat(np.arange(64, dtype=np.uint8)[:, None], 64, axis=1)[..., None].repeat(3, axis=2)
    assert seams(smooth, 16) == pytest.approx((0.5, 0.5))
    tiled = smooth.copy()
    tiled[:, 16:32] += 100
    across, inside = seams(tiled, 16)
    assert across == pytest.approx((3 * 1 + 2 * 100) / 6) and inside == pytest.approx(0.5)


def test_a_film_holds_its_frames_and_has_the_same_bytes_each_time(tmp_path):
    rows, cols = np.mgrid[0:64, 0:96]
    frames = [np.stack([rows * 2, cols, np.full_like(rows, 20 * n)], axis=-1).astype(np.uint8) for n in range(10)]
    for name in ("one.mp4", "other.mp4"):
        write_video(tmp_path / name, iter(frames), 12)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "other.mp4").read_bytes()
    with av.open(str(tmp_path / "one.mp4")) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate, stream.frames) == ("h264", 12, 10)
        shown = [frame.to_ndarray(format="yuv420p") for frame in film.decode(stream)]
    apart = [np.abs(got.astype(int) - yuv420(frame)).mean() for got, frame in zip(shown, frames, strict=True)]
    assert len(shown) == 10 and max(apart) < 2
    with pytest.raises(ValueError, match="one frame or more"):
        write_video(tmp_path / "none.mp4", iter([]), 12)


def test_colours_of_a_film_are_those_of_bt_709():
    for rgb, luma, blue, red in [
        ((0, 0, 0), 16, 128, 128),
        ((255, 255, 255), 235, 128, 128),
        ((255, 0, 0), 63, 102, 240),
        ((0, 255, 0), 173, 42, 26),
        ((0, 0, 255), 32, 240, 118),
    ]:
        planes = yuv420(np.full((2, 2, 3), rgb, np.uint8)).ravel()
        assert planes.tolist() == [luma] * 4 + [blue, red], rgb
