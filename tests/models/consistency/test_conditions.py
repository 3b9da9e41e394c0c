import numpy as np
import pytest
import torch

from models.consistency.guidance import strengths
from models.consistency.masks import random_parts
from models.consistency.text.words import forms, tokens
from models.core.conditions import block_means
from models.core.method import State
from models.core.sketch import lines
from tests.models.consistency.worded import ALL, PX, TEXTS, batch, finished, made, params, shaken, tiles
from tests.models.toys import LOOP, fit

HEIGHTS, CAPTIONS, _ = tiles(4, 5)


def given(name):
    """The condition of the four tiles above."""
    return {
        "text": CAPTIONS,
        "coarse": block_means(HEIGHTS, 4),
        "sketch": lines(HEIGHTS),
        "known": np.where(np.arange(PX) < 6, HEIGHTS, np.nan).astype(np.float32),
    }[name]


@pytest.fixture(scope="module")
def model():
    method, _, _, config = made()
    return finished(shaken(method), config)


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("names", [(), ("text",), ("coarse",), ("sketch",), ("known",), ("text", "known"), ALL])
def test_any_subset_may_be_given_and_a_sample_depends_on_its_own_alone(model, names, steps):
    assert model.conditions == ALL and model.coarse_px == 4
    conditions = {name: given(name) for name in names}
    together = model.sample([3, 20, 5, 4], 1, steps, conditions)
    assert together.shape == (4, PX, PX) and np.isfinite(together).all()
    alone = model.sample([5], 1, steps, {name: values[2:3] for name, values in conditions.items()})
    assert np.array_equal(alone[0], together[2])
    if names:
        assert not np.array_equal(together, model.sample([3, 20, 5, 4], 1, steps))


def test_known_heights_keep_their_bits_and_coarse_heights_their_means(model):
    for names in (("known",), ("known", "text", "sketch")):
        found = model.sample(range(4), 2, 2, {name: given(name) for name in names})
        assert np.array_equal(found[:, :, :6].view(np.uint32), HEIGHTS[:, :, :6].view(np.uint32))
    found = model.sample(range(4), 2, 2, {"coarse": given("coarse")})
    apart = np.abs(block_means(found, 4) - given("coarse")).max(axis=(1, 2))
    assert (apart < 1e-3 * np.ptp(HEIGHTS, axis=(1, 2))).all()


def test_a_condition_may_be_missing_for_some_samples_alone(model):
    texts = np.array(["", CAPTIONS[1]], object)
    found = model.sample([0, 1], 3, 1, {"text": texts})
    assert np.array_equal(found[0], model.sample([0], 3, 1)[0])
    coarse = given("coarse")[:2].copy()
    coarse[0] = np.nan
    assert np.array_equal(model.sample([0, 1], 3, 1, {"coarse": coarse})[0], found[0])


def test_the_same_text_in_other_words_of_the_same_codes_is_the_same_sample(model):
    one, other = (
        model.sample([0], 3, 1, {"text": np.array([text], object)}) for text in ("high mountains", "High mountain")
    )
    assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"text": np.array([["a"]], object)}, "text needs one string"),
        ({"coarse": np.zeros((1, PX, PX))}, "coarse needs one map of 4 × 4"),
        ({"known": np.zeros((1, 4, 4))}, f"known needs one map of {PX} × {PX}"),
        ({"known": np.full((1, PX, PX), np.inf)}, "infinite"),
        ({"sketch": np.full((1, PX, PX), 3)}, "0 nothing, 1 ridge line, 2 valley line"),
        ({"labels": np.zeros((1, PX, PX))}, "takes text, coarse, sketch, known"),
    ],
)
def test_what_is_no_condition_is_refused(model, conditions, message):
    with pytest.raises(ValueError, match=message):
        model.sample([0], 1, 1, conditions)


def test_guidance_out_of_range_and_without_words_is_refused(model):
    for strength in (0.5, 5.0):
        with pytest.raises(ValueError, match="at least 1 and at most 4, as it was trained"):
            model.sample([0], 1, 1, guidance=strength)
    method, _, _, config = made(conditions=("coarse",))
    with pytest.raises(ValueError, match="no words"):
        finished(method, config).sample([0], 1, 1, guidance=2.0)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_guidance_costs_one_pass_where_it_is_trained_in_else_two(share):
    method, _, _, config = made(guidance={"share": share})
    model, calls = finished(shaken(method), config), []
    method.networks["denoiser"].register_forward_hook(lambda *_: calls.append(1))
    text = {"text": CAPTIONS}
    plain = model.sample(range(4), 1, 1, text)
    assert len(calls) == 1
    guided = model.sample(range(4), 1, 1, text, guidance=2.0)
    assert len(calls) == (2 if share else 3) and not np.array_equal(plain, guided)
    model.sample(range(4), 1, 1, text, guidance=2.0, passes=True)
    assert len(calls) == (4 if share else 5)


