"""When training must end early, as a finished model of so many steps: on a machine that is lent for a time.

DVC never runs a training with a deadline, because the time that a machine takes is no input of the stage.
"""

from __future__ import annotations

import os

from models.core.config import LoopConfig

VARIABLE = "LANDLOOM_DEADLINE"
"""Seconds since 1970. `flows.bundles.far` sets it."""


def deadline() -> float | None:
    """The moment, or None: always None under DVC, which names the stage in the environment."""
    value = os.environ.get(VARIABLE)
    return None if not value or "DVC_STAGE" in os.environ else float(value)


def cut(done: int, params: LoopConfig) -> dict[str, int]:
    """What is recorded of a training that ended after `done` steps: nothing where that is all of them."""
    return {} if done == params.steps else {"partial": 1, "steps_done": done, "steps_planned": params.steps}
