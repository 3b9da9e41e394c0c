import json

import pytest
import torch

from models.core.adversarial import judging
from models.core.artifact import build_method, finished, load_model, save_model
from models.core.ema import Ema
from models.core.height_encoding import HeightEncoding
from models.core.method import State
from models.stylegan2.method import StyleGan2
from models.stylegan2.params import Params
from models.stylegan2.record import METHOD
from tests.models.settings import STYLEGAN2
from tests.models.toys import LOOP, batch, fit, same

LONG = LOOP.model_copy(update={"steps": 8, "checkpoint_every": 3, "clip": 1e3, "ema_ramp": 0.05})


def build(**changes) -> StyleGan2:
    torch.manual_seed(0)
    method = StyleGan2(Params(**{**STYLEGAN2, **changes}), 32, 3, 0, 2e-3, 4)
    method.memory["p"] = 0.4  # as if the discriminator had overfitted for a while
    return method


def pictures(rng):
    """Four pictures of one colour each, with some noise."""
    flat = rng.uniform(-0.8, 0.8, (4, 3, 1, 1)) + 0.1 * rng.standard_normal((4, 3, 32, 32))
    return {"image": torch.from_numpy(flat.astype("float32"))}


def test_a_killed_run_ends_in_the_bits_of_an_unbroken_one(tmp_path):
    whole = build()
    expected = fit(whole, pictures, tmp_path / "whole", LONG)
    assert whole.memory["path_mean"] > 0 and 0 < expected.curve[-1]["discriminator/p"] < 0.8

    def die(done, row):
        if done == 4:  # between two changes of p, and after a step of each penalty
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(build(), pictures, tmp_path / "cut", LONG, log=die)
    other = build()
    found = fit(other, pictures, tmp_path / "cut", LONG)
    assert found.steps == 5 and same(found.networks, expected.networks) and other.memory == whole.memory
    assert found.curve == expected.curve


def test_lazy_penalties_share_the_optimiser_of_their_network():
    method = build()
    phases = {phase.name: phase for phase in method.phases()}
    assert [phases[name].shares for name in ("penalty", "path")] == ["discriminator", "generator"]
    due = [step for step in range(9) if phases["penalty"].due(State(step, 9, method.networks), {})]
    assert due == [0, 3, 6]
    adam = phases["generator"].optimizer(list(method.networks["mapping"].parameters()))
    assert adam.defaults["lr"] == pytest.approx(2e-3 * 2 / 3) and adam.defaults["betas"][1] == pytest.approx(
        0.99 ** (2 / 3)
    )
    plain = build(loss={"path_length": 0.0, "gamma": 0.0})
    assert [phase.name for phase in plain.phases()] == ["discriminator", "generator"]
    adam = plain.phases()[0].optimizer(list(plain.networks["mapping"].parameters()))
    assert adam.defaults["lr"] == 2e-3


def test_every_phase_trains_every_weight_of_its_networks():
    for changes in ({}, {"loss": {"kind": "relativistic"}}):
        method = build(**changes)
        given = batch(pictures(__import__("numpy").random.default_rng(1)))
        for phase in method.phases():
            for name, network in method.networks.items():
                network.requires_grad_(name in phase.networks)
                network.zero_grad(set_to_none=True)
            loss, _ = phase.loss(given, State(0, 4, method.networks))
            loss.backward()
            weights = [weight for name in phase.networks for weight in method.networks[name].parameters()]
            told = sum(weight.grad is not None and bool(weight.grad.any()) for weight in weights)
            # A penalty knows no last bias, and the path length no bias of the last colours.
            assert told >= len(weights) - 5, (phase.name, told, len(weights))


def test_the_scores_of_a_shared_evaluation_are_those_of_separate_ones():
    method = build(augment={"groups": []})
    state = State(0, 4, method.networks)
    real, fake = torch.randn(4, 3, 32, 32), torch.randn(4, 3, 32, 32)
    together = method._scores(state, (real, fake), None)
    alone = [method._scores(state, (one,), None)[0] for one in (real, fake)]
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(together, alone, strict=True))
    assert judging("logistic", *together).isfinite()


