import numpy as np
import pytest
import torch

from models.consistency.adversary import steepness
from models.consistency.method import Consistency
from models.consistency.params import Params
from models.core.config import SpeedConfig
from models.core.method import State
from tests.models.toys import CONSISTENCY, LOOP, batch, fit, same

ADVERSARY = {"share": 0.5, "alone": 2, "tuning_every": 3, "channels": 8, "heads_lr": 1e-3}


def method(seed: int = 0, **changes) -> Consistency:
    torch.manual_seed(seed)
    given = {"adversary": ADVERSARY | changes, "pretrain_share": 0.2}
    return Consistency(Params.model_validate({**CONSISTENCY.model_dump(), **given}), 8, 1, 0, 1e-3)


def images(rng: np.random.Generator):
    across = rng.standard_normal((16, 1, 1, 8)).repeat(8, axis=2).astype(np.float32)
    return {"image": torch.from_numpy(0.5 * across), "facts": torch.zeros(16, 0)}


def due(made: Consistency, steps: int) -> list[set[str]]:
    states = [State(step, steps, made.networks) for step in range(steps)]
    return [{phase.name for phase in made.phases() if phase.due(state, {})} for state in states]


def test_the_heads_learn_alone_first_and_tuning_then_becomes_rare():
    alone, both = {"judging"}, {"judging", "fooling"}
    tuned = {"consistency"}
    expected = [{"denoising"}] * 4 + [tuned] * 6 + [tuned | alone] * 2
    expected += [both, tuned | both, both, both, tuned | both, both, both, tuned | both]
    assert due(method(), 20) == expected


def test_without_a_share_there_is_no_adversary():
    made = method(share=0.0)
    assert set(made.networks) == {"denoiser"}
    assert set.union(*due(made, 20)) == {"denoising", "consistency"}


def test_a_sample_that_equals_its_tile_looks_exactly_as_real(monkeypatch):
    """Both have the same noise, facts and conditions, so only the images differ."""
    made = method()
    torch.nn.init.normal_(made.networks["denoiser"].last[2].weight)
    tiles = batch(images(np.random.default_rng(0)))
    last = State(19, 20, made.networks)
    fooling, judging = made.phases()[-2:]
    for head in made.networks["heads"].heads:
        torch.nn.init.normal_(head[-1].weight)
    for copied, apart in ((True, False), (False, True)):
        found = tiles["image"].clone() + (0.0 if copied else 0.3)
        monkeypatch.setattr(made, "estimate", lambda *_, found=found: found)
        loss, _ = fooling.loss(tiles, last)
        margin = judging.loss(tiles, last)[1]["margin"]
        assert (loss.item() != pytest.approx(np.log(2), abs=1e-6)) == apart
        assert (abs(margin.item()) > 1e-4) == apart


def test_the_judge_is_the_denoiser_as_it_was_and_each_phase_trains_its_own_networks(tmp_path):
    made, seen = method(), {}

    def look(step, networks):
        seen[step] = {name: network.state_dict() for name, network in made.networks.items()}
        seen[step] = {name: {k: v.clone() for k, v in state.items()} for name, state in seen[step].items()}

    speed = SpeedConfig(channels_last=True)
    loop = LOOP.model_copy(update={"steps": 20, "picture_every": 1, "speed": speed})
    finished = fit(made, images, tmp_path, loop, picture=look).networks
    assert set(finished) == {"denoiser"}
    started, ended = seen[11], seen[20]  # the judge is copied in the first step with an adversary, after its tuning
    assert all(torch.equal(started["denoiser"][name], value) for name, value in ended["judge"].items())
    assert not all(torch.equal(started["denoiser"][name], value) for name, value in ended["denoiser"].items())
    assert all(torch.equal(seen[10]["heads"][name], value) for name, value in seen[5]["heads"].items())
    assert any(not torch.equal(seen[10]["heads"][name], value) for name, value in started["heads"].items())


def test_a_resumed_training_has_the_same_bits(tmp_path):
    loop = LOOP.model_copy(update={"steps": 12, "checkpoint_every": 3})
    whole = fit(method(), images, tmp_path / "whole", loop).networks
    for stop in (7, 10):  # after checkpoints in which the heads have learned alone, and against the denoiser
        stopped = tmp_path / str(stop)

        def kill(step, networks, stop=stop):
            if step == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fit(method(), images, stopped, loop.model_copy(update={"picture_every": 1}), picture=kill)
        assert same(fit(method(1), images, stopped, loop).networks, whole)


def test_it_moves_the_samples_to_the_side_of_the_tiles(tmp_path):
    """The denoiser makes noise around 0, the tiles are about 0.5 everywhere, and only the adversary trains it."""

    def bright(rng: np.random.Generator):
        tiles = 0.5 + 0.05 * rng.standard_normal((16, 1, 8, 8)).astype(np.float32)
        return {"image": torch.from_numpy(tiles), "facts": torch.zeros(16, 0)}

    made = method(share=0.8, alone=10, tuning_every=1000, lr=1e-2)
    torch.nn.init.normal_(made.networks["denoiser"].last[2].weight, std=0.1)
    drawn = torch.from_numpy(np.stack([made.draw(np.random.default_rng(part), 1) for part in range(32)]))

    def mean(networks) -> float:
        with torch.inference_mode():
            return made.sample(networks, drawn, torch.zeros(32, 0), 1).mean().item()

    before = mean(made.networks)
    loop = LOOP.model_copy(update={"steps": 60, "lr": 1e-8})
    assert mean(fit(made, bright, tmp_path, loop).networks) > before + 0.1


def test_steepness_is_the_squared_gradient_of_a_linear_score():
    torch.manual_seed(0)
    slope, features = torch.tensor([3.0, -4.0]), torch.randn(20_000, 2)
    found = steepness(lambda each: each[0] @ slope, [features], features @ slope)
    assert found.item() == pytest.approx(25 * features.var().item(), rel=0.05)


def test_noise_levels_out_of_order_are_refused():
    with pytest.raises(ValueError, match="low"):
        method(low=0.5, high=0.1)


def test_a_part_with_an_adversary_comes_after_diffusion():
    with pytest.raises(ValueError, match="at most 1 together"):
        method(share=0.9)
