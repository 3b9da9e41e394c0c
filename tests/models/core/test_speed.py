"""Switches for speed change layout and kernels, never what is saved or resumed. Off, they change nothing."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from models.core.config import SpeedConfig
from models.core.speed import compile_networks, fused, lay_out
from tests.models.core.test_loop import Dying, consistency, images, points, rivals
from tests.models.toys import LOOP, fit, same

FAST = SpeedConfig(channels_last=True, fused_optimizer=True)


@pytest.mark.parametrize(("build", "make"), [(consistency, images), (rivals, points)])
def test_a_broken_fast_run_goes_on_to_the_same_bits(tmp_path, build, make):
    loop = LOOP.model_copy(update={"checkpoint_every": 3, "steps": 8, "speed": FAST})
    whole = fit(build(), make, tmp_path / "whole", loop)
    with pytest.raises(ConnectionError):
        fit(build(), Dying(make, 5), tmp_path / "broken", loop)
    resumed = fit(build(), make, tmp_path / "broken", loop)
    assert resumed.steps == 5 and same(resumed.networks, whole.networks)


def test_a_fast_run_trains_what_a_plain_one_trains(tmp_path):
    plain = fit(consistency(), images, tmp_path / "plain")
    fast = fit(consistency(), images, tmp_path / "fast", LOOP.model_copy(update={"speed": FAST}))
    assert fast.curve[-1]["consistency/loss"] == pytest.approx(plain.curve[-1]["consistency/loss"], rel=1e-3)
    assert list(fast.networks.state_dict()) == list(plain.networks.state_dict())


def test_layout_changes_no_value():
    networks = nn.ModuleDict({"one": nn.Conv2d(3, 4, 3), "two": nn.Linear(2, 2)})
    before = copy.deepcopy(networks)
    lay_out(networks, SpeedConfig())
    assert networks["one"].weight.is_contiguous()
    lay_out(networks, FAST)
    assert networks["one"].weight.is_contiguous(memory_format=torch.channels_last) and same(networks, before)


def test_an_optimizer_gets_what_it_has():
    weights = [nn.Parameter(torch.zeros(2))]
    adam, radam = torch.optim.Adam(weights, lr=0.5, betas=(0.0, 0.9)), torch.optim.RAdam(weights, lr=0.5)
    assert fused(adam, SpeedConfig()) is adam
    (group,) = fused(adam, FAST).param_groups
    assert group["fused"] and group["lr"] == 0.5 and group["betas"] == (0.0, 0.9) and group["params"] == weights
    (group,) = fused(radam, FAST).param_groups
    assert group["foreach"] and group["lr"] == 0.5


def test_each_shape_has_code_of_its_own(monkeypatch):
    asked = []
    monkeypatch.setattr(nn.Module, "compile", lambda network, **options: asked.append(options))
    compile_networks(nn.ModuleDict({"one": nn.Linear(2, 2)}), SpeedConfig(compile="graphs"))
    assert asked == [{"mode": "reduce-overhead", "dynamic": False}]


def test_compiling_keeps_names_and_leaves_copies_alone():
    networks = nn.ModuleDict({"one": nn.Linear(2, 2)})
    compile_networks(networks, SpeedConfig())
    assert networks["one"]._compiled_call_impl is None
    compile_networks(networks, SpeedConfig(compile="kernels"))
    assert networks["one"]._compiled_call_impl is not None and list(networks.state_dict()) == ["one.weight", "one.bias"]
    assert copy.deepcopy(networks)["one"]._compiled_call_impl is None
