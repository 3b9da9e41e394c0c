import math

import pytest
import torch
import torch.nn.functional as F

from models.core.adversarial import published_gamma
from models.stylegan2.discriminator import Discriminator, deviation
from models.stylegan2.layers import Convolution, Linear, double, halve, taps
from models.stylegan2.mapping import Mapping
from models.stylegan2.params import Params, automatic, levels
from models.stylegan2.synthesis import Layer, Modulated, Synthesis


def weights(*networks) -> int:
    return sum(weight.numel() for network in networks for weight in network.parameters())


@pytest.mark.parametrize(
    ("width", "generator", "discriminator"),
    [
        # Section 4.2 of the paper: twice the channels of the fine levels make 30M of 25M, and 29M of 24M.
        (None, 30_370_060, 29_012_513),
        (16384, 24_900_764, 24_038_161),
    ],
)
def test_the_networks_have_the_published_numbers_of_weights(width, generator, discriminator):
    params = Params(generator={"mapping": 8, "width": width})
    with torch.device("meta"):
        makers = Mapping(params.generator, 0), Synthesis(params, 1024, 3)
        found = weights(*makers), weights(Discriminator(params, 1024, 3, 0))
    assert found == (generator, discriminator)
    assert [round(count / 1e6) for count in found] == ([30, 29] if width is None else [25, 24])


def test_each_side_has_its_levels_and_any_number_of_channels():
    params = Params(generator={"z": 4, "w": 4, "width": 64, "most": 4}, augment={"groups": []})
    for px in (32, 64, 128):
        synthesis, judge = Synthesis(params, px, 5), Discriminator(params, px, 5, 0)
        noise = [torch.randn(2, 1, side, side) for side in synthesis.shapes]
        picture = synthesis(torch.randn(2, synthesis.layers, 4), noise)
        assert synthesis.layers == 2 * int(math.log2(px)) - 2 and picture.shape == (2, 5, px, px)
        assert judge(picture).shape == (2,)
    with pytest.raises(ValueError, match="32, 64, 128, 256, 512, 1024 pixels, not of 96"):
        levels(96)


def literally(layer: Modulated, x, w, up):
    """Equations 1 and 3 for each picture, and a low-pass filter with explicit zeros between the pixels."""
    out = []
    for one, style in zip(x, layer.style(w), strict=True):
        kernel = layer.weight.flip(2, 3) if up else layer.weight  # as the transposed convolution stores it
        weight = kernel * layer._gain * style[None, :, None, None]
        weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if up:
            wide = torch.zeros(one.shape[0], 2 * one.shape[1], 2 * one.shape[2])
            wide[:, ::2, ::2] = one
            kernel = torch.tensor([1.0, 3, 3, 1]) / 4
            wide = F.pad(wide, (2, 1, 2, 1))[:, None]
            one = F.conv2d(wide, (kernel[:, None] * kernel)[None, None])[:, 0]
        out.append(F.conv2d(one[None], weight, padding=1)[0])
    return torch.stack(out)


@pytest.mark.parametrize("up", [False, True])
def test_modulated_convolution_is_what_its_equations_say(up):
    torch.manual_seed(1)
    layer = Modulated(3, 5, 3, 4, up=up)
    x, w = torch.randn(2, 3, 8, 8), torch.randn(2, 4)
    found, norms = layer(x, w)
    expected = literally(layer, x, w, up)
    found = found * norms
    # At the border the paper leaves open whether the filter or the convolution comes first.
    inner = (..., slice(2, -2), slice(2, -2)) if up else ...
    assert torch.allclose(found[inner], expected[inner], atol=1e-5)


def test_demodulation_gives_each_output_unit_variance_whatever_the_style():
    torch.manual_seed(2)
    layer = Modulated(32, 16, 3, 8)
    found, norms = layer(torch.randn(4, 32, 32, 32), 20 * torch.randn(4, 8))
    assert torch.allclose((found * norms)[..., 1:-1, 1:-1].std(dim=(2, 3)), torch.ones(()), atol=0.25)


def test_weights_are_standard_normal_and_outputs_keep_their_variance():
    torch.manual_seed(3)
    for layer, x in (
        (Linear(256, 256, active=True, rate=0.01), torch.randn(64, 256)),
        (Convolution(32, 64, 3), torch.randn(4, 32, 32, 32)),
    ):
        rate = 0.01 if isinstance(layer, Linear) else 1.0
        assert layer.weight.std().item() * rate == pytest.approx(1, rel=0.02)
        assert layer(x).square().mean().item() == pytest.approx(1 + 0.04, rel=0.1), "√2 · leaky ReLU keeps the power"


