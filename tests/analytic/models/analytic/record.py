"""The record of the method `analytic`."""

from __future__ import annotations

from models.analytic.generator import Generator
from models.analytic.params import Params
from torch import nn

from models.core.record import MethodRecord


class Analytic:
    """Nothing to train."""

    ema = ("none",)

    def __init__(self, params: Params):
        self.params, self.memory = params, {}
        self.networks = nn.ModuleDict({"none": nn.Linear(1, 1)})

    def phases(self) -> list:
        return []


METHOD = MethodRecord(
    name="analytic",
    params=Params,
    layers=lambda params: ("height",),
    fit=lambda params, tiles, gsd: None,
    encode=lambda params, encoding, arrays: None,
    build=lambda params, config, lr: Analytic(params),
    finish=lambda method, networks, config, device: Generator(method.params, config),
    conditions=lambda params: params.conditions,
)
