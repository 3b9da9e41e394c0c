import json

import numpy as np
import pytest
import torch

from models.core.artifact import build_method, load_model, save_model
from models.core.height_encoding import HeightEncoding
from models.core.slots import SLOTS
from tests.models.toys import CONSISTENCY


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tiles = np.random.default_rng(0).normal(500, 80, (20, 8, 8)).astype(np.float32)
    encoding = HeightEncoding.fit([tiles], 0.5)
    config = {"method": CONSISTENCY.model_dump(), "px": 8, "gsd": 90.0, "encoding": encoding.to_dict()}
    torch.manual_seed(0)
    method = build_method(config, 1e-3)
    for parameter in method.networks.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    save_model(folder, config, method.networks)
    return folder


def test_it_makes_heights(model):
    generator = load_model(model, "cpu")
    heights = generator.sample(range(3), seed=1, steps=2)
    assert heights.shape == (3, 8, 8) and heights.dtype == np.float32 and np.isfinite(heights).all()
    assert (generator.px, generator.gsd, generator.product, generator.evaluations) == (8, 90.0, "heights", (1, 2))
    assert (generator.conditions, generator.classes, generator.config["product"]) == ((), [], "heights")
    assert generator.sample([], 1, 2).shape == (0, 8, 8)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_sample_does_not_depend_on_its_company(model, steps):
    generator = load_model(model, "cpu")
    together = generator.sample(range(2 * SLOTS + 3), seed=1, steps=steps)
    for index in (0, 5, SLOTS - 1, SLOTS, 2 * SLOTS + 2):
        assert np.array_equal(generator.sample([index], 1, steps)[0], together[index])
    mixed = [SLOTS + 2, 1, 1, 2 * SLOTS]
    assert np.array_equal(generator.sample(np.array(mixed), 1, steps), together[mixed])
    assert not np.array_equal(generator.sample([0], 2, steps)[0], together[0])


def test_a_model_that_takes_no_condition_says_so(model):
    with pytest.raises(ValueError, match="does not take the condition 'labels'; it takes none"):
        load_model(model, "cpu").sample([0], 1, 1, {"labels": np.zeros((1, 8, 8), np.uint8)})


def test_a_sample_by_labels_does_not_depend_on_its_company(model, tmp_path):
    config = json.loads((model / "config.json").read_text())
    config["method"] |= {"conditions": ["labels"], "condition_dropout": 0.1}
    config["classes"] = [{"id": n} for n in range(2)]
    torch.manual_seed(0)
    method = build_method(config, 1e-3)
    for parameter in method.networks.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    save_model(tmp_path, config, method.networks)
    generator = load_model(tmp_path, "cpu")
    maps = np.random.default_rng(0).integers(0, 2, (4, 8, 8), np.uint8)
    indices = [0, 0, SLOTS, 1]  # one index under two maps
    together = generator.sample(indices, 1, 2, {"labels": maps})
    assert not np.array_equal(together[0], together[1])
    for place, index in enumerate(indices):
        assert np.array_equal(generator.sample([index], 1, 2, {"labels": maps[place : place + 1]})[0], together[place])
    none = generator.sample([0], 1, 2, {"labels": np.full((1, 8, 8), 255, np.uint8)})
    assert np.array_equal(none, generator.sample([0], 1, 2)), "a map without classes is no map"
    assert np.array_equal(none, generator.sample([0], 1, 2, {})), "a condition may be left out"
    for given, message in [
        ({"labels": maps}, "needs one entry for each of 1 samples"),
        ({"labels": maps[:1, :4]}, "one map of 8 × 8 for each index"),
        ({"text": ["hills"]}, "does not take the condition 'text'; it takes labels"),
    ]:
        with pytest.raises(ValueError, match=message):
            generator.sample([0], 1, 2, given)


def test_a_folder_that_is_no_model_is_refused_by_name(model, tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path}: not a model"):
        load_model(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes((model / "weights.safetensors").read_bytes()[:100])
    config = json.loads((model / "config.json").read_text())
    for change, reason in [
        ({}, "SafetensorError"),
        ({"format": "landloom-model/9"}, "landloom-model/9"),
        ({"format": "landloom-model/1"}, "only 'landloom-model/2' can be read; train it again"),
        ({"method": {"name": "magic"}}, "no method 'magic'; there are consistency, "),
        ({"method": {**config["method"], "depth": 3}}, "depth"),
    ]:
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(ValueError, match=reason):
            load_model(tmp_path)


def test_no_file_of_a_model_runs_code(model):
    assert sorted(path.name for path in model.iterdir()) == ["config.json", "weights.safetensors"]
