import numpy as np
import pytest
import torch

from models.core.conditions import majority, one_hot
from models.terrain_gan.params import GeneratorConfig
from models.terrain_gan.spade import REACH, Generator, Noise

CONFIG = GeneratorConfig(channels=[8, 8, 4], hidden=4, z=3)


def build(gain=0.0):
    torch.manual_seed(0)
    generator = Generator(CONFIG, 3)
    for module in generator.modules():
        if isinstance(module, Noise):
            torch.nn.init.constant_(module.gain, gain / REACH)
    return generator


def drawn(generator, n, height, width, seed=1):
    torch.manual_seed(seed)
    noises = [torch.randn(n, 1, *shape) for shape in generator.shapes(height, width)]
    return torch.randn(n, 3), noises


def maps(n, height, width):
    rng = np.random.default_rng(2)
    return one_hot(torch.from_numpy(rng.integers(0, 3, (n, height, width), np.uint8)), 3)


@pytest.mark.parametrize("size", [(4, 4), (16, 16), (8, 24), (36, 12)])
def test_maps_of_any_size_that_the_stride_divides(size):
    generator = build()
    assert generator.stride == 4
    z, noises = drawn(generator, 2, *size)
    texture, height = generator(z, maps(2, *size), noises)
    assert texture.shape == (2, 3, *size) and height.shape == (2, 1, *size)
    assert max(texture.abs().max(), height.abs().max()) <= 1


@pytest.mark.parametrize("size", [(6, 8), (8, 2), (0, 8)])
def test_other_sizes_are_refused_with_what_to_do(size):
    with pytest.raises(ValueError, match="multiples of 4; crop or enlarge"):
        build().shapes(*size)


def test_every_block_has_noise_and_its_gain_starts_at_nothing_but_can_grow():
    generator = build()
    gains = [module.gain for module in generator.modules() if isinstance(module, Noise)]
    assert len(gains) == len(generator.blocks) == 3 and not any(gain.any() for gain in gains)
    classes = maps(1, 16, 16)
    z, noises = drawn(generator, 1, 16, 16)
    _, others = drawn(generator, 1, 16, 16, seed=9)
    texture, height = generator(z, classes, noises)
    assert torch.equal(texture, generator(z, classes, others)[0]), "at first noise does nothing"
    (texture.square().mean() + height.mean()).backward()
    assert all(gain.grad.abs().sum() > 0 for gain in gains)


def test_noise_and_z_make_two_paintings_of_one_map():
    generator = build(gain=0.5)
    plain = torch.zeros(1, 16, 16, dtype=torch.uint8)
    classes = one_hot(plain, 3)
    z, noises = drawn(generator, 1, 16, 16)
    other_z, others = drawn(generator, 1, 16, 16, seed=9)
    one, two, three = (
        generator(*given)[0] for given in ((z, classes, noises), (z, classes, others), (other_z, classes, noises))
    )
    assert (one - two).abs().mean() > 1e-3 and (one - three).abs().mean() > 1e-3
    assert torch.equal(one, generator(z, classes, noises)[0])
    still = [torch.zeros_like(noise) for noise in noises]
    assert generator(z, classes, still)[0].std(dim=(2, 3)).max() < 1e-5, "one class without noise is one colour"


def test_training_and_painting_are_the_same_function():
    """Batch normalisation would give different results, which depend on the neighbours in a batch."""
    generator = build(gain=0.5)
    z, noises = drawn(generator, 4, 16, 16)
    classes = maps(4, 16, 16)
    trained = generator.train()(z, classes, noises)
    painted = generator.eval()(z, classes, noises)
    assert all(torch.equal(one, other) for one, other in zip(trained, painted, strict=True))
    assert not list(generator.buffers()), "there is no running mean to be stale"
    alone = generator(z[:1], classes[:1], [noise[:1] for noise in noises])
    assert torch.allclose(alone[0], painted[0][:1], atol=1e-5)


def test_a_large_map_is_painted_as_a_crop_of_it_would_be():
    """Nothing is averaged over the image, so distant pixels do not matter."""
    generator = build(gain=0.5)
    z, noises = drawn(generator, 1, 16, 256)
    classes = maps(1, 16, 256)
    far = classes.clone()
    far[..., 192:] = far[..., 192:].flip(1)
    one, two = generator(z, classes, noises)[0], generator(z, far, noises)[0]
    assert torch.equal(one[..., :64], two[..., :64]) and not torch.equal(one[..., 192:], two[..., 192:])


def test_no_class_is_all_zeros():
    hot = one_hot(torch.tensor([[[0, 2], [255, 1]]], dtype=torch.uint8), 3)
    assert hot[0].flatten(1).T.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_majority_takes_the_most_frequent_and_the_lowest_among_equals():
    labels = torch.tensor([[[2, 2, 1, 0, 255, 255], [2, 0, 0, 1, 255, 1], [255, 255, 1, 2, 0, 0], [0, 1, 1, 2, 0, 0]]])
    shrunk = majority(one_hot(labels.to(torch.uint8), 3), 2)
    number = torch.where(shrunk.sum(dim=1) > 0, shrunk.argmax(dim=1), 255)
    assert number[0].tolist() == [[2, 0, 255], [255, 1, 0]]
    assert majority(shrunk, 1) is shrunk
