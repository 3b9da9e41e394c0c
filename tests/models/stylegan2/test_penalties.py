import torch

from models.core.adversarial import fooling, gradient_penalty, judging
from models.stylegan2.discriminator import Discriminator
from models.stylegan2.params import Params
from models.stylegan2.path_length import path_lengths
from models.stylegan2.synthesis import Synthesis

PARAMS = Params(generator={"z": 4, "w": 3, "width": 64, "most": 2})


def test_r1_is_the_squared_slope_by_finite_differences():
    torch.manual_seed(1)
    judge = Discriminator(PARAMS, 32, 1, 0).requires_grad_(False)
    judge.group = 1  # a picture alone, so that many can be judged at once
    x = torch.randn(1, 1, 32, 32)
    found = gradient_penalty(judge, x)
    near = (1e-2 * torch.eye(1024)).view(1024, 1, 32, 32)
    with torch.no_grad():
        slopes = (judge(x + near) - judge(x - near)) / 2e-2
    assert torch.allclose(found, slopes.square().sum(), rtol=0.02)


def test_the_gradient_of_r1_is_right_too():
    """The penalty is trained, so its own slope counts: along a random direction of the weights."""
    torch.manual_seed(2)
    judge = Discriminator(PARAMS, 32, 1, 0)
    x = torch.randn(4, 1, 32, 32)
    weight = judge.blocks["32"].first.weight
    direction = torch.randn_like(weight)
    (gradient,) = torch.autograd.grad(gradient_penalty(judge, x).mean(), weight)

    def moved(step):
        with torch.no_grad():
            weight.add_(step * direction)
        value = gradient_penalty(judge, x).mean().item()
        with torch.no_grad():
            weight.sub_(step * direction)
        return value

    slope = (moved(1e-2) - moved(-1e-2)) / 2e-2
    assert abs((gradient * direction).sum().item() - slope) < 0.03 * abs(slope) + 1e-6


def test_path_length_is_the_norm_of_the_jacobian_along_y_by_finite_differences(monkeypatch):
    torch.manual_seed(3)
    synthesis = Synthesis(PARAMS, 32, 1).requires_grad_(False)
    noise = [torch.randn(1, 1, side, side) for side in synthesis.shapes]
    styles, y = torch.randn(1, synthesis.layers, 3), torch.randn(1, 1, 32, 32)
    monkeypatch.setattr(torch, "randn_like", lambda like: y)
    given = styles.clone().requires_grad_()
    found = path_lengths(synthesis(given, noise), given)
    step, slopes = 1e-2, []
    with torch.no_grad():
        for one in torch.eye(styles.numel()).view(-1, *styles.shape):
            apart = synthesis(styles + step * one, noise) - synthesis(styles - step * one, noise)
            slopes.append((apart * y).sum() / (2 * step) / 32)
    expected = (torch.stack(slopes).square().sum() / synthesis.layers).sqrt()
    assert torch.allclose(found, expected, rtol=0.02)


def test_losses_of_a_judge_that_knows_nothing_and_of_one_that_is_sure():
    zero, high = torch.zeros(4), torch.full((4,), 20.0)
    log2 = torch.log(torch.tensor(2.0))
    assert torch.allclose(judging("logistic", zero, zero), 2 * log2) and torch.allclose(
        fooling("logistic", None, zero), log2
    )
    assert judging("logistic", high, -high) < 1e-6 and fooling("logistic", None, -high) > 19
    # Relativistic pairs know only differences.
    for shift in (0.0, 7.0):
        assert torch.allclose(judging("relativistic", zero + shift, zero + shift), log2)
    assert judging("relativistic", high, zero) < 1e-6 and fooling("relativistic", high, zero) > 19
