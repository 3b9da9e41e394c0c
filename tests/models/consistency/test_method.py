import math

import numpy as np
import pytest
import torch
from torch import nn

from models.consistency.edm import denoising_loss, precondition
from models.consistency.method import Consistency
from models.consistency.params import Params
from models.consistency.replayed import replayed
from models.consistency.schedule import curriculum_end, grid_size, karras_grid, lognormal_weights, pseudo_huber
from models.core.method import State
from tests.models.toys import CONSISTENCY, LOOP, NETWORK, batch, fit

NOTHING = torch.zeros(64, 0)  # facts of images without known facts


class Shout(nn.Module):
    """A network with large outputs that records its inputs."""

    def forward(self, x, c_noise, facts):
        self.x, self.c_noise = x, c_noise
        return 1e3 * torch.sin(7 * x) + 5


def test_the_boundary_condition_is_exact():
    torch.manual_seed(0)
    x = torch.randn(4, 3, 8, 8) * 80
    out = precondition(Shout(), x, torch.full((4,), 0.002), NOTHING, sigma_data=0.5, sigma_min=0.002)
    assert torch.equal(out, x)
    at_grid = karras_grid(641, 0.002, 80.0, 7.0)[:1].float().expand(4)
    assert torch.equal(precondition(Shout(), x, at_grid, NOTHING, 0.5, 0.002), x)
    above = precondition(Shout(), x, torch.full((4,), 0.003), NOTHING, 0.5, 0.002)
    assert not torch.equal(above, x)


def test_the_network_sees_unit_variance_at_every_noise_level():
    torch.manual_seed(0)
    for level in (0.002, 0.5, 80.0):
        x = torch.randn(8, 3, 32, 32) * math.hypot(level, 0.5)
        shout = Shout()
        precondition(shout, x, torch.full((8,), level), NOTHING, 0.5, 0.002)
        assert shout.x.std().item() == pytest.approx(1, rel=0.02)
        assert shout.c_noise[0].item() == pytest.approx(math.log(level) / 4, rel=1e-5)


def test_denoising_loss_is_one_for_a_network_that_says_nothing_at_every_level():
    """With F = 0 the target of F has unit variance (EDM, appendix B.6), so the weighted loss is 1."""
    torch.manual_seed(0)
    x = torch.randn(64, 3, 16, 16) * 0.5
    for level in (0.1, 0.5, 20.0):
        sigma = torch.full((64,), level)
        noisy = x + level * torch.randn_like(x)
        denoised = precondition(lambda a, *_: torch.zeros_like(a), noisy, sigma, NOTHING, 0.5, 0.0)
        assert denoising_loss(denoised, x, sigma, 0.5).item() == pytest.approx(1, rel=0.03)


def test_pseudo_huber_takes_the_norm_of_each_sample():
    """Slope d/‖d‖ of the loss at a residual of 0.01 rms at 64 × 64 × 1: 0.64 / √(0.64² + 0.03456²)."""
    residual = torch.full((1, 1, 64, 64), 0.01, requires_grad=True)
    pseudo_huber(residual).sum().backward()
    slope = residual.grad.norm().item()  # a pixelwise loss would give 0.28 here
    assert slope == pytest.approx(0.998, abs=1e-3)
    assert pseudo_huber(torch.zeros(3, 2, 4, 4)).tolist() == [0, 0, 0]
    one, two = torch.full((1, 1, 8, 8), 0.1), torch.full((1, 1, 8, 8), 3.0)
    assert torch.allclose(pseudo_huber(torch.cat([one, two])), torch.cat([pseudo_huber(one), pseudo_huber(two)]))


def test_the_grid_is_karras_ascending_and_exact_at_its_ends():
    grid = karras_grid(11, 0.002, 80.0, 7.0)
    assert grid[0] == 0.002 and grid[-1] == 80.0 and (grid.diff() > 0).all()
    fifth = (0.002 ** (1 / 7) + 0.5 * (80 ** (1 / 7) - 0.002 ** (1 / 7))) ** 7
    assert grid[5].item() == pytest.approx(fifth)


@pytest.mark.parametrize("size", [2, 11, 1281])
def test_the_noise_levels_are_lognormal(size):
    grid = karras_grid(size, 0.002, 80.0, 7.0)
    weights = lognormal_weights(grid, -1.1, 2.0)
    assert len(weights) == size - 1 and (weights > 0).all() and weights.sum().item() == pytest.approx(1)
    if size > 1000:
        middle = (weights * grid[:-1].log()).sum().item()
        assert middle == pytest.approx(-1.1, abs=0.1)


