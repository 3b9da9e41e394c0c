"""Marks and their agreement: mirror images, crops, sizes, shifts of colour; and unrelated pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.select.marks import MARK, window_marks
from tasks.select.matches import alike
from tests.select.small import fractal

PX = 256
START = np.zeros(1, np.int64)


def picture(seed: int, side: int = PX) -> np.ndarray:
    """Smooth noise with shapes on it, uint8 (side, side)."""
    rng = np.random.default_rng(seed)
    image = fractal((side, side), 180, seed, 1.6).astype(np.uint8)
    for _ in range(60):
        centre, radius = rng.integers(0, side, 2).tolist(), int(rng.integers(side // 60, side // 12))
        cv2.circle(image, centre, radius, int(rng.integers(0, 255)), -1)
    return cv2.GaussianBlur(image, (0, 0), 0.8)


def marks(image: np.ndarray, px: int = PX) -> bytes:
    small = np.ascontiguousarray(cv2.resize(image, (px, px), interpolation=cv2.INTER_AREA))
    return window_marks(small, START, START, px)[0]


def changed(image: np.ndarray) -> dict[str, np.ndarray]:
    """The picture as others publish it."""
    side = image.shape[0]
    jpeg = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_GRAYSCALE)
    crop = image[side // 5 : side * 9 // 10, side // 10 : side * 8 // 10]
    return {
        "mirror": image[:, ::-1],
        "jpeg": jpeg,
        "small": cv2.resize(image, (120, 120), interpolation=cv2.INTER_AREA),
        "brighter": np.clip(255 * (image / 255) ** 0.7, 0, 255).astype(np.uint8),
        "crop": crop,
        "all": np.clip(40 + 0.8 * crop[:, ::-1], 0, 255).astype(np.uint8),
    }


def test_a_mirror_image_has_the_same_marks():
    image = picture(1)
    one, other = (np.frombuffer(marks(part), MARK) for part in (image, image[:, ::-1]))
    assert len(one) > 80
    common = set(one["signature"].tolist()) & set(other["signature"].tolist())
    assert len(common) > 0.9 * len(one), "but for places between two pixels of another scale"
    by = {mark["signature"]: mark for mark in other}
    for mark in one[np.isin(one["signature"], list(common))]:
        twin = by[mark["signature"]]
        assert twin["mirrored"] != mark["mirrored"]
        assert (1 - twin["x"], twin["y"], twin["radius"]) == pytest.approx(
            (mark["x"], mark["y"], mark["radius"]), abs=1e-3
        )


@pytest.mark.parametrize("px", [64, 256])
def test_changed_pictures_are_found_and_others_are_not(px):
    images = [picture(seed, 512) for seed in range(6)]
    names, every = zip(*[(str(k), image) for k, image in enumerate(images)], strict=True)
    for k, image in enumerate(images):
        more = changed(image)
        names, every = (*names, *(f"{k}/{name}" for name in more)), (*every, *more.values())
    found = alike([marks(image, px) for image in every], np.arange(len(every)), 8)
    linked = {
        frozenset((names[a], names[b])): k for k, (a, b) in enumerate(zip(found.first, found.second, strict=True))
    }
    assert all(len({name[0] for name in pair}) == 1 for pair in linked), "pictures of different places"
    for k in range(len(images)):
        for name in ("mirror", "jpeg", "small", "brighter", "crop", "all"):
            at = linked[frozenset((str(k), f"{k}/{name}"))]
            assert found.mirrored[at] == (name in ("mirror", "all"))
            assert found.overlap[at] == pytest.approx(0.49 if name in ("crop", "all") else 1.0, abs=0.05)


def test_families_are_not_compared_and_nothing_has_no_marks():
    image = picture(3)
    blank = marks(np.full((PX, PX), 7, np.uint8))
    assert blank == b""
    assert len(alike([marks(image), marks(image), blank, blank], np.array([0, 0, 1, 2]), 8).first) == 0
    assert alike([marks(image), marks(image)], np.array([0, 1]), 8).agreeing[0] > 20
    assert len(alike([], np.empty(0, np.int64), 8).first) == 0


def test_windows_of_a_piece_have_the_marks_of_the_window_alone():
    image = picture(5, 400)
    both = window_marks(image, np.array([0, 144]), np.array([16]), PX)
    assert both == [marks(image[:PX, 16 : 16 + PX]), marks(image[144:, 16 : 16 + PX])]
