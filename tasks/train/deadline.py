"""The time at which training stops early and saves a finished model, for a machine with limited time.

DVC never runs a training with a deadline, because the speed of a machine is not an input of the stage.
"""

from __future__ import annotations

import os

from models.core.config import LoopConfig

VARIABLE = "LANDLOOM_DEADLINE"
"""Environment variable: seconds since 1970. `flows.bundles.far` sets it."""


def deadline() -> float | None:
    """The deadline, or None. It is always None under DVC, which sets the name of the stage in the environment."""
    value = os.environ.get(VARIABLE)
    return None if not value or "DVC_STAGE" in os.environ else float(value)


def cut(done: int, params: LoopConfig) -> dict[str, int]:
    """The record of a training that ended after `done` steps; empty if `done` is the planned number."""
    return {} if done == params.steps else {"partial": 1, "steps_done": done, "steps_planned": params.steps}