@pytest.mark.parametrize("steps", [1, 2, 7, 150, 10_000, 400_000])
@pytest.mark.parametrize("ends", [(10, 10), (10, 40), (10, 1280), (2, 150)])
def test_the_curriculum_only_rises_and_ends_at_s1(steps, ends):
    s0, s1 = ends
    at = [grid_size(step, steps, s0, s1) - 1 for step in range(0, steps, max(1, steps // 1000))]
    assert at[0] == s0 and at == sorted(at) and max(at) <= s1
    if steps >= 100:
        assert grid_size(steps - 1, steps, s0, s1) - 1 == s1


def test_the_curriculum_has_the_papers_eight_stages():
    sizes = [grid_size(step, 400_000, 10, 1280) - 1 for step in range(0, 400_000, 1000)]
    assert sorted(set(sizes)) == [10 * 2**k for k in range(8)]
    assert sizes.count(1280) == pytest.approx(sizes.count(10), abs=1)


def test_the_end_of_the_curriculum_follows_the_number_of_steps():
    ends = [curriculum_end(steps, 10) for steps in (1, 300, 10_000, 50_000, 400_000, 10**9)]
    assert ends == [10, 10, 20, 160, 1280, 1280]
    assert curriculum_end(10, 2000) == 2000


def test_dropout_is_shared_by_student_and_teacher():
    torch.manual_seed(0)
    dropout = nn.Dropout(0.5)
    x = torch.ones(100)
    with replayed(torch.device("cpu")):
        teacher = dropout(x)
    assert torch.equal(teacher, dropout(x))
    assert not torch.equal(teacher, dropout(x))


@pytest.mark.parametrize("number", [0, 1])
def test_tuning_stays_in_float32_where_denoising_is_in_bf16(number):
    torch.manual_seed(0)
    method, losses = Consistency(CONSISTENCY, 8, 3, 0, 1e-3), []
    nn.init.normal_(method.networks["denoiser"].last[2].weight)
    images = batch({"image": torch.randn(4, 3, 8, 8), "facts": NOTHING[:4]})
    for bf16 in (False, True):
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss, _ = method.phases()[number].loss(images, State(99 * number, 100, method.networks))
        losses.append(loss.item())
    assert (losses[0] == losses[1]) == (number == 1)


def test_the_teacher_gets_no_gradient_and_the_same_noise():
    """The residual of two points on one path goes to zero as they approach; with two noises it would not."""
    torch.manual_seed(0)
    network = NETWORK.model_copy(update={"dropout": 0.5})
    changes = {"pretrain_share": 0.0, "s0": 2000, "s1": 2000, "network": network}
    method = Consistency(CONSISTENCY.model_copy(update=changes), 8, 3, 0, 1e-3)
    method.networks.train()
    x = torch.randn(64, 3, 8, 8) * 0.5
    asked = []
    method.networks["denoiser"].register_forward_hook(
        lambda module, inputs, output: asked.append((inputs, output.requires_grad))
    )
    loss, logs = method.phases()[1].loss(batch({"image": x, "facts": NOTHING}), State(0, 100, method.networks))
    assert [gradient for _, gradient in asked] == [False, True]
    assert logs["intervals"] == 2000 and loss.requires_grad
    (teacher, *_), (student, *_) = asked[0][0], asked[1][0]
    assert (teacher - student).abs().mean() < 0.05


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_pretraining_comes_first_and_its_share_is_kept(share):
    method = Consistency(CONSISTENCY.model_copy(update={"pretrain_share": share}), 8, 3, 0, 1e-3)
    states = [State(step, 10, method.networks) for step in range(10)]
    names = [[phase.name for phase in method.phases() if phase.due(state, {})] for state in states]
    first = round(10 * share)
    assert names == [["denoising"]] * first + [["consistency"]] * (10 - first)


def test_sampling_takes_one_or_two_steps():
    method = Consistency(CONSISTENCY, 8, 3, 2, 1e-3)
    for steps in (1, 2):
        drawn = torch.from_numpy(method.draw(np.random.default_rng(0), steps))[None]
        assert drawn.shape == (1, steps, 3, 8, 8)
        assert method.sample(method.networks, drawn, torch.zeros(1, 2), steps).shape == (1, 3, 8, 8)
    with pytest.raises(ValueError, match="1 or 2"):
        method.sample(method.networks, drawn, torch.zeros(1, 2), 3)
    first = [method.draw(np.random.default_rng(0), steps)[0] for steps in (1, 2)]
    assert np.array_equal(*first)


def test_noise_levels_out_of_order_are_refused():
    values = CONSISTENCY.model_dump()
    for change in ({"mid_sigma": 100.0}, {"s1": 5}, {"pretrain_share": 1.0}):
        with pytest.raises(ValueError):
            Params(**{**values, **change})


def waves(rng):
    """Smooth waves on 8 × 8 pixels: far from white noise, with few degrees of freedom."""
    phase, size = rng.uniform(0, 2 * np.pi, (2, 32, 1, 1)), rng.choice([0.3, 0.7], (32, 1, 1))
    across = np.arange(8) * 2 * np.pi / 8
    return (size * (np.sin(across[None, None] + phase[0]) + np.sin(across[None, :, None] + phase[1]))).astype(
        np.float32
    )


def sliced(one, other):
    directions = np.random.default_rng(0).standard_normal((64, 50))
    directions /= np.linalg.norm(directions, axis=0)
    sides = [
        np.quantile(np.reshape(x, (-1, 64)) @ directions, np.linspace(0.02, 0.98, 49), axis=0) for x in (one, other)
    ]
    return float(np.abs(sides[0] - sides[1]).mean())


@pytest.mark.parametrize("share", [0.5, 0.0])
def test_it_learns_a_small_distribution(tmp_path, share):
    torch.manual_seed(0)
    # Noise levels for 64 pixels, which need far less noise than a tile. The only fact is the size of the waves.
    config = {"pretrain_share": share, "sigma_max": 10.0, "p_mean": -0.5, "p_std": 1.5}
    network = NETWORK.model_copy(update={"multipliers": [1], "attention": []})
    method = Consistency(CONSISTENCY.model_copy(update=config | {"network": network}), 8, 1, 1, 1e-2)
    real = np.concatenate([waves(np.random.default_rng([9, part])) for part in range(8)])
    drawn = torch.from_numpy(np.stack([method.draw(np.random.default_rng(part), 2) for part in range(256)]))
    sizes = torch.from_numpy(np.random.default_rng(4).choice([-1, 1], (256, 1)).astype(np.float32))

    def sample(networks):
        with torch.inference_mode():
            return method.sample(networks, drawn, sizes, 2).numpy()[:, 0]

    def make(rng):
        images = torch.from_numpy(waves(rng)[:, None])
        return {"image": images, "facts": images.std(dim=(2, 3)).sub(0.5).sign()}

    before = sliced(sample(method.networks), real)
    loop = LOOP.model_copy(update={"steps": 160, "ema_half_life": 15.0, "warmup": 10})
    samples = sample(fit(method, make, tmp_path, loop).networks)
    assert sliced(samples, real) < 0.75 * before
    large = sizes[:, 0].numpy() > 0
    assert samples[large].std() > 1.3 * samples[~large].std(), "facts are not heeded"


LABELS = {"conditions": ("labels",), "condition_dropout": 0.5}


def steered(network=NETWORK, px=8, **config):
    params = CONSISTENCY.model_copy(update={"network": network} | LABELS | config)
    return Consistency(params, px, 1, 0, 1e-2, classes=2)


def test_labels_steer_the_samples_and_can_be_left_out(tmp_path):
    """Ground rises where the map says so; without a map it rises on a random side."""
    torch.manual_seed(0)
    config = {"sigma_max": 10.0, "p_mean": -0.5, "p_std": 1.5, "condition_dropout": 0.3}
    method = steered(NETWORK.model_copy(update={"multipliers": [1], "attention": []}), **config)

    def make(rng):
        side = rng.integers(0, 2, 32)
        labels = (np.arange(8)[None, None] // 4 == side[:, None, None]).repeat(8, axis=1)
        images = np.where(labels, 0.5, -0.5)[:, None] + 0.05 * rng.standard_normal((32, 1, 8, 8))
        return {
            "image": torch.from_numpy(images.astype(np.float32)),
            "facts": torch.zeros(32, 0),
            "labels": torch.from_numpy(labels.astype(np.uint8)),
        }

    networks = fit(method, make, tmp_path, LOOP.model_copy(update={"steps": 120, "ema_half_life": 15.0})).networks
    drawn = torch.from_numpy(np.stack([method.draw(np.random.default_rng(part), 2) for part in range(64)]))
    given = make(np.random.default_rng(7))["labels"].repeat(2, 1, 1)

    def east(conditions):
        with torch.inference_mode():
            image = method.sample(networks, drawn, torch.zeros(64, 0), 2, conditions)[:, 0]
        return (image[..., 4:].mean(dim=(1, 2)) - image[..., :4].mean(dim=(1, 2))).sign()

    wanted = 2 * given[:, 0, 4].float() - 1
    assert (east({"labels": given}) == wanted).float().mean() > 0.95
    assert 0.2 < (east({}) > 0).float().mean() < 0.8


@pytest.mark.parametrize("patch", [1, 2])
def test_the_map_comes_in_at_the_size_of_the_door(patch):
    method = steered(NETWORK.model_copy(update={"patch": patch, "attention": []}), px=16)
    seen = []
    method.networks["denoiser"].register_forward_hook(
        lambda module, given, named, output: seen.append(named["conditions"]["labels"]), with_kwargs=True
    )
    labels = torch.ones(64, 16, 16, dtype=torch.uint8)
    given = batch({"image": torch.randn(64, 1, 16, 16), "facts": NOTHING, "labels": labels})
    for phase in method.phases():
        torch.manual_seed(0)
        phase.loss(given, State(99, 100, method.networks))
    assert len(seen) == 3 and all(classes.shape == (64, 2, 16 // patch, 16 // patch) for classes in seen)
    assert torch.equal(seen[1], seen[2]), "student and teacher see the same map"
    shown = seen[0].flatten(1).amax(dim=1)
    assert 0.3 < shown.mean() < 0.7 and not seen[0][:, 0].any() and (seen[0][shown > 0, 1] == 1).all()


def test_without_conditions_the_network_takes_no_map_and_labels_need_classes():
    plain = Consistency(CONSISTENCY, 8, 1, 0, 1e-3, classes=2)
    assert plain.networks["denoiser"].first.weight.shape[1] == 1
    with pytest.raises(ValueError, match="no classes"):
        Consistency(CONSISTENCY.model_copy(update=LABELS), 8, 1, 0, 1e-3)
