import numpy as np
import pytest
import torch
import torch.nn.functional as F

from models.stylegan2 import record
from models.stylegan2.augment import blit as blitting
from models.stylegan2.augment import color, corrupt, geometric
from models.stylegan2.augment.adaptive import Adaptive
from models.stylegan2.augment.bands import SYM2, bands, bank
from models.stylegan2.augment.blit import blit, moved
from models.stylegan2.augment.chance import ANY, Chance, Keep
from models.stylegan2.augment.pipeline import GROUPS, augment
from models.stylegan2.augment.resample import SYM6, Sampled, resampled
from models.stylegan2.params import AugmentConfig, Params
from tests.models.settings import STYLEGAN2

PICTURES = torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
NOTHING = torch.zeros(8, dtype=torch.long)


def test_without_probability_nothing_changes_to_the_bit():
    assert augment(PICTURES, 0.0, GROUPS) is PICTURES
    assert augment(PICTURES, 1.0, ()) is PICTURES
    for transform in GROUPS.values():
        assert torch.equal(transform(PICTURES, Chance(8, 0.0), ANY), PICTURES)


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("mirror", [0, 1])
def test_mirror_and_quarter_turns_are_exact(turn, mirror):
    found = moved(PICTURES, NOTHING + mirror, NOTHING + turn, torch.zeros(8, 2, dtype=torch.long))
    expected = torch.rot90(PICTURES.flip(3) if mirror else PICTURES, turn, (2, 3))
    assert torch.equal(found, expected)


def test_translation_by_whole_pixels_is_exact_and_reflects():
    found = moved(PICTURES, NOTHING, NOTHING, torch.tensor([[3, -2]] * 8))
    padded = F.pad(PICTURES, (3, 0, 0, 2), mode="reflect")
    assert torch.equal(found, padded[:, :, 2:, :32])


def test_each_picture_has_its_own_transformation():
    torch.manual_seed(1)
    chance = Chance(8, 0.3)
    found = blit(PICTURES, chance, ANY)
    same = torch.tensor([torch.equal(one, other) for one, other in zip(found, PICTURES, strict=True)])
    assert 0 < same.sum() < 8 and same[~chance.hit].all()


def test_lettering_is_never_mirrored_or_turned():
    torch.manual_seed(2)
    letter = torch.full((64, 1, 32, 32), -1.0)
    letter[:, :, 8:24, 10] = letter[:, :, 8, 10:20] = 1.0  # an upside-down L
    for seed in range(4):
        torch.manual_seed(seed)
        found = augment(letter, 1.0, ("blit", "geometric"), Keep(upright=True))
        rows, columns = (found > 0).sum(dim=3).amax(dim=2), (found > 0).sum(dim=2).amax(dim=2)
        assert (columns >= rows).float().mean() > 0.9, "the long stroke stays upright"
        left = (found > 0).float().sum(dim=2)[:, 0].argmax(dim=1)
        mass = ((found > 0).float().sum(dim=2)[:, 0] * torch.arange(32)).sum(1) / (found > 0).float().sum((1, 2, 3))
        assert (left <= mass + 1).float().mean() > 0.9, "and on the left"


@pytest.mark.parametrize("card", [{"mirror": False}, {"mirror": True}, {}])
def test_tiles_whose_card_forbids_mirror_images_are_turned_only(card, monkeypatch):
    monkeypatch.setattr(blitting, "SHIFT", 0.0)
    params = Params(**{**STYLEGAN2, "augment": {"groups": ["blit"], "p": 1.0}})
    torch.manual_seed(8)
    seen = record.build(params, {"px": 32, **card}, 1e-3)._seen(PICTURES[:1].repeat(32, 1, 1, 1))
    turns = [torch.rot90(PICTURES[0], turn, (1, 2)) for turn in range(4)]
    plain = [any(torch.equal(each, turn) for turn in turns) for each in seen]
    assert any(plain) and all(plain) == (card.get("mirror") is False)


def test_the_filters_are_orthogonal_wavelets():
    for taps, moments in ((SYM6, 6), (SYM2, 2)):
        taps = np.array(taps)
        for lag in range(0, len(taps), 2):
            assert np.dot(taps[lag:], taps[: len(taps) - lag]) == pytest.approx(float(lag == 0), abs=1e-7)
        high = taps[::-1] * (-1) ** np.arange(len(taps))
        for power in range(moments):
            assert np.dot(high, np.arange(len(taps), dtype=float) ** power) == pytest.approx(0, abs=1e-3)


def test_resampling_without_a_map_and_by_whole_pixels_is_the_picture():
    identity = torch.eye(3)[:2].repeat(8, 1, 1)
    assert torch.allclose(resampled(PICTURES, identity), PICTURES, atol=1e-5)
    smooth = F.avg_pool2d(PICTURES, 9, 1, 4)
    identity[:, 0, 2] = -2 * 5 / 32  # the result's pixel comes from 5 pixels further left
    found = resampled(smooth, identity)
    assert torch.allclose(found[..., 8:-8, 16:-8], smooth[..., 8:-8, 11:-13], atol=1e-4)
    turned = torch.tensor([[0.0, -1, 0], [1, 0, 0]]).repeat(8, 1, 1)
    waves = F.interpolate(PICTURES[..., :4, :4], size=32, mode="bicubic")
    found, expected = resampled(waves, turned), torch.rot90(waves, 1, (2, 3))
    assert torch.corrcoef(torch.stack([found.flatten(), expected.flatten()]))[0, 1] > 0.9999


