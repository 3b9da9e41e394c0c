"""Small configurations and methods for the tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn

from models.consistency.params import NetworkConfig, Params
from models.core.checkpoint import Checkpoints
from models.core.config import LoopConfig
from models.core.loop import Result, train
from models.core.method import Batch, Phase, State

NETWORK = NetworkConfig(channels=8, multipliers=[1, 2], blocks=1, attention=[4], patch=1, dropout=0.0)
CONSISTENCY = Params(
    network=NETWORK,
    pretrain_share=0.5,
    sigma_min=0.002,
    sigma_max=80.0,
    sigma_data=0.5,
    rho=7.0,
    p_mean=-1.1,
    p_std=2.0,
    s0=10,
    s1=None,
    mid_sigma=0.8,
    conditions=(),
    condition_dropout=0.0,
)
LOOP = LoopConfig(
    steps=10,
    lr=1e-3,
    warmup=2,
    cooldown=0.3,
    clip=1.0,
    ema_half_life=3.0,
    log_every=4,
    checkpoint_every=1000,
    picture_every=1000,
)


class Noise:
    """A feed whose batch k depends only on k."""

    def __init__(self, make, position=None):
        self._make, self._at = make, (position or {"at": 0})["at"]

    def __next__(self) -> Batch:
        self._at += 1
        made = self._make(np.random.default_rng([1, self._at]))
        return made if isinstance(made, Batch) else batch(made)

    def state(self) -> dict[str, int]:
        return {"at": self._at}


def batch(arrays: Mapping[str, Tensor]) -> Batch:
    """A batch of named tensors, of which `labels` is a condition."""
    tensors = {name: value for name, value in arrays.items() if name != "labels"}
    return Batch(tensors, {"labels": arrays["labels"]} if "labels" in arrays else {})


def fit(method, make, folder, loop=LOOP, log=None, picture=None, deadline=None, watch=None) -> Result:
    """Train `method` on batches from `make(rng)`, with checkpoints in `folder`."""
    return train(
        method,
        loop,
        lambda position: Noise(make, position),
        Accelerator(cpu=True),
        Checkpoints(folder),
        5,
        log or (lambda done, row: None),
        picture or (lambda done, networks: None),
        deadline,
        watch,
    )


class Rivals:
    """The smallest GAN: two networks, two optimisers, and a switch with a state."""

    ema = ("generator",)

    def __init__(self, stop_above: float = 2.0, resume_below: float = 1.5):
        self.networks = nn.ModuleDict(
            {
                "generator": nn.Sequential(nn.Linear(2, 16), nn.SiLU(), nn.Linear(16, 2)),
                "critic": nn.Sequential(nn.Linear(2, 16), nn.SiLU(), nn.Dropout(0.1), nn.Linear(16, 1)),
            }
        )
        self.memory = {"resting": 0.0}
        self._above, self._below = stop_above, resume_below
        self.trained: list[str] = []

    def phases(self) -> list[Phase]:
        return [
            Phase("critic", ("critic",), lambda p: torch.optim.Adam(p, 1e-2), self._critic),
            Phase("generator", ("generator",), lambda p: torch.optim.SGD(p, 1e-2), self._generator, self._due),
        ]

    def _due(self, state: State, logs: Mapping[str, Tensor]) -> bool:
        """The generator pauses until the critic has caught up."""
        if "critic/loss" in logs:
            loss = float(logs["critic/loss"])
            limit = self._below if self.memory["resting"] else self._above
            self.memory["resting"] = float(loss >= limit)
        return not self.memory["resting"]

    def _critic(self, batch, state):
        self.trained.append("critic")
        real = batch["point"]
        fake = state.networks["generator"](torch.randn_like(real))
        critic = state.networks["critic"]
        return (F.softplus(-critic(real)) + F.softplus(critic(fake))).mean(), {}

    def _generator(self, batch, state):
        self.trained.append("generator")
        fake = state.networks["generator"](torch.randn_like(batch["point"]))
        return F.softplus(-state.networks["critic"](fake)).mean(), {"spread": fake.std()}


def points(rng: np.random.Generator) -> dict[str, Tensor]:
    """A batch for `Rivals`."""
    return {"point": torch.from_numpy(rng.standard_normal((16, 2), np.float32) + 2)}


def same(one: nn.Module, other: nn.Module) -> bool:
    """Whether two networks have the same bits."""
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)
