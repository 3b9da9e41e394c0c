import pytest

from models.terrain_gan.balance import Balance
from models.terrain_gan.params import BalanceConfig

BAND = BalanceConfig(stop=0.9, resume=0.8, rest=100)


def walk(levels, config=BAND):
    balance = Balance(config, {})
    return [balance.turn(level) for level in levels], balance


def test_it_rests_while_the_judge_is_behind_and_the_band_has_two_edges():
    learns, _ = walk([None, 0.5, 0.85, 0.9, 0.85, 0.8, 0.79, 0.85, 0.95])
    assert learns == [True, True, True, False, False, False, True, True, False]


def test_it_never_rests_for_long():
    learns, balance = walk([1.0] * 400, BAND.model_copy(update={"rest": 3}))
    assert learns[:8] == [False, False, False, True] * 2
    assert balance.ratio == pytest.approx(4, rel=0.02) and balance.forced == 1
    learns, balance = walk([0.1] * 400)
    assert all(learns) and balance.ratio == 1 and balance.forced == 0


def test_the_ratio_looks_back_over_about_a_hundred_steps():
    balance = Balance(BAND, {})
    assert balance.ratio == 1
    for step in range(1000):
        balance.turn(1.0 if step % 2 else 0.1)
    assert balance.ratio == pytest.approx(2, rel=0.02)
    for _ in range(300):
        balance.turn(0.1)
    assert balance.ratio < 1.05


def test_all_of_its_state_is_in_its_memory():
    levels = [0.5, 0.95, 0.85, 0.85, 0.7, 0.92, 0.85, 0.75] * 3
    whole, _ = walk(levels)
    first, second = {}, {}
    balance = Balance(BAND, first)
    start = [balance.turn(level) for level in levels[:11]]
    resumed = Balance(BAND, second)
    second.update(first)  # as the loop restores it
    assert start + [resumed.turn(level) for level in levels[11:]] == whole


def test_a_band_upside_down_is_refused():
    with pytest.raises(ValueError, match="resume must not be above stop"):
        BalanceConfig(stop=0.5, resume=0.6, rest=3)