def test_words_are_known_in_their_forms_and_unknown_ones_are_told(model):
    assert model.words.unknown("Steep HIGH mountain, a steep low hill; the slope face west") == ["steep", "a"]
    assert set(forms("valleys")) >= {"valley"} and set(forms("valley")) >= {"valleys"}
    assert tokens("About 1,900 m") == tokens("about 1900 m") == ["about", "#44", "m"]


def test_the_vocabulary_travels_with_the_model_and_names_its_content(model):
    kept = model.config["encoding"]["text"]
    assert kept["words"] == model.words.words and kept["sha256"] == model.words.identity["sha256"]
    _, _, other, _ = made(text={"name": "vocabulary", "least": 40})
    assert other.words.identity["sha256"] != kept["sha256"]


def test_texts_that_say_nothing_frequent_are_refused():
    with pytest.raises(ValueError, match="no word is in 99 captions"):
        made(text={"name": "vocabulary", "least": 99})
    with pytest.raises(ValueError, match="one of clip, vocabulary, wordllama"):
        params(text={"name": "telepathy"})


def test_each_condition_is_hidden_by_itself_and_never_all_that_is_known_is_all():
    method, values, encoding, _ = made(condition_dropout=0.3, hint_dropout=0.6)
    whole, seen = batch(values, encoding, 64), []
    for step in range(12):
        torch.manual_seed(step)
        shown = method.steering.shown(whole.conditions, 64)
        seen.append(
            [(shown["text"] != 0).flatten(1).any(1), shown["coarse"].isfinite().flatten(1).any(1)]
            + [(shown["sketch"] != 0).flatten(1).any(1), shown["known"].isfinite().flatten(1).any(1)]
        )
        kept = shown["known"].isfinite()
        assert torch.equal(shown["known"][kept], whole.conditions["known"][kept])
        assert (kept.flatten(1).float().mean(1) < 1).all()
    shares = torch.stack([torch.stack(each) for each in seen]).float().mean(dim=(0, 2))
    assert torch.allclose(shares, torch.tensor([0.7, 0.4, 0.4, 0.4]), atol=0.08)
    together = torch.corrcoef(torch.cat([torch.stack(each) for each in seen], dim=1).float())
    assert (together - torch.eye(4)).abs().max() < 0.15


def test_known_parts_have_all_shares():
    torch.manual_seed(0)
    share = random_parts(400, 32, torch.device("cpu")).flatten(1).float().mean(dim=1)
    assert share.min() < 0.15 and share.max() > 0.85 and 0.3 < share.mean() < 0.7


def test_strengths_are_one_without_words_and_beyond_the_share():
    torch.manual_seed(0)
    found = strengths(100, 0.5, 4.0, torch.arange(100) % 2 == 0)
    assert (found[50:] == 1).all() and (found[1:50:2] == 1).all()
    assert found[:50:2].min() > 1 and 3 < found.max() <= 4


def test_facts_of_tensors_are_those_of_the_encoding():
    _, _, encoding, _ = made()
    facts = encoding.heights.encode(HEIGHTS)[1]
    mean, std = encoding.moments(torch.from_numpy(facts))
    assert np.allclose(mean, HEIGHTS.mean(axis=(1, 2)), rtol=1e-4)
    assert np.allclose(std, HEIGHTS.std(axis=(1, 2)), rtol=1e-4)
    assert np.allclose(encoding.measured(mean, std), facts, atol=1e-4)


def test_every_weight_that_a_phase_trains_gets_a_gradient():
    method, values, encoding, _ = made(condition_dropout=0.1, hint_dropout=0.1, guidance={"share": 0.5})
    shaken(method).networks.train()
    seen = {}
    for phase in method.phases():
        for name, network in method.networks.items():
            network.requires_grad_(name in phase.networks)
        for step in range(3):
            torch.manual_seed(step)
            state = State({"consistency": 60}.get(phase.name, 0), 100, method.networks)
            phase.loss(batch(values, encoding), state)[0].backward()
        seen[phase.name] = phase.networks[0]
    assert seen == {"denoising": "denoiser", "consistency": "denoiser", "facts": "facts"}
    for name in ("denoiser", "facts"):
        for key, weight in method.networks[name].named_parameters():
            assert weight.grad is not None and weight.grad.any(), f"{name}.{key}"
    assert all(weight.grad is None for weight in method.networks["guide"].parameters())


