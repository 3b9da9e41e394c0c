import pytest
import torch
from safetensors.torch import save_file

from models.core.perceptual import VGG, Perceptual

NUMBERS = (
    0,
    2,
    5,
    7,
    10,
    12,
    14,
    16,
    19,
    21,
    23,
    25,
    28,
)  # indices of the convolutions of VGG-19 among its layers, up to relu5_1


@pytest.fixture(scope="module")
def weights():
    """Small random weights with the shapes of VGG-19."""
    torch.manual_seed(0)
    widths = [64] * 2 + [128] * 2 + [256] * 4 + [512] * 5
    found, inside = {}, 3
    for number, width in zip(NUMBERS, widths, strict=True):
        found[f"features.{number}.weight"] = torch.randn(width, inside, 3, 3) * (2 / (9 * inside)) ** 0.5
        found[f"features.{number}.bias"] = torch.zeros(width)
        inside = width
    return found


def pictures():
    torch.manual_seed(1)
    return torch.rand(2, 3, 32, 32) * 2 - 1, torch.rand(2, 3, 32, 32) * 2 - 1


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_vgg_is_read_from_a_file(weights, tmp_path, suffix):
    path = tmp_path / f"vgg19.{suffix}"
    save_file(weights, path) if suffix == "safetensors" else torch.save(weights, path)
    network = Perceptual(path)
    assert network.kind == "vgg19" and len(network._convolutions()) == sum(count for _, count in VGG) == 13
    assert torch.equal(network._convolutions()[12].weight, weights["features.28.weight"])
    one, other = pictures()
    assert network(one, other) > 0 and network(one, one) == 0


def test_without_a_file_it_is_random_says_so_and_is_always_the_same():
    one, other = pictures()
    torch.manual_seed(4)
    first = Perceptual(None)
    torch.manual_seed(5)
    second = Perceptual(None)
    assert first.kind == "random" and torch.equal(first(one, other), second(one, other))
    touched = one + 0.2 * torch.randn_like(one)
    assert 0 == first(one, one) < first(touched, one) < first(other, one)


def test_it_learns_nothing_and_teaches_only_the_image():
    network, (one, other) = Perceptual(None), pictures()
    one.requires_grad_(), other.requires_grad_()
    network(one, other).backward()
    assert one.grad.abs().sum() > 0 and other.grad is None
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_file_that_is_not_vgg_is_refused_by_name(weights, tmp_path):
    path = tmp_path / "no.safetensors"
    with pytest.raises(ValueError, match=f"{path}: not weights of VGG-19"):
        Perceptual(path)
    for change, reason in [
        ({"features.28.weight": torch.zeros(512, 256, 3, 3)}, r"\(512, 256, 3, 3\) where VGG-19 has"),
        ({"features.0.bias": torch.zeros(1)}, r"\(1,\) where VGG-19 has"),
    ]:
        save_file({**weights, **change}, path)
        with pytest.raises(ValueError, match=reason):
            Perceptual(path)
    save_file({name: value for name, value in weights.items() if "features.28" not in name}, path)
    with pytest.raises(ValueError, match="12 convolutions .* where 13 or more are expected"):
        Perceptual(path)


def test_a_file_with_code_in_it_is_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "burst"), "w"))

    torch.save({"features.0.weight": Bomb()}, tmp_path / "bomb.pth")
    with pytest.raises(ValueError, match="not weights of VGG-19"):
        Perceptual(tmp_path / "bomb.pth")
    assert not (tmp_path / "burst").exists()
