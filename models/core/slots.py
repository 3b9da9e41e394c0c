"""Sampling in batches of one size, so that a sample does not depend on the other requested samples.

The rounding of a kernel may depend on the size of a batch and on the place in it, but not on the other entries. So a
sample is always in slot `index mod SLOTS` of a batch of SLOTS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from models.core.conditions import checked
from models.core.products import Conditions

SLOTS = 16
"""Number of samples computed together. It is part of a model's format: another number may change the last bits."""


def sample_in_slots(
    indices: Sequence[int] | np.ndarray,
    conditions: Conditions,
    make: Callable[[dict[int, int], dict[str, np.ndarray]], np.ndarray],
) -> list[np.ndarray]:
    """One array for each of `indices`, in their order.

    Args:
        conditions: name to array, one entry for each of `indices`.
        make: (slot to index, name to array (SLOTS, …) with zeros in unused slots) to an array (SLOTS, …).
    Raises:
        ValueError: an index is negative.
    """
    indices = [int(index) for index in indices]
    if min(indices, default=0) < 0:
        raise ValueError(f"indices of samples count from 0; {min(indices)} is negative")
    found: list[np.ndarray] = [np.empty(0)] * len(indices)
    groups: dict[tuple[int, int], list[int]] = {}
    seen: Counter[int] = Counter()
    for place, index in enumerate(indices):
        groups.setdefault((index // SLOTS, seen[index]), []).append(place)
        seen[index] += bool(conditions)  # a caller may request one index with two conditions
    for places in groups.values():
        slots = [indices[place] % SLOTS for place in places]
        given = {}
        for name, values in conditions.items():
            given[name] = np.zeros((SLOTS, *values.shape[1:]), values.dtype)
            given[name][slots] = values[places]
        made = make({indices[place] % SLOTS: indices[place] for place in places}, given)
        for place, slot in zip(places, slots, strict=True):
            found[place] = made[slot]
    return found


def sample_in_one_step(
    method: str,
    indices: Sequence[int] | np.ndarray,
    steps: int,
    conditions: Conditions | None,
    like: tuple[tuple[int, ...], type],
    make: Callable[[dict[int, int]], np.ndarray],
) -> np.ndarray:
    """Samples of a model that needs one evaluation and takes no conditions, (n, …).

    Args:
        method: its name. like: shape and type of one sample. make: slot to index, to an array (SLOTS, …).
    Raises:
        ValueError: `steps` is not 1, there are conditions, or an index is negative.
    """
    checked(conditions, (), len(indices))
    if steps != 1:
        raise ValueError(f"{method} samples in 1 step, not in {steps}")
    shape, kind = like
    out = np.empty((len(indices), *shape), kind)
    for place, made in enumerate(sample_in_slots(indices, {}, lambda slots, _: make(slots))):
        out[place] = made
    return out