def test_resampling_has_derivatives_of_every_order():
    torch.manual_seed(3)
    x = torch.randn(1, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    places = torch.rand(1, 3, 3, 2, dtype=torch.float64) * 3 - 1.5
    assert torch.autograd.gradcheck(lambda x: Sampled.apply(x, places), (x,))
    assert torch.autograd.gradgradcheck(lambda x: Sampled.apply(x, places).square(), (x,))


def test_colour_matrices_in_closed_form(monkeypatch):
    grey = torch.tensor([0.3, 0.3, 0.3, 1.0])
    torch.manual_seed(4)
    matrices = color.draw(Chance(64, 1.0))
    assert torch.allclose(matrices[:, 3], torch.tensor([0.0, 0, 0, 1]).expand(64, -1))
    greys = matrices @ grey
    assert torch.allclose(greys[:, 0], greys[:, 1], atol=1e-4) and torch.allclose(greys[:, 1], greys[:, 2], atol=1e-4)
    assert torch.equal(color.draw(Chance(3, 0.0)), torch.eye(4).expand(3, -1, -1))
    turn = color._rotation(torch.tensor([2 * np.pi / 3]), torch.ones(3) / 3**0.5)[0, :3, :3]
    assert torch.allclose(turn @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), atol=1e-6), "red becomes green"
    with pytest.raises(ValueError, match="3 channels, not 1"):
        color.color(PICTURES[:, :1], Chance(8, 1.0))


def test_the_bands_add_up_and_each_passes_its_octave():
    filters = bank()
    delta = torch.zeros(filters.shape[1], dtype=torch.float64)
    delta[filters.shape[1] // 2] = 1
    assert torch.allclose(filters.sum(dim=0), delta, atol=1e-12)
    response = torch.fft.rfft(filters, 256).abs()
    for band, centre in enumerate((0.04, 0.18, 0.36, 0.8)):
        assert response[:, int(centre * 128)].argmax() == band
    torch.manual_seed(5)
    constant = torch.ones(8, 3, 32, 32)
    found = bands(constant, Chance(8, 1.0))
    assert torch.allclose(found, found[:, :, :1, :1].expand_as(found), atol=1e-4)


def test_corruptions_change_what_they_say():
    torch.manual_seed(6)
    found = corrupt.cutout(torch.ones(64, 1, 32, 32), Chance(64, 1.0))
    assert found.unique().tolist() == [0.0, 1.0] and (found == 0).sum(dim=(2, 3)).max() <= 17**2
    noisy = corrupt.noise(torch.zeros(64, 1, 32, 32), Chance(64, 1.0))
    assert noisy.std(dim=(2, 3)).square().mean().sqrt() == pytest.approx(corrupt.NOISE, rel=0.3)


def test_the_maps_of_geometry_are_inverses_in_the_papers_order():
    torch.manual_seed(7)
    upright = geometric.draw(Chance(32, 1.0), True)
    assert torch.allclose(upright[:, 0, 1], torch.zeros(32)) and torch.allclose(upright[:, 0, 0], upright[:, 1, 1])
    free = geometric.draw(Chance(512, 1.0), False)
    maps = torch.cat([torch.randn(8, 2, 3), torch.tensor([[[0.0, 0.0, 1.0]]]).expand(8, -1, -1)], dim=1)
    assert torch.allclose(geometric._inverse(maps), torch.linalg.inv(maps)[:, :2], atol=1e-3, rtol=1e-3)
    areas = torch.linalg.det(free[:, :, :2]).log2()
    assert areas.mean().abs() < 0.1 and areas.std() == pytest.approx(0.4, rel=0.2), "only the scale changes the area"


def test_p_rises_while_the_judge_is_sure_and_falls_again():
    memory: dict[str, float] = {}
    adaptive = Adaptive(AugmentConfig(images=800, every=4), 10, memory)  # 800 pictures, steps of 4 × 10: 0.05 a change
    for _ in range(4 * 4):
        adaptive.turn(torch.tensor(1.0))
    assert adaptive.p == pytest.approx(0.2)
    for _ in range(4 * 100):
        adaptive.turn(torch.tensor(0.9))
    assert adaptive.p == 0.8, "it stops before transformations leak"
    for _ in range(4 * 3):
        adaptive.turn(torch.tensor(0.5))
    assert adaptive.p == pytest.approx(0.65)
    fixed = Adaptive(AugmentConfig(p=0.3), 10, {})
    fixed.turn(torch.tensor(1.0))
    assert fixed.p == 0.3
