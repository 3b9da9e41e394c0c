import json

import numpy as np
import pytest
import torch

from models.core.artifact import build_method, load_model, save_model
from models.terrain_gan.encoding import ColorHeightEncoding
from models.terrain_gan.spade import REACH, Noise
from tests.models.settings import TERRAIN_GAN

CLASSES = [{"id": n, "name": f"class {n}", "red": 80 * n, "green": 0, "blue": 0} for n in range(3)]
MAPS = np.random.default_rng(0).integers(0, 3, (2, 8, 12), np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("painter")
    encoding = ColorHeightEncoding(bend=300.0, reach=2.5, gsd=100.0, slope=0.3)
    config = {"method": TERRAIN_GAN, "encoding": encoding.to_dict(), "px": 16}
    config |= {"gsd": 100.0, "classes": CLASSES}
    torch.manual_seed(0)
    method = build_method(config, 2e-4)
    for module in method.networks["generator"].modules():
        if isinstance(module, Noise):
            torch.nn.init.constant_(module.gain, 0.5 / REACH)
    save_model(folder, config, torch.nn.ModuleDict({name: method.networks[name] for name in method.ema}))
    return folder


@pytest.fixture(scope="module")
def painter(model):
    return load_model(model, "cpu")


def equal(one, other):
    return all(np.array_equal(getattr(one, part), getattr(other, part)) for part in ("texture", "shaded", "height"))


def test_it_paints_maps_of_any_size(painter):
    assert (painter.product, painter.conditions) == ("painting", ("labels",))
    assert (painter.px, painter.gsd, painter.stride, painter.classes) == (16, 100.0, 4, CLASSES)
    painted = painter.paint(MAPS, seed=1)
    assert painted.texture.shape == painted.shaded.shape == (2, 8, 12, 3) and painted.height.shape == (2, 8, 12)
    assert (painted.texture.dtype, painted.shaded.dtype, painted.height.dtype) == (np.uint8, np.uint8, np.float32)
    assert np.isfinite(painted.height).all() and (painted.texture != painted.shaded).any()
    assert painter.paint(MAPS[:0], seed=1).texture.shape == (0, 8, 12, 3)


def test_a_painting_depends_on_map_seed_and_place_alone(painter):
    both = painter.paint(MAPS, seed=1)
    assert equal(both, painter.paint(MAPS, seed=1))
    first = painter.paint(MAPS[:1], seed=1)
    assert np.array_equal(first.height[0], both.height[0]) and np.array_equal(first.shaded[0], both.shaded[0])
    assert not equal(both, painter.paint(MAPS, seed=2))
    twins = painter.paint(np.repeat(MAPS[:1], 2, axis=0), seed=1)
    assert not np.array_equal(twins.height[0], twins.height[1]), "two paintings of one map differ"


def test_noise_can_be_turned_off(painter):
    plain = np.ones((1, 16, 16), np.uint8)
    assert painter.paint(plain, 1).texture.std(axis=(1, 2)).max() > 0
    still = painter.paint(plain, 1, noise=0.0)
    assert np.ptp(still.texture, axis=(1, 2)).max() == 0 and np.ptp(still.height) < 0.01


def test_places_without_a_class_are_painted_too(painter):
    some = MAPS.copy()
    some[:, :4, :4] = 255
    assert np.isfinite(painter.paint(some, 1).height).all()


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (np.zeros((1, 8, 10), np.uint8), "10 × 8 pixels: both sides must be multiples of 4"),
        (np.full((1, 8, 8), 3, np.uint8), "class 3 is not the model's; it has 0 to 2"),
        (np.zeros((1, 8, 8), np.int64), "uint8"),
        (np.zeros((8, 8), np.uint8), r"\(n, h, w\)"),
    ],
)
def test_maps_that_cannot_be_painted_are_refused(painter, maps, message):
    with pytest.raises(ValueError, match=message):
        painter.paint(maps, 1)


def test_a_finished_model_has_no_judge_and_needs_no_file_to_compare_by(model, tmp_path):
    config = json.loads((model / "config.json").read_text())
    config["method"]["perceptual"]["vgg19"] = {"path": "where/the/training/was/vgg19.pth", "sha256": "0" * 64}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "weights.safetensors").write_bytes((model / "weights.safetensors").read_bytes())
    assert equal(load_model(tmp_path, "cpu").paint(MAPS, 1), load_model(model, "cpu").paint(MAPS, 1))
    assert b"discriminator" not in (model / "weights.safetensors").read_bytes()


@pytest.mark.parametrize(
    "change", [{"encoding": {"kind": "height"}}, {"method": {**TERRAIN_GAN, "generator": 1}}, {"classes": CLASSES[:2]}]
)
def test_a_model_whose_parts_do_not_fit_is_refused_by_name(model, tmp_path, change):
    config = json.loads((model / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
    (tmp_path / "weights.safetensors").write_bytes((model / "weights.safetensors").read_bytes())
    with pytest.raises(ValueError, match=f"{tmp_path}: not a model"):
        load_model(tmp_path)
