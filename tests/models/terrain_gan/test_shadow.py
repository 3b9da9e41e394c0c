import pytest
import torch

from models.terrain_gan.lightness import to_lab
from models.terrain_gan.shadow import Shadow, slopes


def build():
    torch.manual_seed(0)
    return Shadow(8)


def texture(n=2, low=-0.3, high=0.3):
    """Muted colours that stay within sRGB for every change of lightness."""
    torch.manual_seed(1)
    return torch.rand(n, 3, 12, 12) * (high - low) + low


def test_slopes_are_metres_a_metre_over_the_typical_one():
    metres = 50.0 * torch.arange(6.0).expand(1, 1, 6, 6)  # rises 50 m with every pixel to the east
    bent = slopes(metres, gsd=100.0, typical=0.25)
    assert bent.shape == (1, 2, 6, 6)
    assert torch.allclose(bent[:, 0, :, :5], torch.asinh(torch.tensor(2.0)).expand(1, 6, 5))
    assert not bent[:, 1].any() and not bent[:, 0, :, 5].any()
    south = slopes(metres.mT, 100.0, 0.25)
    assert torch.allclose(south[:, 1], bent[:, 0].mT) and not south[:, 0].any()


def test_shading_changes_lightness_and_nothing_else():
    shadow, flat = build(), texture()
    ground = slopes(torch.randn(2, 1, 12, 12) * 40, 100.0, 0.3)
    before, after = to_lab(flat), to_lab(shadow(flat, ground))
    assert (after[:, 0] - before[:, 0]).abs().mean() > 1
    assert (after[:, 1:] - before[:, 1:]).abs().max() < 0.05


def test_flat_ground_keeps_its_colour():
    shadow, flat = build(), texture(low=-1.0, high=1.0)
    assert torch.allclose(shadow(flat, torch.zeros(2, 2, 12, 12)), flat, atol=1e-3)


def test_it_sees_the_ground_from_one_side():
    """A picture of mirrored ground under the same sun differs from the mirrored picture."""
    shadow, flat, metres = build(), texture(), torch.randn(2, 1, 12, 12) * 40
    lit = shadow(flat, slopes(metres, 100.0, 0.3))
    mirrored = shadow(flat.flip(3), slopes(metres.flip(3), 100.0, 0.3))
    assert (mirrored - lit.flip(3)).abs().mean() > 0.01


@pytest.mark.parametrize("colour", [-1.0, 1.0])
def test_gradients_reach_texture_and_ground_and_stay_finite(colour):
    shadow, flat = build(), texture()
    flat[0] = colour
    flat.requires_grad_()
    metres = (torch.randn(2, 1, 12, 12) * 40).requires_grad_()
    shadow(flat, slopes(metres, 100.0, 0.3)).square().mean().backward()
    assert torch.isfinite(flat.grad).all() and flat.grad[1].abs().sum() > 0
    assert torch.isfinite(metres.grad).all() and metres.grad.abs().sum() > 0
