"""Statistics compared with a simple implementation that reads one window at a time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from tasks.core.errors import LandloomError
from tasks.formats.tables.scenes import SceneReader
from tasks.relief.shade.slope import slope_degrees
from tasks.select.columns import COLOR, HEIGHT, PICTURE, STATISTICS
from tasks.select.statistics import FINE_SLOPE, measure_windows
from tests.select.small import GSD, add_heights, add_photograph, fractal, write_table

BIN_M, BIN_DEG = 5.0, 1.0


def measure(folder, rows, px, stride, name):
    table = write_table(folder, rows)
    with SceneReader(folder, table) as reader:
        return measure_windows(reader, table.loc[name], px, stride, BIN_M, BIN_DEG)


def rough_scene():
    """Mountains with a sea, a single pixel at 0 m, land below 0 and voids: 150 × 201, so that no side is a multiple."""
    heights = fractal((150, 201), 2500, 1) - 400
    heights[20:70, 30:120] = 0
    heights[100, 100] = 0
    heights[heights < -350] = np.nan
    heights[140:, :15] = np.nan
    return heights


def shannon(values, width):
    bins = np.floor(values / np.float32(width)).astype(int)
    return entropy(np.unique(bins, return_counts=True)[1], base=2)


def oracle(scene, row, col, px, gsd=GSD):
    """All height statistics of one window, without optimisation."""
    around = np.pad(scene, 1, constant_values=np.nan)[row : row + px + 2, col : col + px + 2]
    tile = scene[row : row + px, col : col + px]
    known = tile[np.isfinite(tile)]
    nine = [around[y : y + px, x : x + px] for y in range(3) for x in range(3)]
    slope = np.where(np.isnan(tile), np.nan, slope_degrees(around, gsd))
    slope = slope[np.isfinite(slope)]
    rugged = np.sqrt(sum((part.astype(float) - tile) ** 2 for part in nine))
    rugged = rugged[np.isfinite(rugged)]
    level = np.all([(part == 0) | np.isnan(part) for part in nine], axis=0)
    found = {"void_share": np.isnan(tile).mean(), "zero_share": (tile == 0).mean()}
    found["sea_share"] = (level & (tile == 0)).mean()
    if known.size:
        found |= {"h_min": known.min(), "h_max": known.max(), "h_mean": known.mean(dtype=float)}
        found |= {"relief": float(known.max()) - float(known.min()), "entropy_height": shannon(known, BIN_M)}
    if slope.size:
        found |= {"slope_mean": slope.mean(dtype=float), "slope_std": slope.std(dtype=float)}
        found |= {"slope_p95": np.quantile(slope, 0.95, method="inverted_cdf"), "roughness": rugged.mean()}
        found |= {"entropy_slope": shannon(slope, BIN_DEG)}
    return found


@pytest.mark.parametrize(("px", "stride"), [(32, 16), (48, 48), (33, 20), (20, 50), (100, 7)])
def test_statistics_are_those_of_each_window_alone(tmp_path, px, stride):
    heights = rough_scene()
    measured = measure(tmp_path, [add_heights(tmp_path, "a", heights)], px, stride, "a")
    assert len(measured["row"]) > 0
    for k, (row, col) in enumerate(zip(measured["row"], measured["col"], strict=True)):
        wanted = oracle(heights, row, col, px)
        for name in HEIGHT:
            tolerance = {"slope_p95": FINE_SLOPE, "entropy_slope": 0.02}.get(name, 2e-4)
            value = measured[name][k]
            assert value == pytest.approx(wanted.get(name, np.nan), abs=tolerance, rel=1e-5, nan_ok=True), (
                name,
                row,
                col,
            )
        assert measured["void_share"][k] == wanted["void_share"]


def test_pieces_do_not_show(tmp_path, monkeypatch):
    row = add_heights(tmp_path, "a", rough_scene())
    whole = measure(tmp_path, [row], 32, 16, "a")
    monkeypatch.setattr("tasks.select.windows.PIECE", 64)
    parts = measure(tmp_path, [row], 32, 16, "a")
    for name, values in whole.items():
        np.testing.assert_array_equal(values, parts[name], err_msg=name)


def test_entropy_is_shannons_and_of_fixed_width(tmp_path):
    """Twenty even steps of 5 m are log2(20) bits; the same shape at a tenth of the height falls into two bins."""
    steps = np.tile((np.arange(40) % 20) * 5.0 + 1, (40, 1))
    rows = [add_heights(tmp_path, "steep", steps), add_heights(tmp_path, "low", steps / 10)]
    assert measure(tmp_path, rows, 40, 40, "steep")["entropy_height"] == pytest.approx(np.log2(20), abs=1e-6)
    assert measure(tmp_path, rows, 40, 40, "low")["entropy_height"] == pytest.approx(1.0, abs=1e-6)


def test_entropy_still_tells_hills_from_mountains(tmp_path):
    shape = fractal((64, 64), 1, 5)
    rows = [add_heights(tmp_path, f"r{relief}", shape * relief) for relief in (10, 100, 300, 1000, 3000)]
    found = [float(measure(tmp_path, rows, 64, 64, row["scene"])["entropy_height"][0]) for row in rows]
    assert found == sorted(found) and found[-1] - found[-3] > 2


def test_flat_void_and_small_scenes(tmp_path):
    rows = [
        add_heights(tmp_path, "flat", np.full((32, 32), 12.5)),
        add_heights(tmp_path, "void", np.full((32, 32), np.nan)),
        add_heights(tmp_path, "small", np.zeros((31, 200))),
        add_heights(tmp_path, "unscaled", fractal((32, 32), 100, 2), gsd=np.nan),
    ]
    flat = measure(tmp_path, rows, 32, 32, "flat")
    assert flat["relief"] == 0 and flat["slope_mean"] == 0 and flat["entropy_height"] == 0 and flat["phash"] == 0
    void = measure(tmp_path, rows, 32, 32, "void")
    assert void["void_share"] == 1 and all(np.isnan(void[name]) for name in ("h_mean", "relief", "slope_mean"))
    assert all(len(values) == 0 for values in measure(tmp_path, rows, 32, 32, "small").values())
    unscaled = measure(tmp_path, rows, 32, 32, "unscaled")
    assert np.isnan(unscaled["slope_mean"]) and unscaled["relief"] > 0


def test_a_void_code_taken_for_heights_is_refused_by_name(tmp_path):
    heights = fractal((32, 32), 100, 2)
    heights[0, 0] = -3.4e38
    with pytest.raises(LandloomError, match="scene a: heights run from -3.4e"):
        measure(tmp_path, [add_heights(tmp_path, "a", heights)], 32, 32, "a")


def test_colours(tmp_path):
    rng = np.random.default_rng(0)
    color = rng.integers(0, 256, (4, 70, 90), dtype=np.uint8)
    color[3] = np.where(rng.random((70, 90)) < 0.2, 0, 255)
    measured = measure(tmp_path, [add_photograph(tmp_path, "p", color)], 32, 16, "p")
    assert set(measured) == {"row", "col", "phash", "marks", *STATISTICS, *PICTURE}
    for k, (row, col) in enumerate(zip(measured["row"], measured["col"], strict=True)):
        tile = color[:, row : row + 32, col : col + 32].astype(float)
        some = tile[3] > 0
        luma = (0.299 * tile[0] + 0.587 * tile[1] + 0.114 * tile[2])[some]
        bands = [tile[band][some].mean() for band in range(3)]
        wanted = dict(zip(COLOR, (luma.mean(), luma.std(), *bands), strict=True))
        assert {name: measured[name][k] for name in COLOR} == pytest.approx(wanted, abs=1e-5)
        assert measured["void_share"][k] == (~some).mean()
        red, green, blue = (tile[band][some] for band in range(3))
        spread = np.hypot((red - green).std(), ((red + green) / 2 - blue).std())
        offset = np.hypot((red - green).mean(), ((red + green) / 2 - blue).mean())
        assert measured["colorfulness"][k] == pytest.approx(spread + 0.3 * offset, abs=1e-5)
        assert measured["rgb_std"][k] == pytest.approx(tile[:3, some].std(), abs=1e-5)
        clipped = (tile[:3, some].max(axis=0) == 255) | (tile[:3, some].max(axis=0) == 0)
        assert measured["clipped_share"][k] == pytest.approx(clipped.mean())
    assert all(np.isnan(measured[name]).all() for name in HEIGHT)


def test_a_pair_has_both_and_the_larger_void_share(tmp_path):
    heights = fractal((32, 32), 100, 2)
    heights[0] = np.nan
    color = np.full((4, 32, 32), 255, np.uint8)
    color[3, :2] = 0
    row = add_heights(tmp_path, "a", heights) | {"color": add_photograph(tmp_path, "a", color)["color"]}
    measured = measure(tmp_path, [row], 32, 32, "a")
    assert measured["void_share"] == 2 / 32 and measured["color_mean"] == 255 and measured["relief"] > 50
