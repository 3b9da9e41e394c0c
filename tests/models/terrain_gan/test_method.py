from pathlib import Path

import numpy as np
import pytest
import torch

from models.core.method import State
from models.terrain_gan.discriminator import CHANCE, Discriminator, feature_matching, hinge, split
from models.terrain_gan.encoding import ColorHeightEncoding
from models.terrain_gan.method import TerrainGan
from models.terrain_gan.params import Params
from tests.models.settings import TERRAIN_GAN
from tests.models.toys import LOOP, batch, fit, same

CLASSES = 3
ENCODING = ColorHeightEncoding(bend=300.0, reach=2.5, gsd=100.0, slope=0.3)


def build(**changes):
    torch.manual_seed(0)
    method = TerrainGan(Params(**{**TERRAIN_GAN, **changes}), ENCODING, 16, CLASSES, 2e-4)
    method.load(Path())
    return method


def lit(rng, n=4):
    """Land whose class is its height, in two colours."""
    waves = rng.standard_normal((n, 1, 4, 4)).repeat(4, axis=2).repeat(4, axis=3).astype(np.float32)
    color = np.tanh(np.concatenate([waves, -waves, 0 * waves], axis=1)) * 0.5
    return {
        "color": torch.from_numpy(color),
        "height": torch.from_numpy(np.tanh(waves) * 0.3),
        "labels": torch.from_numpy((waves[:, 0] > 0).astype(np.uint8)),
    }


BATCH = lit(np.random.default_rng(3))


def phases(method):
    return {phase.name: phase for phase in method.phases()}


def judge(method, name="discriminator"):
    torch.manual_seed(7)
    return phases(method)[name].loss(batch(BATCH), State(0, 10, method.networks))


@pytest.mark.parametrize("flipped", [True, False])
def test_the_band_means_the_same_with_one_route_and_with_two(flipped):
    """The published switch compares a sum over routes with fixed numbers, so with one route it never switches."""
    method = build(flipped_route=flipped)
    for patches in method.networks["discriminator"].scales:
        patches.verdict.register_forward_hook(lambda module, given, verdict: 0 * verdict)
    loss, logs = judge(method)
    assert loss.item() == pytest.approx(CHANCE * (2 if flipped else 1))
    assert logs["level"].item() == pytest.approx(1)
    due = phases(method)["generator"].due
    assert due(State(0, 10, method.networks), {}), "nothing is known of the judge yet"
    assert not due(State(1, 10, method.networks), {"discriminator/level": logs["level"].detach()})


def test_a_sure_judge_has_no_loss_and_a_wrong_one_more_than_chance():
    real, fake = [[torch.full((2, 1, 2, 2), 1.5)]], [[torch.full((2, 1, 2, 2), -1.5)]]
    assert hinge(real, [fake]).item() == 0
    assert hinge(fake, [real]).item() == 5 and hinge(fake, [real, real]).item() == 10


def flip_only(method, monkeypatch):
    """Score only the second route."""
    whole = method._routes
    monkeypatch.setattr(method, "_routes", lambda *painting: whole(*painting)[1:])


def test_the_second_route_reaches_the_texture_and_brings_it_back_the_right_way_round(monkeypatch):
    method = build(feature_matching=0.0, flatness=0.0, perceptual={"weight": 0.0, "vgg19": None})
    flip_only(method, monkeypatch)
    paint = method.networks["generator"].paint[-1]
    loss, _ = judge(method, "generator")
    gradient = torch.autograd.grad(loss, paint.weight)[0]
    assert (gradient[:3].flatten(1).norm(dim=1) > 0).all(), "each colour is told"
    assert gradient[3].norm() > 0, "and the height"


def test_both_routes_show_the_same_land_and_another_light():
    method = build()
    state = State(0, 10, method.networks)
    classes = torch.eye(CLASSES)[BATCH["labels"].long()].permute(0, 3, 1, 2)
    for parameter in method.networks["shadow"].parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    torch.manual_seed(3)
    painting = *method._paint(state, classes), classes
    straight, turned = method._routes(state, *painting)
    back = turned.flip((2, 3))
    assert torch.equal(back[:, 6:], straight[:, 6:]) and torch.equal(back[:, 3:4], straight[:, 3:4])
    assert (back[:, :3] - straight[:, :3]).abs().max() > 1e-3
    assert len(build(flipped_route=False)._routes(state, *painting)) == 1


@pytest.mark.parametrize("azimuth", range(0, 360, 45))
def test_light_in_the_texture_is_wrong_in_one_route_as_often_as_right(azimuth):
    """A texture lit from `azimuth` adds as much light to one route as it removes from the other."""
    method = build()
    east, south = np.sin(np.radians(azimuth)), -np.cos(np.radians(azimuth))
    land = torch.randn(2, 1, 16, 16)
    lit = (east * land.roll(-1, 3) - east * land.roll(1, 3) + south * land.roll(-1, 2) - south * land.roll(1, 2)) / 9
    texture = lit.expand(-1, 3, -1, -1)
    for parameter in method.networks["shadow"].parameters():
        torch.nn.init.zeros_(parameter)  # only the light of the texture
    routes = method._routes(State(0, 10, method.networks), texture, land, torch.zeros(2, CLASSES, 16, 16))
    baked = []
    for seen in routes:
        shade = (east * seen[:, 3].diff(dim=2)[:, 1:] + south * seen[:, 3].diff(dim=1)[:, :, 1:]).flatten()
        baked.append(torch.corrcoef(torch.stack([seen[:, 0, 1:, 1:].flatten(), shade]))[0, 1].item())
    assert abs(baked[0]) > 0.2 and baked[1] == pytest.approx(-baked[0], abs=0.15)