def test_features_keep_their_power_at_initialisation_on_every_level():
    torch.manual_seed(4)
    params = Params(generator={"z": 32, "w": 32, "width": 2048, "most": 32})
    mapping, synthesis = Mapping(params.generator, 0), Synthesis(params, 64, 3)
    powers = {}

    def keep(name):
        return lambda module, given, x: powers.update({name: x.square().mean().item()})

    for side, level in synthesis.levels.items():
        level.same.register_forward_hook(keep(side))
    styles = mapping(torch.randn(8, 32))[:, None].expand(-1, synthesis.layers, -1)
    synthesis(styles, [torch.randn(8, 1, side, side) for side in synthesis.shapes])
    # The low-pass filter of each level takes some power away, so it falls slowly.
    assert all(0.05 < power < 2 for power in powers.values()), powers
    assert styles.square().mean().item() == pytest.approx(1, rel=0.5)


def test_noise_has_no_effect_before_training_and_bias_begins_at_zero():
    layer = Layer(3, 4, 5, up=False)
    x, w = torch.randn(1, 3, 8, 8), torch.randn(1, 5)
    assert torch.equal(layer(x, w, torch.randn(1, 1, 8, 8)), layer(x, w, torch.zeros(1, 1, 8, 8)))


def test_resampling_is_the_filter_with_zeros_between_the_pixels():
    x = torch.randn(2, 3, 8, 8)
    inner = double(x, taps())[..., 1:-1, 1:-1]
    assert torch.allclose(inner, F.interpolate(x, scale_factor=2, mode="bilinear")[..., 1:-1, 1:-1], atol=1e-6)
    flat = torch.ones(1, 1, 8, 8)
    assert torch.allclose(double(flat, taps())[..., 1:-1, 1:-1], torch.ones(())), "zeros lie outside"
    assert torch.allclose(halve(flat, taps())[..., 1:-1, 1:-1], torch.ones(()))


def test_the_deviation_of_a_group_is_its_own():
    x = torch.cat([torch.ones(4, 2, 4, 4), torch.randn(4, 2, 4, 4)])
    found = deviation(x, 4)
    assert found.shape == (8, 1, 4, 4) and torch.allclose(found[:4], torch.tensor(1e-4), atol=1e-6)
    expected = x[4:].std(dim=0, unbiased=False).mean()
    assert torch.allclose(found[4:], expected, atol=1e-5)
    assert deviation(x[:6], 4).shape == (6, 1, 4, 4), "groups of three"


def test_the_mean_style_is_the_end_of_truncation():
    torch.manual_seed(5)
    mapping = Mapping(Params(generator={"z": 4, "w": 4}).generator, 0)
    styles = mapping(torch.randn(16, 4))
    mapping.observe(styles)
    assert torch.allclose(mapping.mean, 0.005 * styles.mean(dim=0), atol=1e-6)
    assert torch.equal(mapping.truncated(styles, 1.0), styles)
    assert torch.allclose(mapping.truncated(styles, 0.0), mapping.mean.expand(16, -1))


def test_settings_follow_the_side_as_published():
    params = Params()
    settings = {px: automatic(px) for px in (64, 256, 512, 1024)}
    assert [each["batch"] for each in settings.values()] == [32, 16, 8, 4]
    assert [each["lr"] for each in settings.values()] == [0.0025, 0.0025, 0.0025, 0.002]
    gammas = {px: published_gamma("logistic", px, batch) for px, batch in ((64, 32), (128, 32), (256, 16), (512, 8))}
    assert gammas == pytest.approx({64: 0.0256, 128: 0.1024, 256: 0.8192, 512: 6.5536})
    assert params.channels(256, 256) == 64 and params.channels(512, 512) == 64 and params.channels(256, 4) == 512
    assert Params(loss={"kind": "relativistic"}).loss.every == 1 and params.loss.every == 16
    assert params.groups == ("blit", "geometric", "color") and params.product == "image"
    heights = Params(layer="height")
    assert heights.groups == ("blit", "geometric") and heights.product == "heights"
    with pytest.raises(ValueError, match="color changes the meaning of heights"):
        Params(layer="height", augment={"groups": ["color"]})
