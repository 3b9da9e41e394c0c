"""A network with its conditions as a fixed argument."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from torch import Tensor, nn

Network = nn.Module | partial
"""F(c_in x, c_noise, facts), see `models.consistency.unet`."""


def with_conditions(network: nn.Module, inputs: Mapping[str, Tensor]) -> Network:
    """`network` with `inputs` as its conditions, if there are any."""
    return partial(network, conditions=inputs) if inputs else network
