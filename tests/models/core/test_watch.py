import numpy as np
import pytest
import torch
from torch import nn

from models.core.config import WatchConfig
from models.core.features import features
from models.core.watch import Watch
from tests.models.toys import LOOP, Rivals, fit, points, same

RNG = np.random.default_rng(0)


def many(count, seed):
    """Pictures of one colour each, with a bright square somewhere."""
    rng = np.random.default_rng(seed)
    out = rng.integers(0, 256, (count, 1, 1, 3)).repeat(32, axis=1).repeat(32, axis=2)
    for picture, (y, x) in zip(out, rng.integers(0, 24, (count, 2)), strict=True):
        picture[y : y + 8, x : x + 8] = 255
    return out.astype(np.uint8)


REAL = many(64, 1)
GREY = np.clip(128 + RNG.normal(0, 3, (64, 32, 32, 3)), 0, 255).astype(np.uint8)
TWO = many(2, 3).repeat(32, axis=0) ^ RNG.integers(0, 2, (64, 32, 32, 3), np.uint8)
GOOD = many(64, 2)


def watch(shows, said=None, **changes) -> Watch:
    """A watch of a generator that shows `shows[k]` at the k-th look."""
    iterator = iter(shows)
    config = WatchConfig(**{"every": 1, **changes})
    return Watch(config, len(shows), REAL, lambda networks: next(iterator), (said if said is not None else []).append)


def looked(shows, **changes):
    found, said = watch(shows, said := [], **changes), said
    for step in range(len(shows)):
        found.look(step + 1, nn.ModuleDict({"generator": nn.Linear(1, 1)}), 0.5)
    return found, said


def test_features_are_the_same_every_time_and_of_any_size():
    assert np.array_equal(features(REAL), features(REAL)) and features(REAL).dtype == np.float32
    large = REAL.repeat(4, axis=1).repeat(4, axis=2)
    assert features(large).shape == features(REAL).shape


def test_other_data_of_the_same_kind_is_as_diverse_and_covers():
    found = watch([GOOD]).measured(GOOD)
    assert found["diversity"] == pytest.approx(1, abs=0.1) and found["distinct"] == pytest.approx(1, abs=0.15)
    assert found["coverage"] > 0.8 and found["precision"] > 0.8 and found["score"] == pytest.approx(1, abs=0.15)


def test_a_generator_of_one_picture_and_one_of_two_have_collapsed():
    for shown in (GREY, TWO):
        found, said = looked([GOOD] * 3 + [shown] * 3)
        assert [row["flagged"] for row in found.rows] == [0, 0, 0, 1, 1, 1]
        assert len(said) == 1 and "step 4: the generator seems to collapse" in said[0]
    assert found.rows[-1]["diversity"] > 0.3, "two kinds of pictures are apart on average, but each has a twin"


def test_an_untrained_generator_has_its_grace():
    found, said = looked([GREY] * 4 + [GOOD] * 12, grace=0.5)
    assert not said and not any(row["flagged"] for row in found.rows)
    found, said = looked([GREY] * 16, grace=0.5)
    assert [row["flagged"] for row in found.rows] == [0] * 7 + [1] * 9 and len(said) == 1


def test_the_newest_snapshot_near_the_best_is_kept_and_told():
    found, _ = looked([GREY, GOOD, GOOD[::-1], GREY, TWO])
    assert found.kept["step"] == 3 and found.facts()["step"] == 3 and found.facts()["flagged_steps"] == [4, 5]
    assert "later ones cover less" in found.facts()["why"] and found.kept["margin"] == 0.5
    assert "the last look" in looked([GREY, GOOD])[0].facts()["why"]


def test_a_blurred_mean_of_all_pictures_is_not_kept_for_lying_near_to_each():
    rng = np.random.default_rng(3)
    blurred = (0.1 * GOOD + 0.9 * GOOD.mean(axis=0)).astype(np.uint8)
    rough = np.clip(GOOD + rng.normal(0, 30, GOOD.shape), 0, 255).astype(np.uint8)
    found, _ = looked([blurred, rough])
    assert found.rows[0]["score"] > found.rows[1]["score"] and found.rows[0]["quality"] < found.rows[1]["quality"], (
        found.rows
    )
    assert found.kept["step"] == 2


def test_patience_counts_steps_of_collapse_in_a_row():
    assert not looked([GOOD] + [GREY] * 9)[0].stop, "it only warns"
    assert looked([GOOD] + [GREY] * 5, patience=4)[0].stop
    assert not looked([GOOD] + [GREY] * 3 + [GOOD] + [GREY] * 3, patience=4)[0].stop


def seen_through(networks) -> np.ndarray:
    """Pictures that depend on the weights, so that a look is a function of the snapshot."""
    shift = int(1000 * float(next(networks.parameters()).abs().sum())) % 50
    return np.roll(GOOD, shift, axis=2)


def trained(folder, shows=None, log=None, steps=10, **changes):
    torch.manual_seed(0)
    method = Rivals()
    loop = LOOP.model_copy(update={"steps": steps, "checkpoint_every": 3, "log_every": 2})
    iterator = iter(shows or ())
    draw = (lambda networks: next(iterator)) if shows else seen_through
    own = Watch(WatchConfig(**{"every": 2, **changes}), steps, REAL, draw, lambda text: None)
    return fit(method, points, folder, loop, log=log, watch=own), own


def test_the_result_is_the_best_snapshot_and_its_numbers_are_in_the_curve(tmp_path):
    result, own = trained(tmp_path / "a", [GREY, GOOD, GREY, GREY, GREY])
    short, _ = trained(tmp_path / "b", steps=4)
    assert result.done == 10 and own.kept["step"] == 4
    assert {"watch/diversity", "watch/score"} <= set(result.curve[1])
    assert own.best is not None and short.done == 4
    assert all(torch.equal(own.best[name], value) for name, value in result.networks.state_dict().items())


def test_collapse_beyond_patience_ends_the_training_and_a_resumed_one_agrees(tmp_path):
    shows = [GOOD, *[GREY] * 9]
    result, own = trained(tmp_path, shows, steps=20, patience=4)
    assert own.stop and result.done == 9, "flagged at 4, 6 and 8; the processes agree on it in step 9"
    again, other = trained(tmp_path, shows, steps=20, patience=4)
    assert again.steps == 0 and again.done == 9 and same(again.networks, result.networks) and other.rows == own.rows


def test_a_killed_run_keeps_the_same_snapshot(tmp_path):
    expected, own = trained(tmp_path / "whole")

    def die(done, row):
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "cut", log=die)
    found, other = trained(tmp_path / "cut")
    assert other.rows == own.rows and same(found.networks, expected.networks) and found.curve == expected.curve
