"""The training loop, for every method: any number of networks, phases and optimisers, on any hardware.

Determinism: all randomness of a step comes from (seed, step, rank). A resumed run therefore draws the same numbers as
an uninterrupted run, and a checkpoint needs no generator state. On a CPU with a fixed number of threads the weights are
bit-identical.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from models.core.checkpoint import Checkpoints, Snapshot
from models.core.config import LoopConfig
from models.core.ema import Ema
from models.core.method import Batch, Method, Phase, State
from models.core.signals import recorded
from models.core.speed import begin_step, compile_networks, fused, lay_out
from models.core.watch import Watch, load

_TIME_IS_UP, _COLLAPSED = 1 << 10, 1 << 11  # among the numbers of signals


class TrainingError(RuntimeError):
    """Training cannot continue. The message names the step and says what to change."""


class Feed(Protocol):
    """An endless iterator over batches, with a position."""

    def __next__(self) -> Batch: ...

    def state(self) -> dict[str, Any]:
        """JSON values that restore this position. The next batch is the one after the last returned batch."""
        ...


@dataclass(frozen=True)
class Result:
    """The result of a finished run.

    Attributes:
        networks: the averaged networks. curve: one row of means every `log_every` steps.
        steps, seconds, waiting: steps done by this process, their wall time (without pictures and
            checkpoints), and the part of it that was waiting for a batch.
        done: steps done by all attempts together; fewer than planned if the deadline came first, or the watch stopped.
    """

    networks: nn.ModuleDict
    curve: list[dict[str, float]]
    steps: int
    seconds: float
    waiting: float
    done: int


def train(
    method: Method,
    config: LoopConfig,
    open_feed: Callable[[dict[str, Any] | None], Feed],
    accelerator: Accelerator,
    checkpoints: Checkpoints,
    seed: int,
    log: Callable[[int, dict[str, float]], None],
    picture: Callable[[int, nn.ModuleDict], None],
    deadline: float | None = None,
    watch: Watch | None = None,
) -> Result:
    """Train `method`, from the newest checkpoint if there is one.

    Args:
        open_feed: called once, with a saved position of this rank's batches or None.
        log: called on the main process with the steps done and means since the last call.
        picture: called on the main process with the steps done and the averaged networks.
        deadline: seconds since 1970. The run ends after the last step before it and returns its result. The learning
            rate follows the plan for all steps, so it has not reached its end. The checkpoint equals that of an
            uninterrupted run: a later call continues from it.
        watch: looks at the averaged networks on the main process; the best snapshot it kept becomes the result.
    Raises:
        TrainingError: a loss or a gradient is no longer a finite number.
        SystemExit: 128 + n after signal n (SIGTERM, SIGINT); the step was finished and a checkpoint saved.
    """
    main, device = accelerator.is_main_process, accelerator.device
    networks = method.networks.to(device).train()
    lay_out(networks, config.speed)
    phases = method.phases()
    owned = _optimizers(networks, phases, config)
    optimizers = [owned[phase.shares or phase.name] for phase in phases]
    rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    ema = Ema(networks, method.ema, config.ema_half_life, config.ema_ramp)
    start, curve, window, latest, position = 0, [], [], {}, None

    saved = checkpoints.latest()
    if saved is not None:
        networks.load_state_dict(saved.tensors["networks"])
        ema.networks.load_state_dict(saved.tensors["ema"])
        for optimizer, state in zip(owned.values(), saved.optimizers, strict=True):
            optimizer.load_state_dict(state)
        method.memory.update(saved.state["memory"])
        start, curve, window = saved.state["step"], saved.state["curve"], saved.state["window"]
        latest = {name: torch.tensor(value, device=device) for name, value in saved.state["latest"].items()}
        position = saved.state["feed"]
        if watch is not None:
            watch.restore(saved.state["watch"], saved.tensors.get("best"))
    feed = open_feed(position)
    compile_networks(networks, config.speed)
    accelerator.wait_for_everyone()  # no process writes a checkpoint while another process searches for one

    def save(done: int) -> None:
        if not main:
            return
        tensors = {"networks": networks.state_dict(), "ema": ema.networks.state_dict()}
        state = {"step": done, "curve": curve, "window": window, "latest": _floats(latest)}
        state |= {"memory": method.memory, "feed": feed.state()}
        if watch is not None:
            state |= {"watch": watch.state()}
            tensors |= {"best": watch.best} if watch.best else {}
        checkpoints.save(Snapshot(tensors, [optimizer.state_dict() for optimizer in owned.values()], state))

    seconds = waiting = 0.0
    told, done = (start, 0.0, 0.0), start

    def row() -> None:
        nonlocal window, told
        curve.append({"step": done, **_means(window)})
        window = []
        span = max(seconds - told[1], 1e-9)
        speed = {"steps_per_second": (done - told[0]) / span, "waiting_share": (waiting - told[2]) / span}
        told = (done, seconds, waiting)
        if main:
            log(done, {**curve[-1], **speed})

    with recorded() as received:
        stopped = watch is not None and watch.stop
        if stopped:
            received.append(_COLLAPSED)
        last = start if stopped and start > watch.rows[-1]["step"] else config.steps  # stopped before, and saved
        for step in range(start, last):
            began = time.perf_counter()
            batch = next(feed)
            waiting += time.perf_counter() - began
            batch = batch.to(device)
            _seed(seed, step, accelerator.process_index)
            begin_step(config.speed)
            state, logs = State(step, config.steps, networks), {}
            for phase, optimizer, base in zip(phases, optimizers, rates, strict=True):
                if phase.due(state, latest):
                    for group, rate in zip(optimizer.param_groups, base, strict=True):
                        group["lr"] = rate * config.rate(step)
                    logs |= _descend(phase, optimizer, batch, state, accelerator, config.clip)
            if deadline is not None and time.time() + time.perf_counter() - began >= deadline:
                received.append(_TIME_IS_UP)
            logs, stop = _agree(logs, received, accelerator)
            latest |= logs
            window.append(logs)
            ema.update(step)
            done = step + 1
            regular = done % config.checkpoint_every == 0 or done == config.steps
            if regular or stop or done % config.log_every == 0:
                window = _finite(window, done)
            seconds += time.perf_counter() - began

            if watch is not None and main and watch.due(done):
                margin = logs.get("discriminator/margin")
                window[-1] |= watch.look(done, ema.networks, None if margin is None else float(margin))
                if watch.stop:  # the processes agree on it in the next step
                    received.append(_COLLAPSED)
            if done % config.log_every == 0 or done == config.steps:
                row()
            if main and (done % config.picture_every == 0 or done == config.steps):
                picture(done, ema.networks)  # before the checkpoint: a resumed run makes no earlier pictures
            if regular or stop:
                save(done)
            if stop in (_TIME_IS_UP, _COLLAPSED) and done < config.steps:
                if window:
                    row()
                if main and done % config.picture_every:
                    picture(done, ema.networks)
                break
            if stop and done < config.steps:
                raise SystemExit(128 + stop)
    if watch is not None and watch.best:
        load(ema.networks, watch.best)
    return Result(ema.networks, curve, done - start, seconds, waiting, done)


def _optimizers(networks: nn.ModuleDict, phases: list[Phase], config: LoopConfig) -> dict[str, torch.optim.Optimizer]:
    """The optimiser of each phase that has its own, by the name of the phase."""
    own = [phase for phase in phases if phase.shares is None]
    return {phase.name: fused(phase.optimizer(_parameters(networks, phase)), config.speed) for phase in own}


def _parameters(networks: nn.ModuleDict, phase: Phase) -> list[nn.Parameter]:
    return [parameter for name in phase.networks for parameter in networks[name].parameters()]


def _descend(
    phase: Phase, optimizer: torch.optim.Optimizer, batch: Batch, state: State, accelerator: Accelerator, clip: float
) -> dict[str, Tensor]:
    """One step of one phase; its numbers, named `<phase>/<what>`."""
    for name, network in state.networks.items():
        network.requires_grad_(name in phase.networks)
    optimizer.zero_grad(set_to_none=True)
    with accelerator.autocast():
        loss, logs = phase.loss(batch, state)
    accelerator.backward(loss)
    parameters = [parameter for parameter in _parameters(state.networks, phase) if parameter.grad is not None]
    _average_gradients(parameters, accelerator)
    norm = nn.utils.clip_grad_norm_(parameters, clip)
    optimizer.step()
    found = {"loss": loss, **logs, "gradient": norm}
    return {f"{phase.name}/{name}": value.detach().float() for name, value in found.items()}


def _average_gradients(parameters: list[nn.Parameter], accelerator: Accelerator) -> None:
    """Mean over ranks, in one communication call.

    The loop does this without a wrapper around the networks. So a method may call each network any number of times,
    with or without gradients.
    """
    if accelerator.num_processes == 1 or not parameters:
        return
    flat = accelerator.reduce(torch.cat([parameter.grad.flatten() for parameter in parameters]), "mean")
    for parameter, part in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
        parameter.grad.copy_(part.view_as(parameter))


def _agree(logs: dict[str, Tensor], received: list[int], accelerator: Accelerator) -> tuple[dict[str, Tensor], int]:
    """Means of the logs over ranks, and the signal that any rank received. All ranks stop after the same step.

    The deadline is encoded as one more signal. If both occur, a single process uses the first.
    """
    stop = received[0] if received else 0
    if accelerator.num_processes == 1:
        return logs, stop
    values = [value.to(accelerator.device) for value in logs.values()]
    own = torch.tensor(float(stop), device=accelerator.device)
    mean = accelerator.reduce(torch.stack([*values, own]), "mean")
    found = accelerator.gather(own).max()
    return dict(zip(logs, mean[:-1], strict=True)), int(found)


def _finite(window: list[Mapping[str, Tensor | float]], done: int) -> list[dict[str, float]]:
    """The window as plain numbers; a TrainingError names the first step with a number that is not finite."""
    plain = [_floats(row) for row in window]
    for index, row in enumerate(plain):
        for name, value in row.items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"step {done - len(plain) + index + 1}: {name} is {value}; lower train.lr or train.clip, or "
                    "raise train.warmup, and run again"
                )
    return plain


def _floats(row: Mapping[str, Tensor | float]) -> dict[str, float]:
    return {name: float(value) for name, value in row.items()}


def _means(window: list[dict[str, float]]) -> dict[str, float]:
    """Mean of each number over the steps that have it, because a phase may skip steps."""
    names = list(dict.fromkeys(name for row in window for name in row))
    columns = {name: [row[name] for row in window if name in row] for name in names}
    return {name: math.fsum(values) / len(values) for name, values in columns.items()}


def _seed(seed: int, step: int, rank: int) -> None:
    """Set every global generator (Python, NumPy, torch on CPU and GPU) for one step of one rank."""
    value = int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0])
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)
