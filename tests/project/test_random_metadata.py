"""A few dozen random rasters end right or refused; `python -m tests.benchmarks metadata` tries a thousand."""

from __future__ import annotations

from tests.through_metadata import try_rasters


def test_random_rasters_are_right_or_refused(tmp_path):
    found = try_rasters(tmp_path, 36, seed=7)
    assert not found.wrong
    assert found.right >= 12 and sum(found.refused.values()) + found.right == 36
