import pytest
import torch

from models.terrain_gan.lightness import to_lab, to_srgb


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [  # published values at the corners of sRGB; the last, on the linear parts of both curves, by hand
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0, 0)),
        ((5, 8, 3), (1.92, -1.48, 1.62)),
    ],
)
def test_known_colours(rgb, lab):
    image = torch.tensor(rgb, dtype=torch.float32)[None, :, None, None] / 127.5 - 1
    assert to_lab(image)[0, :, 0, 0].tolist() == pytest.approx(lab, abs=0.12)


def test_there_and_back():
    torch.manual_seed(0)
    image = torch.rand(2, 3, 8, 8) * 2 - 1
    assert torch.allclose(to_srgb(to_lab(image)), image, atol=2e-4)


def test_gradients_are_finite_at_black_at_white_and_outside():
    image = torch.tensor([-1.0, 1.0, -1.5, 1.5, 0.0]).view(1, 1, 1, 5).expand(1, 3, 1, 5).clone().requires_grad_()
    to_srgb(to_lab(image) + 3).sum().backward()
    assert torch.isfinite(image.grad).all() and image.grad[..., 4].abs().sum() > 0
