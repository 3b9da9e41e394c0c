import pytest
import torch

from models.consistency.params import NetworkConfig
from models.consistency.unet import Polish, UNet
from tests.models.toys import NETWORK


@pytest.mark.parametrize("polish", [0, 4])
@pytest.mark.parametrize("patch", [1, 2, 4])
def test_it_keeps_shape_and_starts_at_zero(patch, polish):
    config = NetworkConfig(**{**NETWORK.model_dump(), "patch": patch, "attention": [], "polish": polish})
    network = UNet(config, 16, 3, 2)
    x = torch.randn(2, 3, 16, 16)
    out = network(x, torch.tensor([0.1, -0.3]), torch.zeros(2, 2))
    assert out.shape == x.shape and (out == 0).all()


@pytest.mark.parametrize("polish", [0, 4])
def test_every_weight_is_used(polish):
    torch.manual_seed(0)
    network = UNet(NETWORK.model_copy(update={"polish": polish}), 8, 2, 1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    network(torch.randn(2, 2, 8, 8), torch.tensor([0.1, 0.9]), torch.randn(2, 1)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_polish_mixes_pixels_across_the_borders_of_patches():
    torch.manual_seed(0)
    polish = Polish(width=4, features=3, channels=1, patch=2)
    for parameter in polish.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    x, image = torch.randn(1, 4, 4, 4), torch.zeros(1, 1, 8, 8)
    bumped = image.clone()
    bumped[0, 0, 3, 3] = 1  # the last pixel of its patch
    moved = (polish(x, bumped) - polish(x, image))[0, 0] != 0
    assert moved[1:6, 1:6].all() and moved.sum() == 25, "two convolutions reach two pixels, in any direction"


def test_a_correction_changes_no_other_weight():
    """So that a model without it can be the start of one with it."""
    plain, polished = (UNet(NETWORK.model_copy(update={"polish": n}), 8, 1, 1).state_dict() for n in (0, 4))
    assert {name for name in polished if name not in plain} == {name for name in polished if name.startswith("polish.")}
    assert all(polished[name].shape == value.shape for name, value in plain.items())


def test_noise_level_and_facts_matter_for_each_sample_alone():
    torch.manual_seed(0)
    network = UNet(NETWORK, 8, 1, 1).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    x = torch.randn(1, 1, 8, 8).expand(2, -1, -1, -1)
    fact = torch.zeros(2, 1)
    out = network(x, torch.tensor([-1.0, 1.0]), fact)
    assert not torch.allclose(out[0], out[1])
    assert torch.allclose(out[:1], network(x[:1], torch.tensor([-1.0]), fact[:1]), atol=1e-5)
    assert not torch.allclose(out, network(x, torch.tensor([-1.0, 1.0]), fact + 1))


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="multiple of 2"):
        UNet(NETWORK, 9, 1, 0)
    with pytest.raises(ValueError, match=r"no level has side 4; the levels have sides \[16, 8\]"):
        UNet(NETWORK, 16, 1, 0)
