"""A training step of `stylegan2` at 64² on the processor, against a plain reading of the papers in PyTorch.

The plain form reads the equations literally: grouped convolutions with the weights of each picture, zeros inserted
between the pixels and a low-pass filter over all channels after them, real and generated pictures judged one after the
other, and bias, noise and activation as passes of their own. Both have the same weights, so both must have the same
loss.
"""

from __future__ import annotations

import time
from statistics import median

import torch

from models.core.method import Batch, Phase, State
from models.stylegan2.method import StyleGan2
from models.stylegan2.params import Params
from tests.benchmarks.plain_stylegan2 import PlainStyleGan2

PX, BATCH, ROUNDS, THREADS = 64, 8, 3, 1
WIDTH, MOST, Z = 2048, 128, 128
TOY = {"PX": 32, "BATCH": 2, "ROUNDS": 1, "WIDTH": 64, "MOST": 4, "Z": 4}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    before = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        return _rows()
    finally:
        torch.set_num_threads(before)


def _rows() -> list[tuple[str, str, str]]:
    params = Params(generator={"z": Z, "w": Z, "width": WIDTH, "most": MOST})
    forms = {}
    for name, kind in (("fast", StyleGan2), ("plain", PlainStyleGan2)):
        torch.manual_seed(0)
        forms[name] = kind(params, PX, 3, 0, 1e-3, BATCH)
    assert forms["fast"].networks.state_dict().keys() == forms["plain"].networks.state_dict().keys()
    batch = Batch({"image": torch.rand(BATCH, 3, PX, PX, generator=torch.Generator().manual_seed(1)) * 2 - 1})
    losses = {name: step(method, batch) for name, method in forms.items()}
    apart = max(abs(losses["fast"][name] / value - 1) for name, value in losses["plain"].items())
    times: dict[str, list[float]] = {"fast": [], "fast, channels last": [], "plain": []}
    for _ in range(ROUNDS):  # side by side, so that a busy machine slows all
        for name, found in times.items():
            method = forms[name.split(",")[0]]
            layout = torch.channels_last if name.endswith("last") else torch.contiguous_format
            method.networks.to(memory_format=layout)
            found.append(seconds(method, batch))
    what = f"{PX} px, batch {BATCH}, {THREADS} thread"
    return [
        (f"stylegan2: a step against the plain reading ({what})", f"{_ratio(times, 'fast'):.2f} ×", "≥ 1.3 ×"),
        (f"stylegan2: the same with channels last ({what})", f"{_ratio(times, 'fast, channels last'):.2f} ×", ""),
        ("stylegan2: seconds of a step of the plain reading", f"{median(times['plain']):.3f}", ""),
        ("stylegan2: largest relative difference of a loss", f"{apart:.1e}", "≤ 1e-3"),
    ]


def _ratio(times: dict[str, list[float]], name: str) -> float:
    return median(plain / other for plain, other in zip(times["plain"], times[name], strict=True))


def step(method: StyleGan2, batch: Batch) -> dict[str, float]:
    """One step of all phases without a change of weights; the loss of each, by its name."""
    found = {}
    for number, phase in enumerate(method.phases()):
        found[phase.name] = float(_loss(method, phase, batch, number).detach())
    return found


def seconds(method: StyleGan2, batch: Batch) -> float:
    """Time of losses and gradients of one step; a penalty of every k-th step counts 1 / k of its time."""
    every, total = {"penalty": method.params.loss.every, "path": method.params.loss.path_every}, 0.0
    for number, phase in enumerate(method.phases()):
        began = time.perf_counter()
        _loss(method, phase, batch, number).backward()
        total += (time.perf_counter() - began) / every.get(phase.name, 1)
    return total


def _loss(method: StyleGan2, phase: Phase, batch: Batch, number: int) -> torch.Tensor:
    for name, network in method.networks.items():
        network.requires_grad_(name in phase.networks).zero_grad(set_to_none=True)
    torch.manual_seed(number)
    return phase.loss(batch, State(0, 1, method.networks))[0]
