"""The moving average of weights decays with its half-life, for a run of any length."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.core.ema import Ema, share


def _network() -> tuple[nn.ModuleDict, nn.Parameter]:
    layer = nn.Linear(1, 1, bias=False).double()
    return nn.ModuleDict({"one": layer}), layer.weight


@pytest.mark.parametrize(("steps", "half_life"), [(100, 40), (100, 5), (100_000, 40), (100_000, 2000)])
def test_a_weight_that_is_one_half_life_older_counts_half(steps, half_life):
    counted = share(steps - 1, half_life)
    older = share(steps - 1 - half_life, half_life)
    for step in range(steps - half_life, steps):
        older *= 1 - share(step, half_life)
    assert older / counted == pytest.approx(0.5, rel=1e-9)


@pytest.mark.parametrize("half_life", [5, 40, 1000])
def test_untrained_weights_do_not_count(half_life):
    networks, weight = _network()
    nn.init.constant_(weight, 1e6)
    ema = Ema(networks, ["one"], half_life)
    for step in range(100):
        nn.init.constant_(weight, float(step))
        ema.update(step)
    shares = [0.5 ** ((99 - step) / half_life) for step in range(100)]
    expected = sum(step * one for step, one in enumerate(shares)) / sum(shares)
    assert ema.networks["one"].weight.item() == pytest.approx(expected, rel=1e-9)


def test_late_in_a_run_the_average_moves_half_way_in_a_half_life():
    networks, weight = _network()
    nn.init.zeros_(weight)
    ema = Ema(networks, ["one"], half_life=8)
    nn.init.ones_(weight)
    for step in range(100_000, 100_008):
        ema.update(step)
    assert ema.networks["one"].weight.item() == pytest.approx(0.5)
    assert not ema.networks["one"].weight.requires_grad and not ema.networks["one"].training


def test_an_average_that_is_read_back_goes_on_with_the_same_bits():
    def run(stop: int | None) -> torch.Tensor:
        networks, weight = _network()
        ema = Ema(networks, ["one"], half_life=7)
        for step in range(30):
            if step == stop:  # as in a resumed run: only the average and the step number are stored
                saved = ema.networks.state_dict()
                ema = Ema(networks, ["one"], half_life=7)
                ema.networks.load_state_dict(saved)
            nn.init.constant_(weight, (step * 37 % 11) / 3)
            ema.update(step)
        return ema.networks["one"].weight.detach().clone()

    assert torch.equal(run(None), run(13))


def test_with_a_ramp_the_half_life_grows_with_the_run_up_to_its_end():
    assert share(0, 100.0, ramp=0.05) == pytest.approx(1, abs=1e-5), "the first weights replace the untrained ones"
    assert share(199, 100.0, ramp=0.05) == pytest.approx(1 - 0.5 ** (1 / 10))
    assert share(5000, 100.0, ramp=0.05) == share(5000, 100.0)
