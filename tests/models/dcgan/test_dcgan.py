import numpy as np
import pytest
import torch

from models.core.artifact import finished
from models.core.ema import Ema
from models.core.method import State
from models.dcgan.method import Dcgan
from models.dcgan.networks import Discriminator, Generator
from models.dcgan.params import Params, halvings
from tests.models.settings import DCGAN
from tests.models.toys import LOOP, batch, fit, same

SHORT = LOOP.model_copy(update={"steps": 7, "checkpoint_every": 3, "clip": 1e3})


def build(batches=2, **changes) -> Dcgan:
    torch.manual_seed(0)
    return Dcgan(Params(**{**DCGAN, **changes}), 32, 3, 2e-3, batches)


def pictures(rng):
    return {"image": torch.from_numpy(rng.uniform(-1, 1, (4, 3, 32, 32)).astype("float32"))}


@pytest.mark.parametrize(("px", "side", "depth"), [(160, 5, 5), (64, 4, 4), (32, 4, 3), (96, 6, 4), (176, 11, 4)])
def test_every_multiple_of_16_is_halved_down_to_a_few_pixels(px, side, depth):
    params = Params(**DCGAN)
    generator = Generator(params.generator, px, 3)
    assert generator.side == side and halvings(px) == depth
    picture = generator(torch.randn(2, 6))
    assert picture.shape == (2, 3, px, px) and picture.abs().max() <= 1
    assert Discriminator(params.discriminator, px, 3, norm=True)(picture).shape == (2,)


@pytest.mark.parametrize("px", [0, 8, 100, 24])
def test_other_sides_are_refused(px):
    with pytest.raises(ValueError, match=f"multiple of 16, not {px}"):
        halvings(px)


def test_the_networks_are_those_of_the_paper():
    """Figure 1: 100 numbers, 4 × 4 × 1024, then 512, 256, 128 channels and a picture of 64 pixels."""
    generator = Generator(Params(generator={"z": 100, "channels": 128, "most": 1024}).generator, 64, 3)
    convolutions = [tuple(up.weight.shape) for up in generator.up]
    assert convolutions == [(1024, 512, 4, 4), (512, 256, 4, 4), (256, 128, 4, 4), (128, 3, 4, 4)]
    assert generator.first.weight.shape == (4 * 4 * 1024, 100)
    assert generator.up[0].weight.std().item() == pytest.approx(0.02, rel=0.01)


def test_the_discriminator_pauses_every_other_epoch():
    method = build(batches=3, discriminator={**DCGAN["discriminator"], "learns_every": 2})
    due = [method.phases()[0].due(State(step, 12, method.networks), {}) for step in range(12)]
    assert due == [True] * 3 + [False] * 3 + [True] * 3 + [False] * 3
    assert method.phases()[1].due(State(4, 12, method.networks), {})
    assert all(build().phases()[0].due(State(step, 12, method.networks), {}) for step in range(12))


def test_few_batches_an_epoch_are_told():
    loaded = build(batches=4).load(None)
    assert "only 4 batches" in loaded.notes[0] and loaded.facts["batches"] == 4
    assert not build(batches=17).load(None).notes
    assert Params().steps_of_epoch(479, 32) == 14 and Params(batches=40).steps_of_epoch(479, 32) == 40


@pytest.mark.parametrize("loss", ["logistic", "relativistic"])
def test_a_killed_run_ends_in_the_bits_of_an_unbroken_one(tmp_path, loss):
    whole = build(loss=loss)
    assert whole.gamma == (0 if loss == "logistic" else 0.5)
    expected = fit(whole, pictures, tmp_path / "whole", SHORT)

    def die(done, row):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(build(loss=loss), pictures, tmp_path / "cut", SHORT, log=die)
    found = fit(build(loss=loss), pictures, tmp_path / "cut", SHORT)
    assert found.steps == 4 and same(found.networks, expected.networks) and found.curve == expected.curve
    assert ("discriminator/r2" in found.curve[-1]) == (loss == "relativistic")


def test_every_weight_learns():
    for loss in ("logistic", "relativistic"):
        method = build(loss=loss)
        given = batch(pictures(np.random.default_rng(1)))
        for phase in method.phases():
            for name, network in method.networks.items():
                network.requires_grad_(name in phase.networks).zero_grad(set_to_none=True)
            phase.loss(given, State(0, 4, method.networks))[0].backward()
            for name in phase.networks:
                gradients = {key: weight.grad for key, weight in method.networks[name].named_parameters()}
                silent = [key for key, gradient in gradients.items() if gradient is None or not gradient.any()]
                # The last bias shifts both scores of a pair alike.
                assert silent in ([], ["score.bias"]), (loss, silent)


def test_a_sample_depends_on_its_seed_and_index_alone():
    method = build()
    networks = Ema(method.networks, method.ema, 3.0).networks
    config = {"method": DCGAN, "px": 32, "gsd": None, "encoding": {"kind": "color"}, "classes": []}
    model = finished(method, networks, config, torch.device("cpu"))
    three = model.sample([0, 1, 17], seed=1)
    assert three.shape == (3, 32, 32, 3) and three.dtype == np.uint8
    assert (model.sample([17], seed=1)[0] == three[2]).all() and (model.sample([0], seed=2)[0] != three[0]).any()
    with pytest.raises(ValueError, match="1 step, not in 2"):
        model.sample([0], 1, 2)
