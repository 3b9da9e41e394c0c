"""Sampling in batches of one size, so that a sample does not depend on the other requested samples.

The rounding of a kernel may depend on the size of a batch and on the place in it, but not on the other entries. So a
sample is always in slot `index mod SLOTS` of a batch of SLOTS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

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
