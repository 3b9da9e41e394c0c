"""The watch for mode collapse of one training: which held-out data it compares with, and what it samples."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
from torch import nn

from models.core.config import LoopConfig
from models.core.record import MethodRecord
from models.core.watch import Watch
from tasks.formats.shards.shardset import ShardSet

FEWEST = 16
"""With fewer held-out tiles the watch compares with training tiles, and with fewer of those there is no watch."""


def watch_of(
    record: MethodRecord,
    params: LoopConfig,
    product: ModuleType,
    shards: ShardSet,
    finish: Callable[[nn.ModuleDict], Any],
    say: Callable[[str], None],
) -> Watch | None:
    """The watch, or None if the method cannot collapse or there are too few tiles.

    Args:
        product: the module `tasks.train.<product>`; its `views` makes pictures of tiles and of samples.
        finish: function from the averaged networks to the finished model.
    """
    if not record.adversarial:
        return None
    rows = next((found for split in ("val", "train") if len(found := shards.rows(split)) >= FEWEST), None)
    if rows is None:
        say(f"fewer than {FEWEST} tiles: the training is not watched for collapse")
        return None
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, params.watch.samples).astype(int))]
    real, view = product.views(shards, rows)
    count = params.watch.samples

    def draw(networks: nn.ModuleDict) -> np.ndarray:
        return view(finish(networks), count)

    return Watch(params.watch, params.steps, real, draw, say)


def stopped(watch: Watch | None, done: int, steps: int) -> bool:
    """Whether the watch ended the training before its planned last step."""
    return watch is not None and watch.stop and done < steps
