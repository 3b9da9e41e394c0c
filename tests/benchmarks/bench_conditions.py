"""What conditions cost: a training step, and a guided sample, against those of a model without conditions.

Processor time of one thread, tiles and parameters of the demo. Steps of the models alternate, so that a busy machine
slows all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import nn

from models.consistency.method import FACTS_EVERY
from models.core.artifact import build_method, finished
from models.core.method import State
from models.core.record import method as record_of
from tasks.core.settings import read, rooms
from tests.shard.small import terrain

ALL = ["text", "coarse", "sketch", "known"]
KINDS = {"no conditions": [], "words": ["text"], "all conditions": ALL}
STEPS = 12
BATCH: int | None = None  # that of params.yaml
TOY = {"STEPS": 1, "BATCH": 2}
WORDS = ("steep high mountains", "gently sloping plains", "hills by the sea", "open low mountains")
SIDE = 64


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    torch.set_num_threads(1)
    section = rooms(read()["datasets"], "terrain")["train"]
    count = BATCH or section.batch
    tiles = {"height": _tiles(count), "caption": np.array([_caption(n) for n in range(count)], object)}
    models = {name: _Trained(section, conditions, tiles) for name, conditions in KINDS.items()}
    rows = []
    for phase in ("denoising", "consistency"):
        spent = _alternating({name: partial(model.step, phase) for name, model in models.items()})
        plain = spent.pop("no conditions")
        for name, seconds in spent.items():
            rows.append((f"training step, {phase}: {name} / no conditions", f"{seconds / plain:.2f}", "≤ 1.3"))
    full = models["all conditions"].finished()
    text = {"text": np.array([_caption(n) for n in range(16)], object)}
    sample = {
        "not guided": lambda: full.sample(range(16), 1, 1, text),
        "trained in": lambda: full.sample(range(16), 1, 1, text, 2.0),
        "two passes": lambda: full.sample(range(16), 1, 1, text, 2.0, passes=True),
        "no conditions": lambda: models["no conditions"].finished().sample(range(16), 1, 1),
    }
    spent = _alternating(sample)
    plain = spent.pop("not guided")
    bars = {"trained in": "≤ 1.1", "two passes": "", "no conditions": ""}
    said = {name: f"guided sample, one evaluation, {name} / not guided" for name in ("trained in", "two passes")}
    said["no conditions"] = "sample of a model without conditions / of all conditions, by words"
    return rows + [(said[name], f"{seconds / plain:.2f}", bars[name]) for name, seconds in spent.items()]


class _Trained:
    """One model in training."""

    def __init__(self, section: Any, conditions: list[str], tiles: dict[str, np.ndarray]):
        self.record = record_of("consistency")
        values = section.method.model_dump(mode="json") | {
            "conditions": conditions,
            "text": {"name": "vocabulary", "least": 1},
        }
        self.params, self.tiles = self.record.params(**values), tiles
        self.encoding = self.record.fit(
            self.params, lambda *layers: iter([{name: tiles[name] for name in layers}]), 90.0
        )
        self.config = {"method": self.params.model_dump(mode="json"), "px": SIDE, "gsd": 90.0}
        self.config |= {"encoding": self.encoding.to_dict()}
        self.method = build_method(self.config, 1e-3)
        self.done = 0
        self.phases = {phase.name: phase for phase in self.method.phases()}
        networks = self.method.networks
        self.optimizers = {
            name: phase.optimizer(networks[phase.networks[0]].parameters()) for name, phase in self.phases.items()
        }

    def step(self, name: str) -> None:
        """Encode a batch and descend, as one step of the loop does."""
        share = self.params.pretrain_share
        state = State(round(100 * share) if name == "consistency" else 0, 100, self.method.networks.train())
        batch = self.record.encode(self.params, self.encoding, self.tiles)
        for each in (name, "facts"):
            if each not in self.phases or (each == "facts" and self.done % FACTS_EVERY):
                continue
            for key, network in self.method.networks.items():
                network.requires_grad_(key in self.phases[each].networks)
            self.optimizers[each].zero_grad()
            self.phases[each].loss(batch, state)[0].backward()
            self.optimizers[each].step()
        self.done += 1

    def finished(self) -> Any:
        """The model as it is."""
        networks = nn.ModuleDict({name: self.method.networks[name] for name in self.method.ema}).eval()
        return finished(self.method, networks, self.config, torch.device("cpu"))


def _alternating(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Mean seconds of processor time of each call; the first call of each is not counted."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(1 + STEPS):
        for name, call in calls.items():
            start = time.process_time()
            call()
            spent[name].append(time.process_time() - start)
    return {name: fmean(seconds[1:]) for name, seconds in spent.items()}


def _tiles(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([terrain(rng, 900.0, SIDE) for _ in range(count)])


def _caption(n: int) -> str:
    """About as many words as a caption has."""
    return (
        f"A landscape of {WORDS[n % 4]}, {100 * n} to {900 + 100 * n} m above sea level. "
        + "Its slopes face north. " * 4
    )
