import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.relief.geomorphons import FORMS, NAMES, NO_CLASS, geomorphons, landform_shares
from tests.relief.shapes import cone, grid, plane, roof, trough

GSD, LOOKUP, FLAT = 10.0, 5, 1.0


def landform(heights, at=None):
    """Names of the classes that occur, or the name at one pixel."""
    classes = geomorphons(heights[None].astype(np.float32), GSD, LOOKUP, FLAT)[0]
    if at is not None:
        return NAMES[classes[at] - 1]
    return {NAMES[c - 1] for c in np.unique(classes[1:-1, 1:-1])}


@pytest.mark.parametrize("east, north", [(0.2, 0), (0, -0.5), (0.3, 0.3), (-1, 0.37), (0.05, 0.02)])
def test_an_even_slope_is_slope_everywhere(east, north):
    assert landform(plane(east, north)) <= {"slope", "hollow", "spur"}
    assert landform(plane(east, north), (16, 16)) == "slope"


def test_ground_below_the_threshold_is_flat():
    assert landform(plane(0, 0)) == {"flat"}
    assert landform(plane(np.tan(np.radians(0.9)), 0)) == {"flat"}
    assert landform(plane(np.tan(np.radians(1.5)), 0)) == {"slope"}


def test_the_ten_forms_where_they_must_be():
    x, y = grid()
    middle = (16, 16)
    assert landform(cone(), middle) == "peak"
    assert landform(-cone(), middle) == "pit"
    assert landform(roof(), middle) == "ridge"
    assert landform(-roof(), middle) == "valley"
    assert landform(trough(), middle) == "valley"
    assert landform(0.5 * x - 0.2 * np.abs(y), middle) == "spur"
    assert landform(-0.5 * x + 0.2 * np.abs(y), middle) == "hollow"
    bench = np.clip(x, -1000, 0)  # rises from the west to a level terrace
    assert landform(bench, middle) == "shoulder"
    assert landform(-bench, middle) == "footslope"


def test_a_step_has_a_shoulder_above_and_a_footslope_below():
    x, _ = grid()
    step = np.where(x > 0, 40.0, 0.0)
    row = [landform(step, (16, col)) for col in (5, 16, 17, 28)]
    assert row == ["flat", "footslope", "shoulder", "flat"]


def test_turning_mirroring_lifting_and_scaling_change_nothing():
    rng = np.random.default_rng(5)
    heights = (rng.normal(size=(3, 20, 20)).cumsum(1).cumsum(2) * 4).astype(np.float32)
    classes = geomorphons(heights, GSD, LOOKUP, FLAT)
    for change in (lambda a: np.rot90(a, axes=(1, 2)), lambda a: a[:, ::-1], lambda a: a.swapaxes(1, 2)):
        assert (geomorphons(change(heights), GSD, LOOKUP, FLAT) == change(classes)).all()
    assert (geomorphons(heights * 8, GSD * 8, LOOKUP, FLAT) == classes).all()


def test_upside_down_every_form_becomes_its_opposite():
    rng = np.random.default_rng(6)
    heights = (rng.normal(size=(2, 24, 24)).cumsum(1).cumsum(2) * 4).astype(np.float32)
    opposite = [0, 1, 10, 9, 8, 7, 6, 5, 4, 3, 2]
    assert (
        np.take(opposite, geomorphons(heights, GSD, LOOKUP, FLAT)) == geomorphons(-heights, GSD, LOOKUP, FLAT)
    ).mean() > 0.99  # the published table is symmetric


@settings(max_examples=40)
@given(
    arrays(np.float32, (1, 7, 8), elements=st.one_of(st.integers(-30, 30).map(float), st.just(np.nan))),
    st.integers(2, 9),
)
def test_the_same_as_walking_each_line_of_sight_in_angles(heights, lookup):
    assert (geomorphons(heights, GSD, lookup, FLAT)[0] == walk(heights[0].astype(float), lookup)).all()


def walk(h, lookup):
    """Compute geomorphons by their definition, pixel by pixel and with angles."""
    out = np.zeros(h.shape, np.uint8)
    for r, c in np.ndindex(h.shape):
        counts, whole = [0, 0], np.isfinite(h[r, c])
        for dr, dc in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)):
            angles = []
            for step in range(1, lookup + 1):
                nr, nc, far = r + dr * step, c + dc * step, step * np.hypot(dr, dc)
                if far > lookup or not (0 <= nr < h.shape[0] and 0 <= nc < h.shape[1]):
                    break
                angles.append(np.arctan2(h[nr, nc] - h[r, c], far * GSD))
            if not angles or np.isnan(angles[0]):
                whole = False
                continue
            zenith, nadir = np.nanmax(angles), np.nanmin(angles)
            if max(abs(zenith), abs(nadir)) > np.radians(FLAT):
                counts[0] += zenith + nadir > 1e-9
                counts[1] += zenith + nadir < -1e-9
        out[r, c] = FORMS[counts[1], counts[0]] if whole else NO_CLASS
    return out


def test_borders_and_voids_have_no_class_and_do_not_count():
    heights = cone()[None].copy()
    heights[0, 10, 10] = np.nan
    classes = geomorphons(heights, GSD, LOOKUP, FLAT)
    assert (classes[0, 9:12, 9:12] == NO_CLASS).all() and classes[0, 9, 13] != NO_CLASS
    for edge in (classes[:, 0], classes[:, -1], classes[:, :, 0], classes[:, :, -1]):
        assert (edge == NO_CLASS).all()
    shares = landform_shares(classes)
    assert shares.shape == (1, 10) and shares.sum() == pytest.approx(1)
    assert np.isnan(landform_shares(np.zeros((1, 4, 4), np.uint8))).all()
    assert landform_shares(np.zeros((0, 4, 4), np.uint8)).shape == (0, 10)


def test_invalid_arguments_are_refused():
    with pytest.raises(ValueError, match="must be"):
        geomorphons(cone(), GSD, LOOKUP, FLAT)
    with pytest.raises(ValueError, match="lookup_px is 1"):
        geomorphons(cone()[None], GSD, 1, FLAT)


def test_a_lookup_beyond_the_raster_is_the_whole_raster():
    heights = cone(side=9)[None]
    assert (geomorphons(heights, GSD, 8, FLAT) == geomorphons(heights, GSD, 500, FLAT)).mean() > 0.9
