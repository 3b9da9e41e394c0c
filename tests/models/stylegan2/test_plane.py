import numpy as np
import pytest
import torch

from models.core.artifact import load_model
from models.stylegan2.plane import Box, reach
from tests.generate.explore.toys import dreamer


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    return load_model(dreamer(tmp_path_factory.mktemp("plane")) / "model", "cpu").latent


def test_with_one_style_everywhere_a_layer_is_that_of_the_plain_network(space):
    plane, level = space.plane(3, 1.0, 1, 1), space._synthesis.levels["16"]
    w = plane._style(0, 0)
    plane._style = lambda row, col: w
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((1, 8, 8, 8), np.float32))
    box = Box(0, 0, 16, 16, 8)
    for layer, inside, given in ((level.up, box.halved(), x), (level.same, box, x.repeat(1, 1, 2, 2))):
        got = plane._layer(layer, given, inside, 0, 3, box, 0, 0)
        assert torch.allclose(got, layer(given, w, plane._noise(3, 8, 0, 0, 16, 16)), atol=1e-5)


def test_a_place_is_laid_over_its_neighbours_with_weights_of_sum_one(space):
    plane = space.plane(3, 1.0, 1, 1)
    known = {}

    def place(row, col):
        known[row, col] = torch.full((1, 2, 8, 8), float(10 * row + col))
        return known[row, col], torch.ones(1, 3, 8, 8)

    plane._coarse, plane._middle = place, lambda: (torch.zeros(1, 2, 8, 8), torch.zeros(1, 3, 8, 8))
    features, ones = plane._blended(-3, 5, 14, 11)
    assert torch.allclose(ones, torch.ones(1, 3, 14, 11), atol=1e-6)
    rows = (np.arange(-3, 11) + 0.5) / 4 - 0.5
    assert (np.abs(features[0, 0].numpy() - 10 * rows[:, None] - (np.arange(5, 16) + 0.5) / 4 + 0.5) < 1.1).all()
    assert torch.equal(plane._blended(0, 8, 4, 4)[0], features[:, :, 3:7, 3:7])


def test_what_all_places_have_in_common_makes_no_lattice(space):
    plane = space.plane(3, 1.0, 1, 1)
    shapes = plane._middle()
    plane._coarse = lambda row, col: shapes
    for found, shape in zip(plane._blended(-3, 5, 14, 11), shapes, strict=True):
        assert torch.allclose(found, found[:, :, :1, :1].expand_as(found), atol=1e-6)
        assert float(shape.std(dim=(2, 3)).mean()) > 1e-2, "it has a shape, which would repeat"


def test_windows_equal_the_whole(space):
    plane = space.plane(3, 1.0, 1, 1)
    whole = plane.region(-4, 4, 12, 8)
    parts = torch.cat([torch.cat([plane.region(r, c, 4, 4) for c in (4, 8)], dim=3) for r in (-4, 0, 4)], dim=2)
    assert whole.shape == (1, 3, 48, 32) and float((whole - parts).abs().max()) < 1e-5
    assert float(whole.std()) > 1e-2


def test_the_margin_is_as_small_as_it_can_be_and_large_enough(space):
    assert reach(4) == [3, 3, 2, 0] and reach(9) == [3, 3, 3, 3, 3, 3, 3, 2, 0]
    plane = space.plane(3, 1.0, 1, 1)
    before, seen = plane.region(0, 0, 4, 4), plane._blended

    def changed(top, left, rows, cols):
        features, picture = seen(top, left, rows, cols)
        features[:, :, 0] += 10.0  # the outermost row that is looked at
        return features, picture

    plane._blended = changed
    assert float((plane.region(0, 0, 4, 4) - before).abs().max()) > 1e-6  # so it is needed


def test_a_place_has_its_own_style_in_the_middle_and_noise_depends_on_the_place_alone(space):
    plane = space.plane(3, 1.0, 1, 1)
    layer = space._synthesis.levels["32"].same
    box = type("Box", (), {"top": 0, "left": 0, "rows": 64, "cols": 64, "place": 32})
    styles = plane._styles(layer.convolution, box, 0)
    middle = styles[0, :, 47:49, 15:17].mean(dim=(1, 2))
    assert torch.allclose(middle, layer.convolution.style(plane._style(1, 0))[0], atol=1e-2)
    assert torch.equal(plane._noise(2, 8, -9, 3, 20, 11)[..., 9:, 2:], plane._noise(2, 8, 0, 5, 11, 9))
    assert not torch.equal(plane._noise(2, 8, 0, 0, 8, 8), plane._noise(2, 8, 0, 8, 8, 8))


def test_neighbours_are_alike_in_a_patch_and_a_middle_has_the_latent_itself(space):
    plane = space.plane(3, 1.0, 1, 3)
    row = torch.cat([plane._style(1, col) for col in range(0, 12)])
    steps = (row[1:] - row[:-1]).norm(dim=1)
    single = space.plane(3, 1.0, 1, 1)
    assert torch.allclose(plane._style(1, 4), single._style(0, 1), atol=1e-6)  # the middle of a patch of 3 × 3
    apart = (torch.cat([single._style(0, col) for col in range(12)]).diff(dim=0)).norm(dim=1)
    assert steps.mean() < 0.7 * apart.mean()
