import json

import numpy as np
import pytest
import torch

from models.consistency.encoding import HeightEncoding
from models.core.artifact import SLOTS, build_method, load_model, save_model
from tests.models.toys import CONSISTENCY, NETWORK


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    tiles = np.random.default_rng(0).normal(500, 80, (20, 8, 8)).astype(np.float32)
    encoding = HeightEncoding.fit([tiles], 0.5)
    network = NETWORK.model_dump()
    config = {"method": "consistency", "network": network, "consistency": CONSISTENCY.model_dump(), "px": 8}
    config |= {"channels": 1, "facts": 2, "gsd": 90.0, "encoding": encoding.to_dict()}
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
    assert (generator.px, generator.gsd, generator.config["channels"]) == (8, 90.0, 1)
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


def test_a_model_from_before_there_were_conditions_still_loads(model, tmp_path):
    config = json.loads((model / "config.json").read_text())
    for key in ("condition", "condition_dropout"):
        del config["consistency"][key]
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "weights.safetensors").write_bytes((model / "weights.safetensors").read_bytes())
    old, new = (load_model(folder, "cpu").sample(range(2), 1, 1) for folder in (tmp_path, model))
    assert np.array_equal(old, new)
    with pytest.raises(ValueError, match="not trained with labels"):
        load_model(tmp_path, "cpu").sample([0], 1, 1, np.zeros((1, 8, 8), np.uint8))


def test_a_sample_by_labels_does_not_depend_on_its_company(model, tmp_path):
    config = json.loads((model / "config.json").read_text())
    config["consistency"] |= {"condition": "labels", "condition_dropout": 0.1}
    config["classes"] = [{"id": n} for n in range(2)]
    torch.manual_seed(0)
    method = build_method(config, 1e-3)
    for parameter in method.networks.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    save_model(tmp_path, config, method.networks)
    generator = load_model(tmp_path, "cpu")
    maps = np.random.default_rng(0).integers(0, 2, (4, 8, 8), np.uint8)
    indices = [0, 0, SLOTS, 1]  # one index under two maps
    together = generator.sample(indices, 1, 2, maps)
    assert not np.array_equal(together[0], together[1])
    for place, index in enumerate(indices):
        assert np.array_equal(generator.sample([index], 1, 2, maps[place : place + 1])[0], together[place])
    none = generator.sample([0], 1, 2, np.full((1, 8, 8), 255, np.uint8))
    assert np.array_equal(none, generator.sample([0], 1, 2)), "a map without classes is no map"
    with pytest.raises(ValueError, match="one map of 8 × 8 for each index"):
        generator.sample([0], 1, 2, maps)


def test_a_folder_that_is_no_model_is_refused_by_name(model, tmp_path):
    with pytest.raises(ValueError, match=f"{tmp_path}: not a model"):
        load_model(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes((model / "weights.safetensors").read_bytes()[:100])
    config = json.loads((model / "config.json").read_text())
    for change, reason in [
        ({}, "SafetensorError"),
        ({"format": "landloom-model/9"}, "landloom-model/9"),
        ({"method": "magic"}, "magic"),
        ({"network": {**config["network"], "depth": 3}}, "depth"),
    ]:
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(ValueError, match=reason):
            load_model(tmp_path)


def test_no_file_of_a_model_runs_code(model):
    assert sorted(path.name for path in model.iterdir()) == ["config.json", "weights.safetensors"]
