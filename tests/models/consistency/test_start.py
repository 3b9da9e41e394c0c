"""A training that starts from another model, and noise levels of their own for consistency tuning."""

from __future__ import annotations

import pytest
import torch

from models.consistency.record import METHOD
from models.core.artifact import save_model
from tasks.core.hashing import file_sha256
from tests.models.consistency.worded import made, shaken


def test_a_training_starts_from_the_weights_of_a_finished_model(tmp_path):
    method, _, _, config = made(seed=1)
    shaken(method)
    (tmp_path / "first").mkdir()
    save_model(tmp_path / "first", config, torch.nn.ModuleDict({name: method.networks[name] for name in method.ema}))
    start = {"folder": "first", "sha256": file_sha256(tmp_path / "first/weights.safetensors")}
    later, *_ = made(seed=2, start=start)
    facts = METHOD.load(later, tmp_path).facts["start"]
    assert facts["tensors_left"] == 0 and facts["tensors"] > 50
    for name in later.ema:
        for key, value in later.networks[name].state_dict().items():
            assert torch.equal(value, method.networks[name].state_dict()[key]), key
    other, *_ = made(seed=2, start={**start, "sha256": "0" * 64})
    with pytest.raises(ValueError, match="start: .*SHA-256"):
        METHOD.load(other, tmp_path)
    assert METHOD.load(method, tmp_path).facts == {}


def test_tuning_has_the_noise_levels_of_diffusion_unless_it_has_its_own():
    assert made(p_mean=0.5, p_std=1.7)[1].tuning == (0.5, 1.7)
    assert made(p_mean=0.5, p_std=1.7, tuning_p_mean=-1.1, tuning_p_std=2.0)[1].tuning == (-1.1, 2.0)


def test_a_start_may_have_learned_what_guidance_is():
    assert made(pretrain_share=0.0, start={"folder": "learned", "sha256": "0" * 64})[1].baked
