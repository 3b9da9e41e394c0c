import numpy as np
import pytest
import torch

from models.consistency.adversary import moved, steepness
from models.consistency.method import Consistency
from models.consistency.params import Params
from models.core.config import SpeedConfig
from models.core.method import State
from models.core.speed import threads
from tests.models.consistency import worded
from tests.models.toys import CONSISTENCY, LOOP, batch, fit, same

ADVERSARY = {"share": 0.5, "alone": 0.3, "tuning_every": 3, "channels": 8, "heads_lr": 1e-3}
LAST = 19, 20
"""Step and steps, where both phases are due."""


@pytest.fixture(autouse=True)
def one_thread():
    with threads(1):
        yield


def method(seed: int = 0, **changes) -> Consistency:
    torch.manual_seed(seed)
    given = {"adversary": ADVERSARY | changes, "pretrain_share": 0.2}
    return Consistency(Params.model_validate({**CONSISTENCY.model_dump(), **given}), 8, 1, 0, 1e-3)


def images(rng: np.random.Generator):
    across = rng.standard_normal((16, 1, 1, 8)).repeat(8, axis=2).astype(np.float32)
    return {"image": torch.from_numpy(0.5 * across), "facts": torch.zeros(16, 0)}


def due(made: Consistency, steps: int) -> list[set[str]]:
    states = [State(step, steps, made.networks) for step in range(steps)]
    return [{phase.name for phase in made.phases() if phase.due(state, {})} for state in states]


def test_the_heads_learn_alone_first_and_tuning_then_becomes_rare():
    alone, tuned, both = {"judging"}, {"consistency"}, {"judging", "fooling"}
    expected = [{"denoising"}] * 4 + [tuned] * 6 + [tuned | alone] * 3
    expected += [tuned | both, both, both, tuned | both, both, both, tuned | both]
    assert due(method(), 20) == expected


@pytest.mark.parametrize("steps", [2, 3, 5, 9])
def test_the_parts_of_a_short_training_keep_their_order(steps):
    names = due(method(share=0.8), steps)
    first = [next((step for step, each in enumerate(names) if name in each), steps) for name in ("judging", "fooling")]
    assert first[0] < first[1], "the heads learn alone in at least one step, in which the judge is copied"
    assert not any({"denoising", "judging"} <= each for each in names)


def test_without_a_share_there_is_no_adversary():
    made = method(share=0.0)
    assert set(made.networks) == {"denoiser"}
    assert set.union(*due(made, 20)) == {"denoising", "consistency"}


def test_a_sample_that_equals_its_tile_looks_exactly_as_real(monkeypatch):
    """Both have the same noise, facts and conditions, so only the images differ."""
    made = method()
    tiles = batch(images(np.random.default_rng(0)))
    fooling, judging = made.phases()[-2:]
    for head in made.networks["heads"].heads:
        torch.nn.init.normal_(head[-1].weight)
    for shift, apart in ((0.0, False), (0.3, True)):
        found = tiles["image"] + shift
        monkeypatch.setattr(made, "estimate", lambda *_, found=found: found)
        state = State(*LAST, made.networks)
        loss, _ = fooling.loss(tiles, state)
        margin = judging.loss(tiles, state)[1]["margin"]
        assert (loss.item() != pytest.approx(np.log(2), abs=1e-6)) == apart
        assert (abs(margin.item()) > 1e-4) == apart


def test_the_judge_is_the_denoiser_as_it_was_and_each_phase_trains_its_own_networks(tmp_path):
    made, seen = method(), {}

    def look(step, networks):
        seen[step] = {
            name: {key: value.clone() for key, value in network.state_dict().items()}
            for name, network in made.networks.items()
        }

    speed = SpeedConfig(channels_last=True)
    loop = LOOP.model_copy(update={"steps": 20, "picture_every": 1, "speed": speed})
    assert set(fit(made, images, tmp_path, loop, picture=look).networks) == {"denoiser"}

    def equal(one, other):
        return all(torch.equal(one[name], other[name]) for name in one)

    first = seen[11]  # after the first step with an adversary, which copies the judge after its tuning
    assert equal(first["denoiser"], seen[20]["judge"]) and not equal(first["denoiser"], seen[20]["denoiser"])
    assert equal(seen[5]["heads"], seen[10]["heads"]) and not equal(seen[10]["heads"], first["heads"])


def test_a_resumed_training_has_the_same_bits(tmp_path):
    loop = LOOP.model_copy(update={"steps": 12, "checkpoint_every": 1, "picture_every": 1})

    def trained(seed, folder, stop=None):
        def kill(step, networks):
            if step == stop:
                raise KeyboardInterrupt

        made = method(seed)
        fit(made, images, folder, loop, picture=kill)
        return made.networks

    whole = trained(0, tmp_path / "whole")
    for stop in (8, 11):  # the heads have learned alone; then against the denoiser
        with pytest.raises(KeyboardInterrupt):
            trained(0, tmp_path / str(stop), stop)
        assert same(trained(1, tmp_path / str(stop)), whole)