def test_heights_come_out_in_metres_with_the_relief_that_was_drawn(tmp_path):
    rng = __import__("numpy").random.default_rng(2)
    heights = (500 + 100 * rng.standard_normal((40, 32, 32))).astype("float32")
    encoding = METHOD.fit(Params(layer="height"), lambda layer: iter([{"height": heights}]), 90.0)
    assert isinstance(encoding, HeightEncoding)
    params = {**STYLEGAN2, "layer": "height"}
    config = {"method": params, "px": 32, "gsd": 90.0, "encoding": encoding.to_dict(), "training": {"batch": 4}}
    method = build_method(config, 1e-3)
    given = METHOD.encode(Params(**params), encoding, {"height": heights[:4]})
    assert given["image"].shape == (4, 1, 32, 32) and given["facts"].shape == (4, 2)
    loss, _ = method.phases()[0].loss(given, State(0, 4, method.networks))
    assert loss.isfinite()
    save_model(tmp_path, config, torch.nn.ModuleDict({name: method.networks[name] for name in method.ema}))
    model = load_model(tmp_path, "cpu")
    found = model.sample([0, 5], seed=3)
    assert model.product == "heights" and found.shape == (2, 32, 32) and 300 < found.mean() < 700
    assert json.loads((tmp_path / "config.json").read_text())["product"] == "heights"
    # What the stages ask of every model of heights (`models.core.products.HeightsModel`).
    assert (model.words, model.coarse_px, model.most_guidance) == (None, None, 1.0)
    assert (model.sample([0, 5], seed=3, steps=1, conditions=None, guidance=1.0) == found).all()
    with pytest.raises(ValueError, match="no words, so its guidance is 1, not 3"):
        model.sample([0], seed=3, guidance=3.0)


def test_a_sample_depends_on_its_seed_and_index_alone(tmp_path):
    method = build()
    networks = Ema(method.networks, method.ema, 3.0).networks
    config = {"method": STYLEGAN2, "px": 32, "gsd": None, "encoding": {"kind": "color"}, "classes": []}
    model = finished(method, networks, config, torch.device("cpu"))
    three = model.sample([0, 1, 17], seed=1)
    assert three.shape == (3, 32, 32, 3) and three.dtype.name == "uint8"
    assert (model.sample([17], seed=1)[0] == three[2]).all() and (model.sample([0], seed=2)[0] != three[0]).any()
    assert model.sample([], seed=1).shape == (0, 32, 32, 3)
    with pytest.raises(ValueError, match="1 step, not in 2"):
        model.sample([0], 1, 2)


def test_a_model_of_another_side_gives_the_layers_that_fit(tmp_path):
    small = build()
    folder = tmp_path / "small"
    folder.mkdir()
    config = {"method": STYLEGAN2, "px": 32, "gsd": None, "encoding": {"kind": "color"}}
    save_model(folder, config, torch.nn.ModuleDict({name: small.networks[name] for name in small.ema}))
    from hashlib import sha256

    digest = sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    torch.manual_seed(9)
    start = {"folder": "small", "sha256": digest}
    large = StyleGan2(Params(**{**STYLEGAN2, "start": start}), 64, 3, 0, 1e-3, 4)
    facts = large.load(tmp_path).facts
    assert facts["start"]["tensors_left"] < facts["start"]["tensors"] and facts["gamma"] == pytest.approx(
        0.0002 * 64**2 / 4
    )
    assert torch.equal(large.networks["synthesis"].constant, small.networks["synthesis"].constant)
    wrong = StyleGan2(Params(**{**STYLEGAN2, "start": {**start, "sha256": "0" * 64}}), 64, 3, 0, 1e-3, 4)
    with pytest.raises(ValueError, match="start: .*SHA-256"):
        wrong.load(tmp_path)