def test_light_in_the_texture_is_found_whatever_the_classes_and_teaches_the_texture_alone():
    method = build()
    shadow, state = method.networks["shadow"], State(0, 10, method.networks)
    torch.manual_seed(5)
    height = (0.3 * torch.randn(4, 1, 16, 16)).requires_grad_()
    label = torch.zeros(4, 16, 16, dtype=torch.long)
    label[..., 8:] = 1
    classes = torch.eye(CLASSES)[label].permute(0, 3, 1, 2)
    two_colours = 0.5 * label[:, None].float().expand(-1, 3, -1, -1) - 0.25
    lit = shadow(two_colours, method.slopes(height)).detach().requires_grad_()
    assert method._baked(two_colours, height, classes, state).item() < 1e-3, "bright classes are no light"
    baked = method._baked(lit, height, classes, state)
    assert baked.item() > 0.2
    baked.backward()
    assert lit.grad.abs().sum() > 0 and height.grad is None
    assert all(parameter.grad is None for parameter in shadow.parameters())


def test_features_are_compared_layer_by_layer_and_teach_the_fake_alone():
    torch.manual_seed(0)
    network = Discriminator(Params(**TERRAIN_GAN).discriminator, 4)
    one, other = (torch.randn(2, 4, 16, 16, requires_grad=True) for _ in range(2))
    real, fake = split(network(torch.cat([one, other])), 2)
    assert [len(scale) for scale in real] == [3, 3] and real[1][0].shape[-1] == real[0][0].shape[-1] // 2
    loss = feature_matching(real, fake)
    loss.backward()
    assert loss > 0 and other.grad.abs().sum() > 0 and not one.grad.any()
    assert feature_matching(real, real) == 0


def test_no_layer_of_the_judge_raises_a_difference():
    """Spectral normalisation, after the few steps that its estimate needs."""
    torch.manual_seed(0)
    network = Discriminator(Params(**TERRAIN_GAN).discriminator, 4).train()
    with torch.no_grad():
        for _ in range(50):
            network(torch.randn(1, 4, 16, 16))
        for patches in network.scales:
            for layer in (*patches.layers, patches.verdict):
                assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)


def test_losses_are_named_for_what_they_are():
    _, logs = judge(build(), "generator")
    assert set(logs) == {"fooling", "features", "perceptual_random", "baked"}
    bare = build(feature_matching=0.0, flatness=0.0, perceptual={"weight": 0.0, "vgg19": None})
    assert bare.perceptual is None and set(judge(bare, "generator")[1]) == {"fooling"}


def test_each_side_has_its_own_rate_and_no_momentum():
    method = build()
    optimizers = {
        name: phase.optimizer(p for key in phase.networks for p in method.networks[key].parameters())
        for name, phase in phases(method).items()
    }
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in optimizers.items()}
    assert rates == pytest.approx({"discriminator": 8e-4, "generator": 2e-4})
    assert optimizers["generator"].param_groups[0]["betas"] == (0.0, 0.9)


class Dying:
    def __init__(self, at):
        self._left = at

    def __call__(self, rng):
        self._left -= 1
        if self._left == 0:
            raise ConnectionError("gone")
        return lit(rng)


def test_a_broken_run_goes_on_to_the_same_bits(tmp_path):
    """A band in which the switch turns; its state is restored after a break."""
    loop = LOOP.model_copy(update={"checkpoint_every": 5, "steps": 14, "clip": 100.0})
    band = {"stop": 1.0, "resume": 0.999, "rest": 2}
    method = build(balance=band)
    whole = fit(method, lit, tmp_path / "whole", loop)
    with pytest.raises(ConnectionError):
        fit(build(balance=band), Dying(13), tmp_path / "broken", loop)
    resumed = build(balance=band)
    again = fit(resumed, lit, tmp_path / "broken", loop)
    assert again.steps == 4 and again.curve == whole.curve and resumed.memory == method.memory
    assert same(again.networks, whole.networks) and list(whole.networks) == ["generator", "shadow"]
    assert 1 < whole.curve[-1]["discriminator/ratio"] <= 3
    assert same(resumed.networks, method.networks)


def test_the_judge_learns_in_every_step_and_the_generator_rests(tmp_path):
    method = build(balance={"stop": 1e-6, "resume": 1e-6, "rest": 3})
    result = fit(method, lit, tmp_path, LOOP.model_copy(update={"steps": 40, "log_every": 40}))
    assert method.balance.ratio == pytest.approx(4, rel=0.2), "never more than rest + 1 to one"
    assert result.curve[-1]["discriminator/forced"] > 0.5


def test_it_learns_which_class_has_which_colour(tmp_path):
    def make(rng):
        land = lit(rng)
        sign = 2 * land["labels"][:, None].float() - 1
        return land | {"color": 0.6 * torch.cat([sign, -sign, 0 * sign], dim=1), "height": 0.4 * sign}

    method = build(discriminator={**TERRAIN_GAN["discriminator"], "channels": 8})
    method.lr = 2e-3
    loop = LOOP.model_copy(update={"steps": 60, "clip": 100.0, "ema_half_life": 5.0})
    networks = fit(method, make, tmp_path, loop).networks
    given = make(np.random.default_rng(99))
    classes = torch.eye(CLASSES)[given["labels"].long()].permute(0, 3, 1, 2)
    with torch.inference_mode():
        texture, height = networks["generator"](*method.random(classes))
    assert (texture - given["color"]).abs().mean() < 0.3 < given["color"].abs().mean()
    assert (height - given["height"]).abs().mean() < 0.2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generator": {**TERRAIN_GAN["generator"], "channels": [4] * 6}}, "multiple of 32"),
        ({"discriminator": {**TERRAIN_GAN["discriminator"], "layers": 4}}, "5 halvings"),
    ],
)
def test_what_does_not_fit_the_tiles_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)