def test_the_guide_is_the_denoiser_at_the_end_of_diffusion():
    method, values, encoding, _ = made(guidance={"share": 0.5})
    shaken(method)
    whole = batch(values, encoding)
    phase = method.phases()[1]
    phase.loss(whole, State(50, 100, method.networks))
    kept = {name: value.clone() for name, value in method.networks["guide"].state_dict().items()}
    assert all(torch.equal(value, method.networks["denoiser"].state_dict()[name]) for name, value in kept.items())
    with torch.no_grad():
        method.networks["denoiser"].first.weight.add_(1)
    phase.loss(whole, State(51, 100, method.networks))
    assert all(torch.equal(value, method.networks["guide"].state_dict()[name]) for name, value in kept.items())


def test_guidance_needs_diffusion():
    with pytest.raises(ValueError, match="pretrain_share above 0"):
        params(pretrain_share=0.0)
    assert not params(pretrain_share=0.0, guidance={"share": 0.0}).baked


def test_blocks_that_do_not_fit_the_tile_are_refused():
    for wrong in (5, 3):
        with pytest.raises(ValueError, match=f"coarse_px: {wrong} must divide"):
            made(coarse_px=wrong)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    method, values, encoding, config = made(
        count=256,
        condition_dropout=0.15,
        hint_dropout=0.7,
        guidance={"share": 0.25, "most": 3.0},
        p_mean=-0.5,
        p_std=1.5,
    )
    loop = LOOP.model_copy(update={"steps": 160, "ema_half_life": 12.0, "lr": 1e-2})

    def make(rng):
        return batch(values, encoding, 32, int(rng.integers(2**31)))

    networks = fit(method, make, tmp_path_factory.mktemp("trained"), loop).networks
    return finished(method, config, networks)


def high(heights):
    return heights.mean(axis=(1, 2)) > 800


def west(heights):
    """Whether the west is lower than the east: the slope faces west."""
    return heights[:, :, : PX // 2].mean(axis=(1, 2)) < heights[:, :, PX // 2 :].mean(axis=(1, 2))


@pytest.mark.parametrize("guidance", [1.0, 2.5])
@pytest.mark.parametrize("passes", [False, True])
def test_words_steer_shape_relief_and_elevation(trained, guidance, passes):
    texts = np.array([TEXTS[n % 2] for n in range(192)], object)  # by chance, half are right, give or take 4 %
    wanted = np.arange(192) % 2 == 0
    found = trained.sample(range(192), 1, 2, {"text": texts}, guidance, passes)
    assert (high(found) == wanted).mean() > 0.75
    assert ((found.std(axis=(1, 2)) > 100) == wanted).mean() > 0.75
    assert (west(found) == wanted).mean() > 0.75


def test_without_words_both_kinds_come(trained):
    found = trained.sample(range(48), 1, 2)
    assert 0.2 < high(found).mean() < 0.8


def test_facts_follow_coarse_and_known_heights(trained):
    heights, _, is_high = tiles(24, 9)
    for name, values in (("coarse", block_means(heights, 4)), ("known", np.where(np.arange(PX) < 8, heights, np.nan))):
        found = trained.sample(range(24), 4, 2, {name: values.astype(np.float32)})
        assert np.array_equal(high(found), is_high)
        apart = np.abs(np.log(found.std(axis=(1, 2)) / heights.std(axis=(1, 2))))
        assert np.median(apart) < (0.1 if name == "coarse" else 0.5)


class Cut(Exception):
    """The training is killed."""


def weights_after(folder, cuts):
    """The averaged weights of ten steps, with the training killed before each of the steps `cuts` and begun again."""
    changes = {"condition_dropout": 0.3, "hint_dropout": 0.5, "guidance": {"share": 0.5}}
    loop = LOOP.model_copy(update={"steps": 10, "checkpoint_every": 2, "lr": 1e-2})
    left = list(cuts)
    while True:
        begun = len(cuts) - len(left)
        method, values, encoding, _ = made(seed=begun, **changes)  # the weights of a later attempt must not matter
        torch.manual_seed(0)
        asked = iter(range(left[0] if left else 100))

        def make(rng, asked=asked, values=values, encoding=encoding):
            if next(asked, None) is None:
                raise Cut
            return batch(values, encoding, 8, int(rng.integers(2**31)))

        try:
            return fit(method, make, folder, loop).networks.state_dict()
        except Cut:
            left.pop(0)


def test_a_killed_training_ends_in_the_bits_of_an_unbroken_one(tmp_path):
    """Also if it is killed after diffusion: the guide is part of a checkpoint."""
    whole = weights_after(tmp_path / "whole", [])
    broken = weights_after(tmp_path / "broken", [3, 5])  # killed after steps 3 and 7, so resumed after 2 and 6
    assert whole.keys() == broken.keys()
    assert all(torch.equal(values, broken[name]) for name, values in whole.items())
