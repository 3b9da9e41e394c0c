import pytest
import torch

from models.consistency.params import NetworkConfig
from models.consistency.unet import UNet
from tests.models.toys import NETWORK


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_it_keeps_shape_and_starts_at_zero(patch):
    network = UNet(NetworkConfig(**{**NETWORK.model_dump(), "patch": patch, "attention": []}), 16, 3, 2)
    x = torch.randn(2, 3, 16, 16)
    out = network(x, torch.tensor([0.1, -0.3]), torch.zeros(2, 2))
    assert out.shape == x.shape and (out == 0).all()


def test_every_weight_is_used():
    torch.manual_seed(0)
    network = UNet(NETWORK, 8, 2, 1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    network(torch.randn(2, 2, 8, 8), torch.tensor([0.1, 0.9]), torch.randn(2, 1)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())


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
