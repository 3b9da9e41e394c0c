"""Drains a terrain before it is exported, and tells what that changed."""

from __future__ import annotations

from dataclasses import replace

from tasks.generate.params import Params
from tasks.generate.terrain.terrain import Terrain
from tasks.relief.carve import drained
from tasks.relief.sea import low_sea


def drain(params: Params, terrain: Terrain) -> Terrain:
    """With `drain`, the terrain without pits: all water reaches the sea or the border. Its facts say what changed.

    Raises:
        LandloomError: a height is not a number.
    """
    if not params.drain:
        return terrain
    terrain.check()
    made = drained(terrain.height, low_sea(terrain.height[None])[0])
    facts = {
        "drained_pools": made.pools,
        "drained_channels": made.channels,
        "drained_changed_share": round(made.changed_share, 5),
        "drained_lowered_m": round(made.lowered_m, 3),
        "drained_raised_m": round(made.raised_m, 3),
    }
    return replace(terrain, height=made.height, facts={**terrain.facts, **facts})
