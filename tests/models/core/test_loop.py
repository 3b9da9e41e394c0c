import os
import signal
from types import SimpleNamespace

import pytest
import torch

import models.core.loop
from models.consistency.method import Consistency
from models.core.checkpoint import Checkpoints
from models.core.loop import TrainingError
from tests.models.toys import CONSISTENCY, LOOP, NETWORK, Rivals, fit, points, same


def images(rng):
    noise = rng.standard_normal((4, 1, 8, 8), "float32")
    return {"image": torch.from_numpy(noise * 0.5), "facts": torch.zeros(4, 0)}


def consistency():
    torch.manual_seed(0)
    network = NETWORK.model_copy(update={"dropout": 0.2})
    return Consistency(CONSISTENCY.model_copy(update={"network": network}), 8, 1, 0, 1e-3)


def rivals(stop_above=1.2, resume_below=1.1):
    torch.manual_seed(0)
    return Rivals(stop_above, resume_below)


class Dying:
    """A source of batches that interrupts training once, at a given batch."""

    def __init__(self, make, at):
        self._make, self._left = make, at

    def __call__(self, rng):
        self._left -= 1
        if self._left == 0:
            raise ConnectionError("gone")
        return self._make(rng)


@pytest.mark.parametrize(("build", "make"), [(consistency, images), (rivals, points)])
@pytest.mark.parametrize("at", [3, 8])
def test_a_broken_run_goes_on_to_the_same_bits(tmp_path, build, make, at):
    loop = LOOP.model_copy(update={"checkpoint_every": 3, "steps": 12})
    whole = fit(build(), make, tmp_path / "whole", loop)
    with pytest.raises(ConnectionError):
        fit(build(), Dying(make, at), tmp_path / "broken", loop)
    torch.randn(3)  # other use of the global generator must not matter
    resumed = fit(build(), make, tmp_path / "broken", loop)
    assert resumed.steps == 12 - (at - 1) // 3 * 3
    assert resumed.curve == whole.curve and [row["step"] for row in whole.curve] == [4, 8, 12]
    assert same(resumed.networks, whole.networks)


def test_two_networks_take_turns_and_each_keeps_still_for_the_other(tmp_path):
    method = rivals()
    result = fit(method, points, tmp_path, LOOP.model_copy(update={"steps": 40}))
    assert method.trained.count("critic") == 40
    assert 0 < method.trained.count("generator") < 40, "the switch never turned"
    assert list(result.networks) == ["generator"]
    assert {"critic/loss", "generator/loss", "generator/spread"} <= set(result.curve[-1]) | set(result.curve[0])


def test_a_phase_moves_only_its_own_networks(tmp_path):
    method = rivals(stop_above=-1.0)  # so the generator runs in the first step, before a loss is known, and then pauses
    states = []
    fit(
        method,
        lambda rng: states.append([p.clone() for p in method.networks.parameters()]) or points(rng),
        tmp_path,
        LOOP.model_copy(update={"steps": 3}),
    )
    first, second, third = states
    generator = len(list(method.networks["generator"].parameters()))
    assert method.trained == ["critic", "generator", "critic", "critic"]
    assert not any(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(second[:generator], third[:generator], strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(second[generator:], third[generator:], strict=True))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_ends_with_its_status(tmp_path, number):
    def make(rng):
        make.calls += 1
        if make.calls == 5:
            os.kill(os.getpid(), number)
        return images(rng)

    make.calls = 0
    handler = signal.getsignal(number)
    with pytest.raises(SystemExit) as stopped:
        fit(consistency(), make, tmp_path)
    assert stopped.value.code == 128 + number
    assert signal.getsignal(number) is handler
    assert Checkpoints(tmp_path).latest().state["step"] == 5
    resumed = fit(consistency(), images, tmp_path)
    assert resumed.steps == 5
    assert same(resumed.networks, fit(consistency(), images, tmp_path / "whole").networks)


@pytest.mark.parametrize("at", [4, 5])
def test_a_deadline_ends_the_run_as_a_model_and_a_later_call_goes_on(tmp_path, monkeypatch, at):
    """At step 4 a row of the curve and a picture are due anyway; at step 5 they are made only because training ends."""
    loop = LOOP.model_copy(update={"checkpoint_every": 3, "picture_every": 4, "steps": 12})
    whole, pictures, asked = fit(consistency(), images, tmp_path / "whole", loop), [], []
    with monkeypatch.context() as patch:
        clock = SimpleNamespace(time=lambda: asked.append(1) or len(asked), perf_counter=lambda: 0.0)
        patch.setattr(models.core.loop, "time", clock)  # one second a step
        cut = fit(consistency(), images, tmp_path / "cut", loop, None, lambda done, _: pictures.append(done), at)
    assert (cut.done, cut.steps, cut.curve[-1]["step"], pictures) == (at, at, at, [4] + [5] * (at == 5))
    resumed = fit(consistency(), images, tmp_path / "cut", loop)
    assert (resumed.done, resumed.steps) == (12, 12 - at)
    assert resumed.curve == whole.curve and same(resumed.networks, whole.networks)


def test_the_same_signal_twice_at_once_is_one_wish(tmp_path):
    def twice(rng):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        return images(rng)

    with pytest.raises(SystemExit) as ended:
        fit(consistency(), twice, tmp_path)
    assert ended.value.code == 128 + signal.SIGTERM and list(tmp_path.glob("step-*"))


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step(tmp_path):
    def make(rng):
        make.calls += 1
        batch = images(rng)
        return batch if make.calls != 6 else {**batch, "image": batch["image"] * float("nan")}

    make.calls = 0
    with pytest.raises(TrainingError, match="^step 6: consistency/loss is nan; lower train.lr"):
        fit(consistency(), make, tmp_path, LOOP.model_copy(update={"checkpoint_every": 4}))
    assert Checkpoints(tmp_path).latest().state["step"] == 4, "nothing broken is ever saved"


def test_pictures_and_logs_come_when_they_are_due(tmp_path):
    logs, pictures = [], []
    loop = LOOP.model_copy(update={"picture_every": 3})
    result = fit(
        consistency(),
        images,
        tmp_path,
        loop,
        lambda done, row: logs.append((done, row)),
        lambda done, n: pictures.append(done),
    )
    assert pictures == [3, 6, 9, 10] and [done for done, _ in logs] == [4, 8, 10]
    assert {"steps_per_second", "waiting_share"} <= set(logs[0][1]) and "waiting_share" not in result.curve[0]
    assert 0 < result.waiting < result.seconds


@pytest.mark.parametrize("at", [3, 6, 10])
def test_a_picture_that_a_kill_cut_off_is_made_again(tmp_path, at):
    loop, made = LOOP.model_copy(update={"picture_every": 3, "checkpoint_every": 3}), []

    def broken(done, networks):
        if done == at:
            raise ConnectionError("gone")
        made.append(done)

    with pytest.raises(ConnectionError):
        fit(consistency(), images, tmp_path, loop, picture=broken)
    fit(consistency(), images, tmp_path, loop, picture=lambda done, networks: made.append(done))
    assert made == [3, 6, 9, 10]


def test_the_rate_rises_stays_and_falls():
    loop = LOOP.model_copy(update={"steps": 100, "warmup": 9, "cooldown": 0.2})
    rates = [loop.rate(step) for step in range(100)]
    assert rates[0] == 0.1 and rates[9] == rates[80] == 1 and rates[90] == 0.5 and rates[99] == 0.05
    assert LOOP.model_copy(update={"warmup": 0, "cooldown": 0.0}).rate(9) == 1
