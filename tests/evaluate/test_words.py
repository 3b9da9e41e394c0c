"""Sentences claim what the intervals allow, and no more."""

from __future__ import annotations

from tasks.evaluate.compare import MEASURES
from tasks.evaluate.frame import named_sets
from tasks.evaluate.terrain.medium import terrain
from tasks.evaluate.words import cautions, finding, memorised

NAMED = named_sets(terrain(90.0), ["steps1", "steps2"])
SWD = MEASURES[0]


def scores(mean: float, half: float = 0.02) -> dict:
    return {"swd": {"mean": mean, "low": mean - half, "high": mean + half}}


SETS = {
    "floor_halves": scores(0.05),
    "floor_train": scores(0.06),
    "control_noise": scores(0.31),
    "control_blur": scores(0.2),
    "control_shuffle": scores(0.9),
    "steps1": scores(0.3),
    "steps2": scores(0.07, 0.01),
}


def test_findings_claim_what_the_intervals_allow():
    one, two = (finding(SETS, NAMED, SWD, name, "terrain") for name in ("steps1", "steps2"))
    # 0.28 to 0.32 against blur 0.18 to 0.22, noise 0.29 to 0.33 and shuffle 0.88 to 0.92; training tiles at 0.06.
    assert one == (
        "Model, 1 step: by sliced Wasserstein distance it beats pixel-shuffled real tiles, is level with fractal "
        "noise of the same spectrum and is worse than blurred real tiles. It is still 5.0 times as far from held-out "
        "terrain as training tiles are."
    )
    assert two.endswith("At this sample size it cannot be told from training tiles.")


def test_a_measure_that_misses_a_control_is_called_out():
    worse = {
        "swd": {"control_noise": True, "control_blur": True},
        "kid": {"control_noise": False, "control_blur": False},
    }
    (caution,) = cautions(worse, NAMED, MEASURES, "terrain")
    assert caution == "KID cannot tell fractal noise of the same spectrum and blurred real tiles from real terrain"


def test_memorisation_is_told_with_its_numbers():
    values = {"ratio": 1.1, "suspicious_share": 0.0, "expected_share": 0.01, "copies": 0}
    one = memorised("model, 1 step", values)
    two = memorised("model, 2 steps", {**values, "copies": 2, "ratio": 0.4, "suspicious_share": 0.5})
    assert one.startswith("Model, 1 step: no sample looks like a copy") and "1.10 times" in one
    assert "2 samples look like copies" in two and "50.0 % lie closer" in two