def test_it_moves_the_samples_to_the_side_of_the_tiles(tmp_path):
    """The denoiser makes noise around 0, the tiles are about 0.5 everywhere, and only the adversary trains it."""

    def bright(rng: np.random.Generator):
        tiles = 0.5 + 0.05 * rng.standard_normal((16, 1, 8, 8)).astype(np.float32)
        return {"image": torch.from_numpy(tiles), "facts": torch.zeros(16, 0)}

    made = method(share=0.8, alone=0.2, tuning_every=1000, lr=2e-2, heads_lr=3e-3)
    torch.nn.init.normal_(made.networks["denoiser"].last[2].weight, std=0.1)
    drawn = torch.from_numpy(np.stack([made.draw(np.random.default_rng(part), 1) for part in range(32)]))

    def mean(networks) -> float:
        with torch.inference_mode():
            return made.sample(networks, drawn, torch.zeros(32, 0), 1).mean().item()

    before = mean(made.networks)
    assert mean(fit(made, bright, tmp_path, LOOP.model_copy(update={"steps": 30, "lr": 1e-8})).networks) > before + 0.1


@pytest.mark.parametrize("second", [0.0, 1.0])
def test_both_images_have_the_conditions_of_the_tile_and_each_phase_its_own_gradients(second, monkeypatch):
    network = {**worded.NETWORK, "dropout": 0.2}
    made, values, encoding, _ = worded.made(adversary=ADVERSARY | {"second": second}, network=network)
    networks = worded.shaken(made).networks.train()
    tiles, state, asked, levels = worded.batch(values, encoding), State(*LAST, networks), [], []
    estimate = made.estimate

    def recorded(network, x, sigma, facts):
        levels.extend(sigma.tolist())
        return estimate(network, x, sigma, facts)

    monkeypatch.setattr(made, "estimate", recorded)
    for name in ("denoiser", "judge"):
        networks[name].register_forward_pre_hook(
            lambda module, inputs, given, name=name: asked.append((name, inputs, given["conditions"])),
            with_kwargs=True,
        )
    for phase in made.phases()[-2:]:
        for name, each in networks.items():
            each.requires_grad_(name in phase.networks).zero_grad()
        phase.loss(tiles, state)[0].backward()
        trained = {name for name, each in networks.items() if any(p.grad is not None for p in each.parameters())}
        assert trained == set(phase.networks)
    assert sorted(name for name, *_ in asked) == ["denoiser", "judge", "judge"], "both phases use the same samples"
    assert networks["denoiser"].training and not networks["judge"].training
    assert levels == pytest.approx([values.mid_sigma if second else values.sigma_max] * 32)
    _, (_, _, facts), given = asked[0]
    assert (given["guidance"] == 1).all() and torch.equal(facts, tiles["facts"])
    for _, inputs, same_given in asked[1:]:
        assert torch.equal(inputs[2], facts)
        assert all(torch.equal(value, given[name]) for name, value in same_given.items())
    one, other = [inputs for name, inputs, _ in asked if name == "judge"]
    assert torch.equal(one[1], other[1]), "the level of the noise"


@pytest.mark.parametrize("number", [-2, -1])
def test_it_stays_in_float32_where_denoising_is_in_bf16(number):
    made = method()
    for weight in made.networks.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    tiles, losses = batch(images(np.random.default_rng(0))), []
    for bf16 in (False, True):
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            losses.append(made.phases()[number].loss(tiles, State(*LAST, made.networks))[0].item())
    assert losses[0] == losses[1]


def test_images_move_by_one_pixel_each_way():
    image = torch.arange(12.0).reshape(1, 1, 3, 4)
    assert torch.equal(moved(image, 1, 1), image)
    assert torch.equal(moved(image, 2, 1)[0, 0], image[0, 0, [0, 0, 1]])
    assert torch.equal(moved(image, 1, 0)[0, 0], image[0, 0][:, [1, 2, 3, 3]])


def test_steepness_is_the_squared_gradient_of_a_linear_score():
    torch.manual_seed(0)
    slope, features = torch.tensor([3.0, -4.0]), torch.randn(20_000, 2)
    found = steepness(lambda each: each[0] @ slope, [features], features @ slope)
    assert found.item() == pytest.approx(25 * features.var().item(), rel=0.05)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"low": 0.5, "high": 0.1}, "adversary.low"),
        ({"low": 1e-4}, "adversary.low"),
        ({"high": 1e3}, "adversary.high"),
        ({"share": 0.9}, "adversary.share and pretrain_share"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changes, named):
    with pytest.raises(ValueError, match=named):
        method(**changes)


def test_an_untrained_network_is_no_judge():
    values = {**CONSISTENCY.model_dump(), "pretrain_share": 0.0, "adversary": {"share": 1.0}}
    with pytest.raises(ValueError, match=r"adversary\.share of 1 needs a start"):
        Params.model_validate(values)
    Params.model_validate({**values, "start": {"folder": "learned", "sha256": "0" * 64}})
