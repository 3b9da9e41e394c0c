"""Heights sampled from noise, judged as terrain, and whether what is given steers them."""

from __future__ import annotations

from typing import Any

from tasks.core.stage import Stage
from tasks.evaluate.account import Account
from tasks.evaluate.frame import judge_tiles, real_tiles
from tasks.evaluate.heights.steering.steer import add_steering
from tasks.evaluate.params import Params
from tasks.evaluate.sampling import sample_all
from tasks.evaluate.terrain.medium import ground_distance, terrain
from tasks.formats.shards.shardset import ShardSet


def measure(stage: Stage[Params], model: Any, shards: ShardSet) -> Account:
    """Compare samples of every number of steps with held-out terrain; measure the model's conditions."""
    medium = terrain(ground_distance(shards, model))
    real = real_tiles(stage, medium, shards)
    account = judge_tiles(stage, medium, shards, real, sample_all(stage, model))
    add_steering(stage, model, shards, account)
    return account
