import numpy as np
import pytest
import torch

from models.core.artifact import load_model
from models.stylegan2.plane import reach
from tests.generate.explore.toys import dreamer


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    return load_model(dreamer(tmp_path_factory.mktemp("plane")) / "model", "cpu").latent


def test_one_place_without_surroundings_is_the_plain_network(space):
    plane = space.plane(3, 1.0, 1)
    style = plane._draw_style(0, 0)
    plane._style = lambda row, col: style
    alone = plane.region(0, 0, 4, 4, surrounded=False)
    values = np.clip(np.rint((np.moveaxis(alone[0].numpy(), 0, -1) + 1) * 127.5), 0, 255).astype(np.uint8)
    assert np.array_equal(values, plane.alone(0, 0))


def test_windows_equal_the_whole(space):
    plane = space.plane(3, 1.0, 1)
    whole = plane.region(-4, 4, 12, 8)
    parts = torch.cat([torch.cat([plane.region(r, c, 4, 4) for c in (4, 8)], dim=3) for r in (-4, 0, 4)], dim=2)
    assert whole.shape == (1, 3, 96, 64) and float((whole - parts).abs().max()) < 1e-5
    assert float(whole.std()) > 1e-2


def test_the_margin_is_as_small_as_it_can_be_and_large_enough(space):
    assert reach(4) == [3, 3, 2, 0] and reach(9) == [3, 3, 3, 3, 3, 3, 3, 2, 0]
    plane, constant = space.plane(3, 1.0, 1), space._synthesis.constant
    before, seen = plane.region(0, 0, 4, 4), plane._constant

    def changed(top, left, rows, cols, margin):
        values = seen(top, left, rows, cols, margin).clone()
        values[:, :, 0] += 10.0  # the outermost row that is looked at
        return values

    plane._constant = changed
    assert float((plane.region(0, 0, 4, 4) - before).abs().max()) > 1e-6  # so it is needed
    assert constant.shape[1:] == (4, 4)


def test_a_place_has_its_own_style_in_the_middle_and_noise_depends_on_the_place_alone(space):
    plane = space.plane(3, 1.0, 1)
    layer = space._synthesis.levels["32"].same
    box = type("Box", (), {"top": 0, "left": 0, "rows": 64, "cols": 64, "place": 32})
    styles = plane._styles(layer.convolution, box, 0)
    middle = styles[0, :, 47:49, 15:17].mean(dim=(1, 2))
    assert torch.allclose(middle, layer.convolution.style(plane._style(1, 0))[0], atol=1e-2)
    assert torch.equal(plane._noise(2, 8, -9, 3, 20, 11)[..., 9:, 2:], plane._noise(2, 8, 0, 5, 11, 9))
    assert not torch.equal(plane._noise(2, 8, 0, 0, 8, 8), plane._noise(2, 8, 0, 8, 8, 8))
